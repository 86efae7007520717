from __future__ import annotations

import pytest

from pipelex_like import errors
from pipelex_like.errors import (
    AllCandidatesFailedError,
    BudgetError,
    CallError,
    InvalidResponseError,
    OverloadedError,
    RateLimitError,
    ServerError,
    StreamInterruptedError,
)
from pipelex_like.resilience.actions import ACTIONS, action_for, error_class

DEFAULTS = {
    "CredentialsError": ("auth", "next"),
    "AccessDeniedError": ("permission", "next"),
    "QuotaError": ("quota", "next"),
    "RateLimitError": ("rate_limit", "next"),
    "ContextWindowError": ("context_window", "next"),
    "ContentPolicyError": ("content_policy", "stop"),
    "BadRequestError": ("bad_request", "stop"),
    "NotFoundError": ("not_found", "next"),
    "CallTimeoutError": ("timeout", "next"),
    "UnreachableError": ("connection", "retry"),
    "ServerError": ("server", "retry"),
    "OverloadedError": ("overloaded", "next"),
    "InvalidResponseError": ("invalid_response", "next"),
    "CapabilityError": ("capability", "next"),
    "BudgetError": ("budget", "stop"),
    "StreamInterruptedError": ("stream_interrupted", "stop"),
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_every_class_has_a_word_and_an_action(name: str) -> None:
    error = getattr(errors, name)("x")
    assert (error_class(error), action_for(error, {})) == DEFAULTS[name]


def test_the_table_covers_every_call_error() -> None:
    covered = {cls.__name__ for cls in CallError.__subclasses__()} - {AllCandidatesFailedError.__name__}
    assert covered == set(DEFAULTS)
    # An object that does not fit has a word, but no class of its own.
    assert set(ACTIONS) == {word for word, _ in DEFAULTS.values()} | {"invalid_object"}


@pytest.mark.parametrize(
    ("declared", "action"),
    [
        ({}, "stop"),
        ({"invalid_object": "next"}, "next"),
        ({"invalid_response": "next"}, "next"),
        ({"invalid_response": "retry", "invalid_object": "stop"}, "stop"),
    ],
)
def test_an_object_that_does_not_fit_goes_on_where_that_is_declared(declared: dict[str, str], action: str) -> None:
    assert action_for(InvalidResponseError("x"), declared, misfit=True) == action


@pytest.mark.parametrize("error", [RateLimitError("x"), OverloadedError("x")])
def test_with_nobody_else_to_ask_a_busy_provider_is_asked_again(error: CallError) -> None:
    assert action_for(error, {}, alone=True) == "retry"
    assert action_for(error, {"rate_limit": "stop", "overloaded": "stop"}, alone=True) == "stop"


@pytest.mark.parametrize("action", ["retry", "next", "stop"])
def test_toml_may_change_an_action(action: str) -> None:
    assert action_for(RateLimitError("x"), {"rate_limit": action}) == action


def test_what_is_no_action_changes_nothing() -> None:
    assert action_for(RateLimitError("x"), {"rate_limit": "wait", "server": "stop"}) == "next"


@pytest.mark.parametrize("error", [BudgetError("x"), StreamInterruptedError("x")])
def test_a_used_up_budget_and_a_broken_stream_always_stop(error: CallError) -> None:
    assert action_for(error, {error_class(error): "retry"}) == "stop"


def test_a_subclass_has_the_word_of_its_base() -> None:
    class Special(RateLimitError):
        pass

    assert error_class(Special("x")) == "rate_limit"


def test_a_server_error_that_cannot_pass_is_not_repeated() -> None:
    assert action_for(ServerError("x", retryable=False), {}) == "next"
