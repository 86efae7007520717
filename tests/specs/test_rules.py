"""The rules of picture models: every one stands on its page, and a wrong one is told at its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelex_like import ConfigError, Inference
from pipelex_like.specs.rules import RulesTable

PAGE = (Path(__file__).parents[2] / "docs" / "pictures.md").read_text(encoding="utf-8")
FOR_CHATS = {"stream_usage", "max_tokens", "prompt_cache", "reasoning_summary", "reasoning_field"}


def load(tmp_path: Path, rules: str) -> Inference:
    there = tmp_path / ".pipelex" / "inference"
    for folder in (there / "backends", there / "deck"):
        folder.mkdir(parents=True)
    (there / "backends.toml").write_text('[acme]\nendpoint = "http://127.0.0.1:1/v1"\napi_key = "k"\n')
    (there / "deck" / "deck.toml").write_text("")
    (there / "backends" / "acme.toml").write_text(f'[m]\nsdk = "openai"\noutputs = ["image"]\n[m.rules]\n{rules}\n')
    return Inference.load(config_dir=there, environ={})


def test_every_rule_for_pictures_stands_on_the_page() -> None:
    assert not {name for name in set(RulesTable.model_fields) - FOR_CHATS if f"`{name}`" not in PAGE}


def test_plain_words_are_kept_as_they_are(tmp_path: Path) -> None:
    rules = 'sizes = ["64x64"]\nnum_images = 2\noutput_format = "gpt"\nfields = { seed = "seed" }\nsides = [64, 128]'
    spec = load(tmp_path, rules).router.resolve("m").candidates[0].spec
    assert spec.rules == {
        "sizes": ("64x64",),
        "num_images": 2,
        "output_format": "gpt",
        "fields": {"seed": "seed"},
        "sides": (64, 128),
    }


@pytest.mark.parametrize(
    ("rules", "key", "part"),
    [
        ('sizes = ["big"]', "m.rules.sizes[0]", '"big" is no size. Write it as 1024x768.'),
        ('aspect_ratios = ["0:1"]', "m.rules.aspect_ratios[0]", "landscape_16_9"),
        ("sides = [64]", "m.rules.sides", "Write [256, 2048]."),
        ("sides = [128, 64]", "m.rules.sides", "the shortest and the longest"),
        ("num_images = 0", "m.rules.num_images", "1 or more"),
        ('fields = { nb_step = "steps" }', "m.rules.fields.nb_step", "it is not one of quality, nb_steps"),
        ('size_fields = "pixels"', "m.rules.size_fields", "width_height"),
        ('qualities = ["best"]', "m.rules.qualities[0]", "low, medium, high, auto"),
    ],
)
def test_a_wrong_rule_is_told_at_its_place(tmp_path: Path, rules: str, key: str, part: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, rules)
    (problem,) = [problem for problem in caught.value.problems if problem.severity == "error"]
    assert problem.key == key
    assert part in str(problem)
