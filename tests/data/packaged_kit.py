"""The packaged kit and this repository's own directory, loaded for an environment that a test makes up."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pipelex_like.data import KIT
from pipelex_like.documents import Place, load_documents
from pipelex_like.routing import Router, bind
from pipelex_like.specs import EXCLUSIVE, RENAMES, compile_deck
from pipelex_like.types import FrozenDict
from pipelex_like.workers.registry import sdk_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.deck import BoundDeck, ModelDeck
    from pipelex_like.errors import Problem

ROOT = Path(__file__).parents[2]
START = ROOT / ".pipelex" / "inference"
KEYS: Mapping[str, Mapping[str, str]] = {
    "openai": {"OPENAI_API_KEY": "dummy"},
    "anthropic": {"ANTHROPIC_API_KEY": "dummy"},
    "google": {"GEMINI_API_KEY": "dummy"},
    "mistral": {"MISTRAL_API_KEY": "dummy"},
    "fal": {"FAL_KEY": "dummy"},
    "pipelex_inference": {"PIPELEX_INFERENCE_API_KEY": "dummy"},
    "bedrock": {"AWS_BEARER_TOKEN_BEDROCK": "dummy"},
}
ALL_KEYS: Mapping[str, str] = {name: value for keys in KEYS.values() for name, value in keys.items()}
PROFILES = ("auto", "pipelex_first", "custom_routing", "hybrid", "local", "sandbox")


@cache
def compiled(directory: Path, environment: str | None = None) -> tuple[ModelDeck, tuple[Problem, ...]]:
    """Read and compile a directory, with the problems of both."""
    place = Place(directory=directory, root=ROOT, chosen_by="a test")
    variables = {} if environment is None else {"PIPELEX_ENV": environment}
    documents, found = load_documents(place, variables, KIT, RENAMES, exclusive=EXCLUSIVE)
    deck, more = compile_deck(documents, sdks=sdk_settings(), kit_backends=lambda: frozenset(KEYS))
    return deck, (*found, *more)


def load(
    variables: Mapping[str, str], profile: str | None = None, directory: Path = KIT
) -> tuple[BoundDeck, list[Problem]]:
    """Bind a directory to an environment, under a profile or the one that the directory chooses."""
    deck, problems = compiled(directory, variables.get("PIPELEX_ENV"))
    bound, more = bind(deck, variables, profile=profile)
    return bound, [*problems, *more]


@cache
def _router(variables: FrozenDict[str, str], profile: str | None, directory: Path) -> Router:
    return Router(load(variables, profile, directory)[0])


def router(variables: Mapping[str, str], profile: str | None = None, directory: Path = KIT) -> Router:
    """Give the router of a directory in an environment."""
    return _router(FrozenDict(variables), profile, directory)
