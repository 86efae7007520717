"""What to do after a call failed, by the class of its error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.deck.policy import ACTIONS as DECLARED
from pipelex_like.deck.policy import WORTH_WAITING
from pipelex_like.errors import (
    AccessDeniedError,
    BadRequestError,
    BudgetError,
    CallError,
    CallTimeoutError,
    CapabilityError,
    ContentPolicyError,
    ContextWindowError,
    CredentialsError,
    InvalidResponseError,
    NotFoundError,
    OverloadedError,
    QuotaError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
    UnreachableError,
)
from pipelex_like.types import FrozenDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck.policy import Action

# What nobody may declare otherwise.
_FIXED: Mapping[str, Action] = FrozenDict({"budget": "stop", "stream_interrupted": "stop"})
ACTIONS: Mapping[str, Action] = FrozenDict({**DECLARED, **_FIXED})
"""Per error class: try the same candidate again, go on to the next one, or give up. TOML's `actions` may change it.
`invalid_object` is an answer that could be read and does not fit the type that was asked for."""

_CLASSES: Mapping[type[CallError], str] = {
    CredentialsError: "auth",
    AccessDeniedError: "permission",
    QuotaError: "quota",
    RateLimitError: "rate_limit",
    ContextWindowError: "context_window",
    ContentPolicyError: "content_policy",
    BadRequestError: "bad_request",
    NotFoundError: "not_found",
    CallTimeoutError: "timeout",
    ServerError: "server",
    OverloadedError: "overloaded",
    UnreachableError: "connection",
    InvalidResponseError: "invalid_response",
    CapabilityError: "capability",
    BudgetError: "budget",
    StreamInterruptedError: "stream_interrupted",
}


def error_class(error: CallError) -> str:
    """Give the word that `actions` tables use for this error; `server` for one of no class of its own."""
    return next((_CLASSES[cls] for cls in type(error).__mro__ if cls in _CLASSES), "server")


def action_for(error: CallError, overrides: Mapping[str, str], *, alone: bool = False, misfit: bool = False) -> Action:
    """Give what to do after this error: what `overrides` say, else the table.

    With nobody else left to ask (`alone`), a provider that has too much to do is asked again. `misfit` marks an object
    that does not fit; where only `invalid_response` was declared, that counts for it. A budget that is used up and a
    stream that broke after its first event always stop. The same request is never sent again where the error itself
    says that it cannot succeed: `retry` becomes `next`.
    """
    word = error_class(error)
    if word in _FIXED:
        return ACTIONS[word]
    declared = overrides.get(word)
    if misfit and word == "invalid_response":
        word, declared = "invalid_object", overrides.get("invalid_object", declared)
    default: Action = "retry" if alone and word in WORTH_WAITING else ACTIONS[word]
    action = _checked(declared, default)
    return "next" if action == "retry" and word == "server" and not error.retryable else action


def _checked(given: str | None, default: Action) -> Action:
    match given:
        case "retry" | "next" | "stop":
            return given
        case _:
            return default
