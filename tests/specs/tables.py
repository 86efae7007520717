"""A directory written as texts, read and compiled."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipelex_like.deck import ModelDeck, SdkKey, SdkSettings
from pipelex_like.documents import Documents, Place, RawDocument, load_documents
from pipelex_like.errors import Problem
from pipelex_like.specs import EXCLUSIVE, RENAMES, compile_deck
from pipelex_like.workers.registry import sdk_settings

OWN = (
    SdkSettings(
        sdk="openai",
        keys=(SdkKey(name="api_key", secret=True), SdkKey(name="endpoint"), SdkKey(name="organization")),
        required=(("api_key",),),
        kinds=("llm", "img_gen"),
    ),
    SdkSettings(
        sdk="bedrock",
        keys=(SdkKey(name="aws_secret_access_key", secret=True), SdkKey(name="aws_region", public=True)),
        names=("bedrock_boto3",),
        kinds=("llm",),
    ),
    SdkSettings(
        sdk="local",
        keys=(
            SdkKey(name="model_path"),
            SdkKey(name="context_size", scalar="int"),
            SdkKey(name="mlock", scalar="bool"),
        ),
        sends_requests=False,
        kinds=("llm",),
    ),
    SdkSettings(sdk="pypdfium2", sends_requests=False, kinds=("extract",)),
)
# Keys of our own choosing for four SDKs; their further spellings, and all other SDKs, as the workers tell them.
TOLD = {sdk.sdk: sdk for sdk in sdk_settings()}
SDKS = tuple((TOLD | {sdk.sdk: replace(sdk, names=TOLD[sdk.sdk].names) for sdk in OWN}).values())
KIT = frozenset({"openai", "anthropic", "sandbox"})
NAMES = {"backends": "backends.toml", "routing": "routing_profiles.toml", "deck": "deck/base_deck.toml"}


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The texts of a directory's files; `spec` is backends/openai.toml."""

    backends: str = "[openai]\n"
    spec: str | None = 'default_sdk = "openai"\n[gpt-5]\noutputs = ["text"]\n'
    routing: str = ""
    deck: str | None = ""
    specs: dict[str, str] = field(default_factory=dict[str, str])

    def compiled(self, root: Path) -> tuple[ModelDeck, list[Problem]]:
        """Give the deck and its problems."""
        documents, problems = self.documents(root)
        deck, more = compile_deck(documents, sdks=SDKS, kit_backends=lambda: KIT)
        return deck, problems + more

    def documents(self, root: Path) -> tuple[Documents, list[Problem]]:
        """Write and read the files."""
        texts = {"backends.toml": self.backends, "routing_profiles.toml": self.routing}
        if self.deck is not None:
            texts["deck/base_deck.toml"] = self.deck
        for name, text in ({"openai": self.spec} if self.spec is not None else {}).items():
            texts[f"backends/{name}.toml"] = text
        texts |= {f"backends/{name}.toml": text for name, text in self.specs.items()}
        for name, text in texts.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        place = Place(directory=root, root=root, chosen_by="the test")
        return load_documents(place, {"HOME": str(root)}, root / "kit", RENAMES, exclusive=EXCLUSIVE)


def good(root: Path, tables: Tables) -> ModelDeck:
    """Give the deck of files that have no error."""
    deck, problems = tables.compiled(root)
    assert [str(problem) for problem in problems if problem.severity == "error"] == []
    return deck


def errors(root: Path, tables: Tables) -> list[Problem]:
    """Give the errors of a directory."""
    return [problem for problem in tables.compiled(root)[1] if problem.severity == "error"]


def the_error(root: Path, tables: Tables) -> Problem:
    """Give the only error of a directory."""
    found = errors(root, tables)
    assert len(found) == 1, [str(problem) for problem in found]
    return found[0]


def raw(text: str) -> RawDocument:
    """Give a document that no file holds."""
    return RawDocument(tomllib.loads(text))
