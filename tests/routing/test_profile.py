"""Which profile serves, and what decided it."""

from __future__ import annotations

import pytest
from routing.building import backend, deck, profile

from pipelex_like.routing import bind

ONE, TWO, THREE = profile("one"), profile("two"), profile("three")
DECK = deck([backend("x")], active=ONE, others=[TWO, THREE], environments={"dev": "two"})

CHOICES = [
    ({}, None, "one", "active"),
    ({"PIPELEX_ENV": "dev"}, None, "two", "[environments] dev"),
    ({"PIPELEX_ENV": "dev", "PIPELEX_PROFILE": "three"}, None, "three", "PIPELEX_PROFILE"),
    ({"PIPELEX_ENV": "dev", "PIPELEX_PROFILE": "three"}, "one", "one", "argument"),
    ({"PIPELEX_PROFILE": " "}, None, "one", "active"),
]


@pytest.mark.parametrize(("variables", "argument", "name", "source"), CHOICES)
def test_the_nearest_choice_wins(variables, argument, name, source) -> None:
    bound, problems = bind(DECK, variables, profile=argument)
    assert (bound.profile.name, bound.profile_from, problems) == (name, source, [])


def test_without_a_choice_an_empty_profile_serves() -> None:
    bound, problems = bind(deck([backend("x")]), {})
    assert (bound.profile.name, bound.profile_from, problems) == ("", "none", [])


@pytest.mark.parametrize(
    ("variables", "argument", "key"),
    [({"PIPELEX_PROFILE": "thre"}, None, "PIPELEX_PROFILE"), ({}, "thre", "profile")],
)
def test_an_unknown_profile_is_an_error_with_the_nearest_name(variables, argument, key) -> None:
    bound, (problem,) = bind(DECK, variables, profile=argument)
    assert (problem.severity, problem.code, problem.key) == ("error", "unknown-profile", key)
    assert '"three"' in problem.hint
    assert bound.profile.name == ""


def test_a_profile_that_was_left_out_for_its_errors_is_not_reported_again() -> None:
    _, problems = bind(deck([backend("x")], active=ONE, faulty=frozenset({"bad"})), {}, profile="bad")
    assert problems == []


def test_an_environment_must_be_a_key_or_the_suffix_of_a_file() -> None:
    _, (problem,) = bind(DECK, {"PIPELEX_ENV": "dve"})
    assert (problem.severity, problem.code, problem.key) == ("error", "unknown-environment", "environments")
    assert '"dev"' in problem.hint
    assert bind(DECK, {"PIPELEX_ENV": "ci"}, environment_files=frozenset({"ci"}))[1] == []
    assert bind(deck([backend("x")], active=ONE), {"PIPELEX_ENV": "anything"})[1] == []
