"""How calls are governed: what backends, profiles, presets and aliases may say of it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal, cast

from pydantic import Field

from pipelex_like.deck import NO_POLICY, Policy, Template
from pipelex_like.deck.policy import RULES, Balance
from pipelex_like.specs.fields import Count, CountOrNone, Dollars, Seconds, SecondsOrNone, Table, Variable
from pipelex_like.types import FrozenDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import Scalar
    from pipelex_like.deck.policy import Rule
    from pipelex_like.specs.page import Page, Path
    from pipelex_like.specs.profiles import BackendNames

Action = Literal["retry", "next", "stop"] | None
_SECONDS = Annotated[Seconds | None, Field(union_mode="left_to_right")]
_SECONDS_OR_NONE = Annotated[SecondsOrNone | None, Field(union_mode="left_to_right")]
_COUNT = Annotated[Count | Variable | None, Field(union_mode="left_to_right")]
_COUNT_OR_NONE = Annotated[CountOrNone | Variable | None, Field(union_mode="left_to_right")]
_DOLLARS = Annotated[Dollars | None, Field(union_mode="left_to_right")]
_Weight = Annotated[int, Field(ge=0, le=10**9)] | Annotated[float, Field(ge=0, le=10**9)]


class ActionsTable(Table):
    """What follows on an error of each class."""

    auth: Action = None
    permission: Action = None
    quota: Action = None
    rate_limit: Action = None
    context_window: Action = None
    content_policy: Action = None
    bad_request: Action = None
    not_found: Action = None
    timeout: Action = None
    server: Action = None
    overloaded: Action = None
    connection: Action = None
    invalid_response: Action = None
    invalid_object: Action = None
    capability: Action = None


class PolicyTable(Table):
    """The keys of a policy that may stand everywhere, for tables that have others besides."""

    timeout: _SECONDS = None
    connect_timeout: _SECONDS = None
    first_event_timeout: _SECONDS = None
    between_events_timeout: _SECONDS = None
    start_timeout: _SECONDS = None
    job_timeout: _SECONDS = None
    max_stream_seconds: _SECONDS = None
    retry_after_cap: _SECONDS = None
    cooldown: _SECONDS_OR_NONE = None
    max_response_bytes: _COUNT = None
    max_event_bytes: _COUNT = None
    max_retries: _COUNT_OR_NONE = None
    max_attempts: _COUNT = None
    max_repairs: _COUNT_OR_NONE = None
    actions: ActionsTable | None = Field(default=None, description="what follows on an error of each class")


class BackendPolicyTable(PolicyTable):
    """The keys of a backend's policy."""

    max_concurrency: _COUNT = None
    max_waiting: _COUNT_OR_NONE = None


class CallPolicyTable(PolicyTable):
    """The keys of a policy for calls: a profile's, a preset's or an alias'."""

    max_cost: _DOLLARS = None
    max_total_tokens: _COUNT = None
    reserve_output_tokens: _COUNT = None
    balance: Balance | None = None
    weights: dict[str, Annotated[_Weight, Field(union_mode="left_to_right")]] | None = None
    hedge_after: _SECONDS = None
    cache: Annotated[bool | Seconds | None, Field(union_mode="left_to_right")] = None
    coalesce: bool | None = None


POLICY_KEYS = frozenset({*BackendPolicyTable.model_fields, *CallPolicyTable.model_fields})


def read_policy(table: PolicyTable, page: Page, path: Path, *, known: BackendNames | None = None) -> Policy:
    """Give the policy; one that says nothing is always the same object. `known` checks the names in `weights`."""
    said = table.model_fields_set & POLICY_KEYS
    if not said:
        return NO_POLICY
    values: dict[str, object] = {
        name: _value(getattr(table, name), rule, page, (*path, name)) for name, rule in RULES.items() if name in said
    }
    if table.actions is not None:
        values["actions"] = FrozenDict(table.actions.model_dump(exclude_none=True))
    if isinstance(table, CallPolicyTable) and table.weights is not None:
        values["weights"] = _weights(table.weights, page, (*path, "weights"), known)
    return Policy(**values)  # pyright: ignore[reportArgumentType]


def read_count(value: int | str | None, page: Page, path: Path) -> int | Template | None:
    """Give a whole number, or the Template that will hold one."""
    return read_variable(value, "int", page, path) if isinstance(value, str) else value


def read_dollars(value: float | str | None, page: Page, path: Path) -> Decimal | None:
    """Give an amount as the Decimal of the text that was written; a variable cannot stand for it."""
    if isinstance(value, str):
        read_variable(value, "decimal", page, path)
        return None
    return None if value is None else Decimal(repr(value))


def read_variable(text: str, scalar: Scalar, page: Page, path: Path) -> Template | None:
    """Give the Template that a number's text is; report what is none, and one where no variable is filled in."""
    if not page.variables:
        page.error(
            path,
            "no-variable-here",
            "variables are filled in only in backends.toml and the files of backends/.",
            "Write the number itself.",
        )
        return None
    found = page.text(path, text, scalar)
    if isinstance(found, Template):
        return found
    page.error(path, "wrong-type", "expected a number, got a text.")
    return None


def _value(value: object, rule: Rule, page: Page, path: Path) -> object:
    if rule.form == "dollars":
        return read_dollars(cast("float | str | None", value), page, path)
    if isinstance(value, str) and rule.form != "word":
        return read_variable(value, "int" if rule.form == "integer" else "float", page, path)
    return value


def _weights(
    given: Mapping[str, float], page: Page, path: Path, known: BackendNames | None
) -> FrozenDict[str, float] | None:
    """Give the shares; each key is a backend, or one of its models as `backend/handle`."""
    for name in given:
        if known is not None:
            known.check(name.partition("/")[0], page, (*path, name))
    return FrozenDict(given)
