"""Resolving is a look-up whatever the number of models, and what is remembered is bounded."""

from __future__ import annotations

import sys
import threading
from time import perf_counter

import pytest
from routing.building import alias, backend, deck, model, preset, profile, router, served

from pipelex_like.routing import Router, bind
from pipelex_like.routing import router as router_module


def large(models: int, backends: int = 50):
    owners = [backend(f"b{number}", enabled="auto", api_key=f"${{KEY_{number}}}") for number in range(backends)]
    specs = [model(f"b{number % backends}", f"model-{number}") for number in range(models)]
    return deck(
        owners,
        specs,
        active=profile(optional_routes={f"model-{number}*": f"b{number}" for number in range(10)}, default="b0"),
        aliases=[alias(f"alias-{number}", [f"model-{number}", f"model-{number + 1}"]) for number in range(20)],
        presets=[preset(f"preset-{number}", f"alias-{number}", temperature=0.5) for number in range(20)],
    )


VARIABLES = {f"KEY_{number}": "set" for number in range(50)}
REFERENCES = ["model-11", "alias-11", "preset-11", "handle:model-12", "b3/anything"]


def lookups(model_router: Router, reference: str) -> int:
    """Count the Python calls that one more look-up makes."""
    model_router.resolve(reference)
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        model_router.resolve(reference)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_second_look_up_does_the_same_little_work_for_many_models_as_for_few(reference: str) -> None:
    small, big = (router(large(count), VARIABLES) for count in (60, 3000))
    assert lookups(small, reference) == lookups(big, reference) < 10


def test_binding_a_thousand_models_is_quick() -> None:
    model_deck = large(1000)
    best = min(_timed(lambda: bind(model_deck, VARIABLES)) for _ in range(5))
    assert best < 0.1, f"{best * 1000:.1f} ms"


def _timed(work) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def test_what_callers_make_up_is_remembered_up_to_a_limit(monkeypatch) -> None:
    monkeypatch.setattr(router_module, "_MOST_ROUTES", 5)
    got = router(large(60), VARIABLES)
    for number in range(50):
        assert served(got.resolve(f"b1/made-up-{number}")) == [("b1", f"made-up-{number}")]
    known = got.resolve("model-7")
    assert got.resolve("model-7") is known
    assert got.resolve("b1/made-up-1") is got.resolve("b1/made-up-1")
    assert got.resolve("b1/made-up-49") is not got.resolve("b1/made-up-49")


def test_threads_share_a_router() -> None:
    got = router(large(200), VARIABLES)
    wrong: list[str] = []

    def work() -> None:
        for number in range(20):
            for name in (f"model-{number}", f"alias-{number}", f"preset-{number}"):
                if got.resolve(name).primary.handle != f"model-{number}":
                    wrong.append(name)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
