from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelex_like.errors import (
    AccessDeniedError,
    AllCandidatesFailedError,
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
from pipelex_like.resilience.health import Health

OWN_FAULT = (ServerError, OverloadedError, RateLimitError, QuotaError, CallTimeoutError, InvalidResponseError)
NOT_ITS_FAULT = (
    CredentialsError,
    AccessDeniedError,
    ContextWindowError,
    ContentPolicyError,
    BadRequestError,
    NotFoundError,
    CapabilityError,
    BudgetError,
    StreamInterruptedError,
    AllCandidatesFailedError,
    CallError,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def health(clock: Clock) -> Health:
    return Health(clock)


def length(health: Health, clock: Clock, model_id: str = "m") -> float:
    """How long it cools down from now on, to a tenth of a second; the clock ends there, and the probe is let go."""
    for tenth in range(10_000):
        if health.admit("b", model_id) is None:
            health.released("b", model_id)
            return tenth / 10
        clock.now = round(clock.now + 0.1, 3)
    raise AssertionError("it never ends")


def test_whoever_never_failed_is_admitted(health: Health) -> None:
    health.succeeded("b", "m")
    health.released("b", "m")
    assert health.admit("b", "m") is None


@pytest.mark.parametrize("kind", OWN_FAULT)
def test_a_failure_of_its_own_cools_that_model_only(health: Health, clock: Clock, kind: type[CallError]) -> None:
    health.given_up("b", "m", kind("x"))
    clock.now += 1.8
    assert health.admit("b", "m") == f"cooling down for another 3.2 s after {kind.__name__}"
    assert health.admit("b", "other") is None
    assert health.admit("c", "m") is None


@pytest.mark.parametrize("kind", NOT_ITS_FAULT)
def test_what_is_not_its_fault_cools_nothing(health: Health, kind: type[CallError]) -> None:
    health.given_up("b", "m", kind("x", retry_after=30.0))
    assert health.admit("b", "m") is None


def test_a_connection_that_failed_cools_the_whole_backend(health: Health) -> None:
    health.given_up("b", "m", UnreachableError("x"))
    assert (
        health.admit("b", "m") == health.admit("b", "other") == "cooling down for another 5.0 s after UnreachableError"
    )
    assert health.admit("c", "m") is None


def test_a_subclass_counts_as_its_base(health: Health) -> None:
    class Special(ServerError):
        pass

    health.given_up("b", "m", Special("x"))
    assert health.admit("b", "m") is not None


def test_each_further_verdict_doubles_up_to_the_longest(health: Health, clock: Clock) -> None:
    lengths: list[float] = []
    for _ in range(6):
        assert health.admit("b", "m") is None
        health.given_up("b", "m", ServerError("x"))
        lengths.append(length(health, clock))
    assert lengths == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]


def test_failures_of_calls_under_way_are_one_outage(health: Health, clock: Clock) -> None:
    for _ in range(50):
        health.given_up("b", "m", ServerError("x"))
    assert length(health, clock) == 5.0


def test_retry_after_is_the_first_cooldown(health: Health, clock: Clock) -> None:
    health.given_up("b", "m", RateLimitError("x", retry_after=2.0))
    assert length(health, clock) == 2.0
    health.given_up("b", "m", RateLimitError("x", retry_after=2.0))
    assert length(health, clock) == 4.0
    health.given_up("b", "m", RateLimitError("x", retry_after=30.0))
    assert length(health, clock) == 30.0


def test_retry_after_counts_up_to_the_longest_cooldown(health: Health, clock: Clock) -> None:
    health.given_up("b", "m", RateLimitError("x", retry_after=86_400.0))
    assert length(health, clock) == 60.0


def test_retry_after_of_zero_does_not_keep_it_at_zero(health: Health, clock: Clock) -> None:
    health.given_up("b", "m", RateLimitError("x", retry_after=0.0))
    assert length(health, clock) == 0.0
    health.given_up("b", "m", RateLimitError("x", retry_after=0.0))
    assert length(health, clock) == 5.0


def test_a_longer_retry_after_while_it_cools_makes_it_longer(health: Health, clock: Clock) -> None:
    health.given_up("b", "m", ServerError("x"))
    health.given_up("b", "m", RateLimitError("x", retry_after=20.0))
    health.given_up("b", "m", RateLimitError("x", retry_after=1.0))
    assert length(health, clock) == 20.0
    health.given_up("b", "m", ServerError("x"))
    assert length(health, clock) == 10.0


def test_the_first_cooldown_may_be_given(health: Health, clock: Clock) -> None:
    health.given_up("b", "m", ServerError("x"), first=1.0)
    assert length(health, clock) == 1.0
    health.given_up("b", "other", ServerError("x"), first=90.0)
    assert length(health, clock, "other") == 90.0


def test_a_cooldown_of_zero_is_none(health: Health) -> None:
    health.given_up("b", "m", RateLimitError("x", retry_after=30.0), first=0)
    assert health.admit("b", "m") is None
    assert health.admit("b", "m") is None


def test_only_one_probe_until_its_verdict(health: Health, clock: Clock) -> None:
    health.given_up("b", "m", ServerError("x"))
    clock.now += 5
    assert health.admit("b", "m") is None
    assert health.admit("b", "m") == "being tried by another call after ServerError"
    health.succeeded("b", "m")
    assert health.admit("b", "m") is None
    assert health.admit("b", "m") is None


@pytest.mark.parametrize("end", ["released", "caller"])
def test_a_probe_without_verdict_lets_the_next_one_through(health: Health, clock: Clock, end: str) -> None:
    health.given_up("b", "m", ServerError("x"))
    clock.now += 5
    assert health.admit("b", "m") is None
    if end == "released":
        health.released("b", "m")
    else:
        health.given_up("b", "m", BadRequestError("x", status=400))
    assert health.admit("b", "m") is None
    assert health.admit("b", "m") is not None


def test_a_probe_that_never_tells_is_lost_after_a_while(health: Health, clock: Clock) -> None:
    health.given_up("b", "m", ServerError("x"))
    clock.now += 5
    assert health.admit("b", "m") is None
    clock.now += 59.9
    assert health.admit("b", "m") is not None
    clock.now += 0.1
    assert health.admit("b", "m") is None


def test_a_lone_candidate_is_always_tried(health: Health, clock: Clock) -> None:
    health.given_up("b", "m", ServerError("x"))
    assert health.admit("b", "m", alone=True) is None
    clock.now += 5
    assert health.admit("b", "m", alone=True) is None
    assert health.admit("b", "m", alone=True) is None
    assert health.admit("b", "m") is not None, "the lone caller is the probe"


def test_a_success_ends_the_cooldown_and_its_doubling(health: Health, clock: Clock) -> None:
    for _ in range(3):
        health.given_up("b", "m", ServerError("x"))
        length(health, clock)
    health.succeeded("b", "m")
    health.given_up("b", "m", ServerError("x"))
    assert length(health, clock) == 5.0


def test_an_answer_to_an_older_request_says_nothing(health: Health, clock: Clock) -> None:
    sent = clock.now
    clock.now += 1
    health.given_up("b", "m", RateLimitError("x"))
    health.succeeded("b", "m", sent=sent)
    assert health.admit("b", "m") is not None
    health.succeeded("b", "m", sent=clock.now)
    assert health.admit("b", "m") is None


def test_the_probe_of_a_backend_is_any_of_its_models(health: Health, clock: Clock) -> None:
    health.given_up("b", "m", UnreachableError("x"))
    clock.now += 5
    assert health.admit("b", "other") is None
    assert health.admit("b", "m") is not None
    health.succeeded("b", "other")
    assert health.admit("b", "m") is None


def test_a_backend_that_answers_at_all_is_reachable(health: Health, clock: Clock) -> None:
    health.given_up("b", "m", UnreachableError("x"))
    clock.now += 5
    assert health.admit("b", "m") is None
    health.given_up("b", "m", ServerError("x", status=500))
    assert health.admit("b", "other") is None
    assert health.admit("b", "other") is None
    assert health.admit("b", "m") == "cooling down for another 5.0 s after ServerError"


def test_an_older_answer_does_not_end_the_cooldown_of_a_backend(health: Health) -> None:
    health.given_up("b", "m", UnreachableError("x"))
    health.given_up("b", "m", BadRequestError("x", status=400))
    assert health.admit("b", "other") == "cooling down for another 5.0 s after UnreachableError"


def test_a_refused_model_does_not_take_the_probe_of_its_backend(health: Health, clock: Clock) -> None:
    health.given_up("b", "m", UnreachableError("x"))
    clock.now += 5
    health.given_up("b", "m", ServerError("x"))
    assert health.admit("b", "m") is not None
    assert health.admit("b", "other") is None


def test_what_failed_long_ago_is_forgotten(health: Health, clock: Clock) -> None:
    for _ in range(3):
        health.given_up("b", "m", ServerError("x"))
        length(health, clock)
    clock.now += 601
    health.given_up("b", "other", ServerError("x"))
    health.given_up("b", "m", ServerError("x"))
    assert length(health, clock) == 5.0


def test_memory_is_bounded(health: Health, clock: Clock) -> None:
    for number in range(10_000):
        health.given_up("b", f"m{number}", ServerError("x"))
    refused = [number for number in range(10_000) if health.admit("b", f"m{number}") is not None]
    assert refused == list(range(10_000 - 4096, 10_000)), "the latest failures are those that are kept"


def test_one_probe_among_many_threads(health: Health, clock: Clock) -> None:
    health.given_up("b", "m", UnreachableError("x"))
    clock.now += 5
    barrier = threading.Barrier(8)

    def ask(_: int) -> str | None:
        barrier.wait()
        return health.admit("b", "m")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))).count(None) == 1


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_begins_with_everybody_healthy(health: Health, clock: Clock) -> None:
    health.given_up("b", "m", ServerError("x"))
    held = health._state.lock  # pyright: ignore[reportPrivateUsage]
    with held:
        child = os.fork()
        if child == 0:
            good = False
            try:
                good = health.admit("b", "m") is None
                health.given_up("b", "m", QuotaError("x"))
                good = good and health.admit("b", "m") == "cooling down for another 5.0 s after QuotaError"
            finally:
                os._exit(0 if good else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert health.admit("b", "m") == "cooling down for another 5.0 s after ServerError"


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ok", "fail", "cut", "release"]),
        st.sampled_from(["m", "n"]),
        st.floats(min_value=0, max_value=30),
    ),
    max_size=60,
)


@given(EVENTS)
def test_nobody_is_shut_out_for_good(events: list[tuple[str, str, float]]) -> None:
    clock = Clock()
    health = Health(clock)
    for what, model_id, passed in events:
        clock.now += passed
        match what:
            case "ask":
                health.admit("b", model_id)
            case "ok":
                health.succeeded("b", model_id)
            case "fail":
                health.given_up("b", model_id, ServerError("x"))
            case "cut":
                health.given_up("b", model_id, UnreachableError("x"))
            case _:
                health.released("b", model_id)
    clock.now += 60
    for model_id in ("m", "n"):
        health.released("b", model_id)
        assert health.admit("b", model_id) is None
        assert health.admit("b", model_id, alone=True) is None
        health.succeeded("b", model_id)
        assert health.admit("b", model_id) is None
