"""With `extends`, environment files, overrides and `unset` the nearest layer wins, and explain names its place."""

from __future__ import annotations

from pathlib import Path

import pytest
from acceptance.directory import ENVIRON, FILES, write

from pipelex_like import Inference, ResolveError

FAR = {**FILES, "deck/base_deck.toml": FILES["deck/base_deck.toml"] + "\n[llm.aliases]\nshared = 'gpt-5'\n"}

# name: (files of the nearer directory, environment, temperature of preset:write, the file that says it)
WRITE = {
    "the far directory alone": ({}, None, 0.9, "far/.pipelex/inference/deck/base_deck.toml"),
    "a deck of the nearer directory": (
        {"deck/own.toml": "[llm.presets]\nwrite = { temperature = 0.8 }\n"},
        None,
        0.8,
        "near/.pipelex/inference/deck/own.toml",
    ),
    "base before others": (
        {
            "deck/base_x.toml": "[llm.presets]\nwrite = { temperature = 0.1 }\n",
            "deck/a.toml": "[llm.presets]\nwrite = { temperature = 0.7 }\n",
        },
        None,
        0.7,
        "near/.pipelex/inference/deck/a.toml",
    ),
    "others by name": (
        {
            "deck/b.toml": "[llm.presets]\nwrite = { temperature = 0.6 }\n",
            "deck/a.toml": "[llm.presets]\nwrite = { temperature = 0.7 }\n",
        },
        None,
        0.6,
        "near/.pipelex/inference/deck/b.toml",
    ),
    "overrides after all": (
        {
            "deck/overrides.toml": "[llm.presets]\nwrite = { temperature = 0.5 }\n",
            "deck/z.toml": "[llm.presets]\nwrite = { temperature = 0.6 }\n",
        },
        None,
        0.5,
        "near/.pipelex/inference/deck/overrides.toml",
    ),
    "x_custom like overrides": (
        {
            "deck/x_custom_llm_deck.toml": "[llm.presets]\nwrite = { temperature = 0.45 }\n",
            "deck/z.toml": "[llm.presets]\nwrite = { temperature = 0.6 }\n",
        },
        None,
        0.45,
        "near/.pipelex/inference/deck/x_custom_llm_deck.toml",
    ),
    "an environment's file over overrides": (
        {
            "deck/overrides.toml": "[llm.presets]\nwrite = { temperature = 0.5 }\n",
            "deck/base_deck.dev.toml": "[llm.presets]\nwrite = { temperature = 0.4 }\n",
        },
        "dev",
        0.4,
        "near/.pipelex/inference/deck/base_deck.dev.toml",
    ),
    "an environment's file sleeps elsewhere": (
        {"deck/base_deck.dev.toml": "[llm.presets]\nwrite = { temperature = 0.4 }\n"},
        None,
        0.9,
        "far/.pipelex/inference/deck/base_deck.toml",
    ),
    "unset takes away what came before": (
        {
            "deck/own.toml": "unset = ['llm.presets.write.temperature']\n",
            "deck/p.toml": "[llm.presets]\nwrite = { temperature = 0.2 }\n",
        },
        None,
        0.2,
        "near/.pipelex/inference/deck/p.toml",
    ),
}


def load(root: Path, near: dict[str, str], environment: str | None) -> Inference:
    write(root / "far", FAR)
    write(root / "near", {"backends.toml": 'extends = "../../../far"\n', **near})
    environ = {**ENVIRON, "HOME": str(root)} | ({"PIPELEX_ENV": environment} if environment else {})
    return Inference.load(root / "near" / ".pipelex" / "inference", environ=environ)


@pytest.mark.parametrize("name", WRITE)
def test_the_nearest_layer_wins_and_is_named(tmp_path: Path, name: str) -> None:
    near, environment, temperature, file = WRITE[name]
    with load(tmp_path, near, environment) as ai:
        route = ai.router.resolve("preset:write")
        assert route.primary.settings["temperature"] == temperature
        told = str(ai.router.explain("preset:write"))
        near_file = tmp_path / file
        line = next(
            i
            for i, text in enumerate(near_file.read_text().splitlines(), 1)
            if "temperature" in text and "write" in text
        )
        named = file.removeprefix("near/") if file.startswith("near/") else file
        assert f"{named}:{line}" in told, told


def test_unset_alone_leaves_the_setting_out(tmp_path: Path) -> None:
    with load(tmp_path, {"deck/own.toml": "unset = ['llm.presets.write.temperature']\n"}, None) as ai:
        assert "temperature" not in ai.router.resolve("preset:write").primary.settings


UNSET = {
    "a route": ("routing_profiles.toml", "unset = ['profiles.elsewhere.routes.\"gpt-5\"']\n"),
    "a backend's key": ("backends.toml", "extends = \"../../../far\"\nunset = ['openai.timeout']\n"),
    "a model": ("backends/openai.toml", "unset = ['gpt-image-1']\n"),
    "an alias": ("deck/own.toml", "unset = ['aliases.careful']\n"),
}


@pytest.mark.parametrize("what", UNSET)
def test_unset_at_every_level(tmp_path: Path, what: str) -> None:
    file, text = UNSET[what]
    near = {file: text}
    if what == "a model":
        near["deck/own.toml"] = "unset = ['img_gen.presets.draw', 'img_gen.choice_default']\n"
    with load(tmp_path, near, None) as ai:
        match what:
            case "a route":
                assert "gpt-5" not in {rule.pattern for rule in ai.deck.profiles.profiles["elsewhere"].rules}
                with pytest.raises(ResolveError, match="other"):
                    ai.using(profile="elsewhere").router.resolve("gpt-5")
            case "a backend's key":
                assert ai.deck.backends["openai"].policy.timeout is None
            case "a model":
                assert "gpt-image-1" not in ai.deck.specs["openai"]
            case _:
                assert "careful" not in {name for _, name in ai.deck.aliases}


def test_a_nearer_route_comes_first_and_a_nearer_backend_too(tmp_path: Path) -> None:
    near = {
        "backends.toml": 'extends = "../../../far"\n[mine]\nenabled = true\nendpoint = "https://mine.example/v1"\n'
        'api_key = "k"\n',
        "backends/mine.toml": 'default_sdk = "openai"\n[gpt-5]\noutputs = ["text"]\n',
    }
    with load(tmp_path, near, None) as ai:
        assert next(iter(ai.deck.backends)) == "mine"
