"""What a call may say, and what holds where it does not."""

from __future__ import annotations

from decimal import Decimal
from math import inf, nan

import pytest

from pipelex_like.deck import NO_POLICY, Backend, BackendSpec, Candidate, ModelSpec, Policy
from pipelex_like.deck import policy as declared
from pipelex_like.engine.limits import Rules, saying
from pipelex_like.engine.options import CallOptions, check_options
from pipelex_like.errors import OverloadedError, RateLimitError, ServerError
from pipelex_like.resilience.actions import ACTIONS, action_for
from pipelex_like.types import FrozenDict
from pipelex_like.workers.base import Limits

SPEC = ModelSpec(backend="x", handle="m", sdk="openai", model_id="m", kind="llm")
CANDIDATE = Candidate(handle="m", backend="x", model_id="m", sdk="openai", spec=SPEC)


def rules(*policies: Policy, backend: Policy = NO_POLICY) -> Rules:
    held = Backend(spec=BackendSpec(name="x"), state="on", reason="", policy=backend)
    return Rules(saying(*policies), {"x": held})


def test_what_governs_a_call_is_made_plain() -> None:
    given = {
        "max_cost": 0.1,
        "max_total_tokens": 5,
        "reserve_output_tokens": 6,
        "balance": "cheapest",
        "weights": {"a": 2},
        "hedge_after": 1,
        "cache": True,
        "coalesce": True,
        "retry_after_cap": 9,
        "cooldown": 0,
        "start_timeout": 1,
        "job_timeout": 2,
        "timeout": None,
        "actions": {"invalid_object": "next"},
    }
    policy = check_options("llm", given).policy
    assert policy.max_cost == Decimal("0.1")
    assert isinstance(policy.max_cost, Decimal)
    assert (policy.weights, policy.cache, policy.coalesce, policy.cooldown) == ({"a": 2}, True, True, 0)
    assert (policy.timeout, policy.actions) == (None, {"invalid_object": "next"})
    hash(policy)


@pytest.mark.parametrize(("cost", "kept"), [(Decimal("0.30"), "0.30"), (2, "2"), (0.07, "0.07")])
def test_a_cost_is_kept_as_it_was_written(cost: Decimal | float, kept: str) -> None:
    assert str(check_options("llm", {"max_cost": cost}).policy.max_cost) == kept


@pytest.mark.parametrize(
    ("name", "value", "error", "said"),
    [
        ("max_cost", "1", TypeError, "US dollars"),
        ("max_cost", True, TypeError, "got bool"),
        ("max_cost", 0, ValueError, "above 0"),
        ("max_cost", Decimal("NaN"), ValueError, "above 0"),
        ("max_cost", inf, ValueError, "above 0"),
        ("max_total_tokens", 0, ValueError, "below 1"),
        ("max_total_tokens", 1.5, TypeError, "an integer"),
        ("reserve_output_tokens", 0, ValueError, "below 1"),
        ("balance", "wieghted", ValueError, 'Did you mean "weighted"'),
        ("balance", 1, TypeError, "lowest_latency"),
        ("weights", ["a"], TypeError, "a table"),
        ("weights", {1: 1}, TypeError, "by name"),
        ("weights", {"a": "1"}, TypeError, "a: expected a number"),
        ("weights", {"a": -1}, ValueError, "from 0"),
        ("weights", {"a": nan}, ValueError, "from 0"),
        ("hedge_after", 0, ValueError, "above 0"),
        ("cooldown", -1, ValueError, "from 0"),
        ("cache", "on", TypeError, "True, False or seconds"),
        ("cache", 0, ValueError, "above 0"),
        ("coalesce", 1, TypeError, "True or False"),
        ("start_timeout", 0, ValueError, "above 0"),
        ("job_timeout", "1", TypeError, "seconds"),
        ("retry_after_cap", inf, ValueError, "above 0"),
        ("actions", {"invalid_objct": "next"}, ValueError, 'Did you mean "invalid_object"'),
        ("actions", {"budget": "next"}, ValueError, "no error class"),
        ("actions", {"server": "sotp"}, ValueError, "retry, next or stop"),
        ("tags", 1, TypeError, "a list of texts"),
        ("tags", ["a", 1], TypeError, "a list of texts"),
        ("tags", ["a", " "], ValueError, "an empty tag"),
        ("max_concurrency", 1, TypeError, "backends.toml"),
        ("max_waiting", 1, TypeError, "backends.toml"),
        ("max_cots", 1, TypeError, 'Did you mean "max_cost"'),
        ("taggs", ["a"], TypeError, 'Did you mean "tags"'),
    ],
)
def test_what_is_wrong_is_refused(name: str, value: object, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        check_options("llm", {name: value})
    assert name in str(caught.value)


def test_tags_are_kept_in_order_once_each() -> None:
    assert check_options("llm", {"tags": ["b", "a", "b"]}).tags == ("b", "a")
    assert check_options("extract", {"tags": "one"}).tags == ("one",)
    assert check_options("img_gen", {"tags": None}).tags == ()


def test_every_key_that_governs_a_call_is_an_option_of_its_type() -> None:
    assert set(CallOptions.__annotations__) == {
        *declared.CALL_KEYS,
        *("profile", "provider", "only", "exclude", "tags"),
    }


def test_options_that_say_nothing_of_it_have_the_one_policy_that_says_nothing() -> None:
    assert check_options("llm", {"temperature": 1, "timeout": None}).policy is NO_POLICY


def test_the_defaults() -> None:
    none = rules(NO_POLICY, Policy())
    assert (none.deadline, none.max_attempts, none.max_cost, none.max_total_tokens) == (None, None, None, None)
    assert (none.balance, none.weights, none.hedge_after, none.cache, none.coalesce) == (None, {}, None, None, False)
    assert none.reserve_output_tokens == 4096
    assert (none.ways(CANDIDATE).retries, none.ways(CANDIDATE).repairs) == (2, 1)
    assert (none.ways(CANDIDATE).retry_after_cap, none.ways(CANDIDATE).cooldown) == (60, 5)
    assert (none.ways(CANDIDATE).max_concurrency, none.ways(CANDIDATE).max_waiting) == (None, 1000)
    assert none.limits(CANDIDATE, None) == Limits(timeout=600, first_event=600, between_events=600)


def test_limits_of_an_attempt_about_which_nothing_is_said_are_made_once() -> None:
    none = rules(NO_POLICY)
    assert none.limits(CANDIDATE, None) is none.limits(CANDIDATE, None)


def test_the_declared_defaults_of_bytes_are_the_workers() -> None:
    plain = Limits()
    assert declared.RULES["max_response_bytes"].default == plain.max_response_bytes
    assert declared.RULES["max_event_bytes"].default == plain.max_event_bytes


def test_the_nearest_says_what_holds() -> None:
    call = Policy(max_cost=Decimal(1), cache=False, cooldown=0.0, coalesce=False)
    route = Policy(
        max_cost=Decimal(2),
        cache=True,
        cooldown=8.0,
        coalesce=True,
        hedge_after=1.0,
        balance="weighted",
        weights=FrozenDict({"x": 2.0}),
        start_timeout=3.0,
    )
    backend = Policy(timeout=30, retry_after_cap=120, start_timeout=9, job_timeout=40, max_concurrency=3, max_waiting=0)
    got = rules(call, route, backend=backend)
    assert (got.max_cost, got.cache, got.coalesce, got.hedge_after) == (Decimal(1), None, False, 1.0)
    assert (got.balance, got.weights) == ("weighted", {"x": 2.0})
    assert (got.ways(CANDIDATE).cooldown, got.ways(CANDIDATE).retry_after_cap) == (0, 120)
    assert (got.ways(CANDIDATE).max_concurrency, got.ways(CANDIDATE).max_waiting) == (3, 0)
    limits = got.limits(CANDIDATE, 10.0)
    assert (limits.timeout, limits.first_event, limits.start, limits.job) == (10, 30, 3, 40)


@pytest.mark.parametrize(("said", "seconds"), [(True, inf), (False, None), (60.0, 60), (None, None)])
def test_the_cache_in_seconds(said: object, seconds: float | None) -> None:
    assert rules(Policy(cache=said)).cache == seconds  # pyright: ignore[reportArgumentType]


def test_the_declared_actions_are_those_that_are_taken() -> None:
    fixed = {"budget", "stream_interrupted"}
    assert dict(declared.ACTIONS) == {word: action for word, action in ACTIONS.items() if word not in fixed}
    taken = {
        word
        for word, error in [("rate_limit", RateLimitError("x")), ("overloaded", OverloadedError("x"))]
        if action_for(error, {}, alone=True) == "retry"
    }
    assert taken == declared.WORTH_WAITING
    assert action_for(ServerError("x"), {}, alone=True) == declared.ACTIONS["server"]
