"""A typo at any depth is reported with file, line and the nearest valid name; all of them in one run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from acceptance.directory import ENVIRON, FILES, write

from pipelex_like import ConfigError, Inference

# file, the right text, the typo, what the suggestion must name
TYPOS = [
    ("backends.toml", "timeout = 30", "timeoot = 30", "timeout"),
    ("backends.toml", 'endpoint = "https', 'endpiont = "https', "endpoint"),
    ("backends.toml", 'api_key = "${OTHER', 'api_kye = "${OTHER', "api_key"),
    ("backends/openai.toml", "default_sdk", "defualt_sdk", "default_sdk"),
    ("backends/openai.toml", 'default_sdk = "openai"', 'default_sdk = "opneai"', "openai"),
    ("backends/openai.toml", "max_tokens = 1000", "max_tokns = 1000", "max_tokens"),
    ("backends/openai.toml", "output = 0.6", "outptu = 0.6", "output"),
    ("backends/openai.toml", "per_image = 0.04", "per_imgae = 0.04", "per_image"),
    ("routing_profiles.toml", 'active = "own"', 'active = "onw"', "own"),
    ("routing_profiles.toml", "[environments]", "[enviroments]", "environments"),
    ("routing_profiles.toml", 'dev = "elsewhere"', 'dev = "elsewere"', "elsewhere"),
    ("routing_profiles.toml", '[profiles.own]\ndefault = "openai"', '[profiles.own]\ndefault = "opneai"', "openai"),
    ("routing_profiles.toml", '"llama*" = "other"', '"llama*" = "othr"', "other"),
    ("routing_profiles.toml", "[profiles.own.routes]", "[profiles.own.rotues]", "routes"),
    ("deck/base_deck.toml", 'cheap = "gpt-4o-mini"', 'cheap = "gpt-4o-mni"', "gpt-4o-mini"),
    ("deck/base_deck.toml", 'smart = ["gpt-5"', 'smart = ["gtp-5"', "gpt-5"),
    ("deck/base_deck.toml", 'careful = { model = "smart"', 'careful = { model = "smrt"', "smart"),
    ("deck/base_deck.toml", 'write = { model = "cheap"', 'write = { modle = "cheap"', "model"),
    ("deck/base_deck.toml", "temperature = 0.9", "temprature = 0.9", "temperature"),
    ("deck/base_deck.toml", "temperature = 0.3", "temperatur = 0.3", "temperature"),
    ("deck/base_deck.toml", 'reasoning_effort = "high"', 'reasoning_efort = "high"', "reasoning_effort"),
    ("deck/base_deck.toml", 'fallback = ["llama"]', 'fallback = ["lama"]', "llama"),
    ("deck/base_deck.toml", "max_nb_images = 5", "max_nb_image = 5", "max_nb_images"),
    ("deck/base_deck.toml", 'quality = "low"', 'qualty = "low"', "quality"),
    ("deck/base_deck.toml", 'for_text = "write"', 'for_text = "wrte"', "write"),
    ("deck/base_deck.toml", "for_object =", "for_objects =", "for_object"),
    ("deck/base_deck.toml", "[img_gen.presets]", "[img_gn.presets]", "img_gen"),
    ("deck/base_deck.toml", 'choice_default = "read"', 'choice_default = "raed"', "read"),
    ("deck/base_deck.toml", "[llm.choice_defaults]", "[llm.choice_default]", "choice_defaults"),
]


def with_typo(file: str, right: str, wrong: str, files: dict[str, str] | None = None) -> tuple[dict[str, str], int]:
    files = dict(files or FILES)
    text = files[file]
    assert text.count(right) == 1, right
    start = text.index(right)
    # the line where the two texts part
    first = next(i for i, (a, b) in enumerate(zip(right + "\0", wrong + "\0", strict=False)) if a != b)
    files[file] = text.replace(right, wrong)
    return files, files[file][: start + first].count("\n") + 1


@pytest.mark.parametrize(("file", "right", "wrong", "nearest"), TYPOS, ids=[typo[2] for typo in TYPOS])
def test_typo_is_told_with_file_line_and_the_nearest_name(
    tmp_path: Path, file: str, right: str, wrong: str, nearest: str
) -> None:
    files, line = with_typo(file, right, wrong)
    with pytest.raises(ConfigError) as raised:
        Inference.load(write(tmp_path, files), environ=ENVIRON)
    errors = [problem for problem in raised.value.problems if problem.severity == "error"]
    matching = [p for p in errors if p.file.endswith(file) and p.line == line]
    assert matching, raised.value
    assert any(f'"{nearest}"' in f"{p.message} {p.hint}" for p in matching), matching


def test_all_typos_of_all_files_are_told_in_one_run_by_validate(tmp_path: Path) -> None:
    chosen = [TYPOS[0], TYPOS[3], TYPOS[5], TYPOS[8], TYPOS[12], TYPOS[14], TYPOS[18], TYPOS[22]]
    files = dict(FILES)
    for file, right, wrong, _ in chosen:
        files, _ = with_typo(file, right, wrong, files)
    places = {
        (file, next(i for i, text in enumerate(files[file].splitlines(), 1) if wrong.splitlines()[-1] in text))
        for file, _, wrong, _ in chosen
    }
    directory = write(tmp_path, files)
    done = subprocess.run(
        [sys.executable, "-m", "pipelex_like", "validate", "--json", "--config-dir", str(directory)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **ENVIRON},
        timeout=60,
    )
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    assert report["ok"] is False
    told = {(problem["file"].split("inference/")[-1], problem["line"]) for problem in report["problems"]}
    assert places <= told


def test_the_directory_without_typos_is_good(tmp_path: Path) -> None:
    with Inference.load(write(tmp_path), environ=ENVIRON) as ai:
        assert ai.router.resolve("preset:think").primary.handle == "gpt-5"
