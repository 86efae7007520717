"""Four ways to switch the profile of the same call; explain says which of them decided, and which rules lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from acceptance.directory import ENVIRON, write

from pipelex_like import Inference

WAYS = {
    "active": ({}, None, "openai"),
    "PIPELEX_PROFILE": ({"PIPELEX_PROFILE": "elsewhere"}, None, "other"),
    "PIPELEX_ENV": ({"PIPELEX_ENV": "dev"}, None, "other"),
    "argument": ({"PIPELEX_PROFILE": "own"}, "elsewhere", "other"),
}


@pytest.mark.parametrize("way", WAYS)
def test_each_way_switches_the_backend_and_is_named(tmp_path: Path, way: str) -> None:
    extra, profile, backend = WAYS[way]
    with Inference.load(write(tmp_path), profile=profile, environ={**ENVIRON, **extra}) as ai:
        assert ai.router.resolve("gpt-4o-mini").primary.backend == backend
        told = str(ai.router.explain("gpt-4o-mini"))
        assert way in told, told


def test_use_profile_switches_the_whole_object_and_using_a_view(tmp_path: Path) -> None:
    with Inference.load(write(tmp_path), environ=ENVIRON) as ai:
        view = ai.using(profile="elsewhere")
        assert view.router.resolve("gpt-4o-mini").primary.backend == "other"
        assert ai.router.resolve("gpt-4o-mini").primary.backend == "openai"
        ai.use_profile("elsewhere")
        assert ai.router.resolve("gpt-4o-mini").primary.backend == "other"


def test_explain_names_the_winning_and_the_losing_rule_with_file_and_line(tmp_path: Path) -> None:
    with Inference.load(write(tmp_path), profile="elsewhere", environ=ENVIRON) as ai:
        told = str(ai.router.explain("gpt-5"))
        text = (tmp_path / ".pipelex/inference/routing_profiles.toml").read_text().splitlines()
        winner = text.index('"gpt-5" = "openai"') + 1
        loser = text.index('"gpt-*" = "other"') + 1
        assert f"routing_profiles.toml:{winner}" in told
        assert f"routing_profiles.toml:{loser}" in told


def test_the_order_of_precedence(tmp_path: Path) -> None:
    environ = {**ENVIRON, "PIPELEX_PROFILE": "own", "PIPELEX_ENV": "dev"}
    with Inference.load(write(tmp_path), environ=environ) as ai:
        assert ai.router.resolve("gpt-4o-mini").primary.backend == "openai"
