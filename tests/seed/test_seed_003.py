"""The configuration format as its first document prints it, as three directories: its options A, B and C.

`printed/` holds the document's TOML blocks to the letter; FIXTURE adds what the document names without printing.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelex_like import ConfigError, Inference

PRINTED = Path(__file__).parent / "printed"
KEYS = {
    "PIPELEX_INFERENCE_API_KEY": "dummy-pipelex",
    "OPENAI_API_KEY": "dummy-openai",
    "ANTHROPIC_API_KEY": "dummy-anthropic",
    "MISTRAL_API_KEY": "dummy-mistral",
    "FAL_API_KEY": "dummy-fal",
    "GOOGLE_API_KEY": "dummy-google",
}
LLM = 'outputs = ["text", "structured"]'
FIXTURE = {
    "backends/openai.toml": f"\n[gpt-5]\n{LLM}\n",
    "backends/anthropic.toml": 'default_sdk = "anthropic"\n'
    + "".join(f'["{name}"]\n{LLM}\n' for name in ("claude-4.5-sonnet", "claude-4.1-opus", "claude-3-sonnet")),
    "backends/google.toml": 'default_sdk = "google"\n'
    + "".join(f'["{name}"]\n{LLM}\n' for name in ("gemini-2.5-flash", "gemini-2.5-pro")),
    "backends/mistral.toml": f'default_sdk = "mistral"\n[mistral-medium]\n{LLM}\n[mistral-ocr]\noutputs = ["pages"]\n',
    "backends/fal.toml": 'default_sdk = "fal"\n[flux-dev]\noutputs = ["image"]\n[flux-schnell]\noutputs = ["image"]\n',
    "backends/internal.toml": 'default_sdk = "pypdfium2"\n[pypdfium2-extract-text]\noutputs = ["pages"]\n',
    "backends/pipelex_inference.toml": 'default_sdk = "openai"\n'
    + "".join(
        f'["{name}"]\n{LLM}\n'
        for name in (
            "claude-4.5-sonnet",
            "claude-4.1-opus",
            "gpt-5",
            "gpt-4o-mini",
            "gemini-2.5-flash",
            "gemini-2.5-pro",
            "mistral-medium",
        )
    ),
    "deck/fixture.toml": """[aliases]
cheap_llm_for_text = "gpt-4o-mini"
cheap_llm_for_object = "gpt-4o-mini"
base-img-gen = "gpt-image-1"
fast-img-gen = "flux-schnell"
best-img-gen = "gpt-image-1"
""",
}
GOOGLE = '\n[google]\nenabled = true\napi_key = "${GOOGLE_API_KEY}"\n'
DECK = ("deck_aliases", "deck_llm", "deck_extract", "deck_img_gen", "deck_choices")
MISSING = (
    "claude-4.5-sonnet",
    "claude-4.1-opus",
    "claude-3-sonnet",
    "gpt-5",
    "gemini-2.5-flash",
    "gemini-2.5-pro",
    "mistral-medium",
    "mistral-ocr",
    "pypdfium2-extract-text",
    "flux-dev",
    "cheap_llm_for_text",
    "cheap_llm_for_object",
    "base-img-gen",
    "fast-img-gen",
    "best-img-gen",
    "pipelex_inference",
)


def printed(name: str) -> str:
    return (PRINTED / f"{name}.toml").read_text(encoding="utf-8")


def write_directory(root: Path, option: str, *, fixture: bool = True) -> Path:
    directory = root / ".pipelex" / "inference"
    files = {
        "backends.toml": printed("backends"),
        "backends/openai.toml": printed("openai_spec"),
        "routing_profiles.toml": printed(f"routing_{option}"),
        "deck/base_deck.toml": "\n".join(printed(name) for name in DECK),
        "deck/overrides.toml": printed("overrides"),
    }
    if fixture:
        files["backends.toml"] += GOOGLE + printed("pipelex_inference_backend")
        for name, text in FIXTURE.items():
            files[name] = files.get(name, "") + text
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return directory


def load(root: Path, option: str) -> Inference:
    return Inference.load(write_directory(root, option), environ=KEYS)


ROUTES = {
    "a": {
        "claude-4.5-sonnet": "pipelex_inference",
        "gpt-5": "pipelex_inference",
        "gpt-4o-mini": "pipelex_inference",
        "gemini-2.5-pro": "pipelex_inference",
        "mistral-medium": "pipelex_inference",
        "gpt-4-turbo": "openai",
        "gpt-image-1": "openai",
        "mistral-ocr": "mistral",
        "flux-dev": "fal",
        "claude-3-sonnet": "anthropic",
        "pypdfium2-extract-text": "internal",
    },
    "b": {
        "claude-4.5-sonnet": "anthropic",
        "gpt-5": "openai",
        "gpt-4o-mini": "openai",
        "gemini-2.5-pro": "google",
        "mistral-medium": "mistral",
        "gpt-4-turbo": "openai",
        "gpt-image-1": "openai",
        "mistral-ocr": "mistral",
        "flux-dev": "fal",
        "claude-3-sonnet": "anthropic",
        "pypdfium2-extract-text": "internal",
    },
    "c": {
        "claude-4.5-sonnet": "pipelex_inference",
        "gpt-5": "openai",
        "gpt-4o-mini": "openai",
        "gemini-2.5-pro": "pipelex_inference",
        "mistral-medium": "pipelex_inference",
        "gpt-4-turbo": "openai",
        "gpt-image-1": "openai",
        "mistral-ocr": "mistral",
        "flux-dev": "fal",
        "claude-3-sonnet": "anthropic",
        "pypdfium2-extract-text": "internal",
    },
}


@pytest.mark.parametrize(("option", "handle"), [(option, handle) for option in ROUTES for handle in ROUTES[option]])
def test_every_model_goes_where_the_option_says(tmp_path: Path, option: str, handle: str) -> None:
    with load(tmp_path, option) as ai:
        assert ai.router.resolve(handle).primary.backend == ROUTES[option][handle]


@pytest.mark.parametrize("option", ROUTES)
@pytest.mark.parametrize(
    ("alias", "handles"),
    [
        ("base-claude", ["claude-4.5-sonnet"]),
        ("base-gpt", ["gpt-5"]),
        ("base-gemini", ["gemini-2.5-flash"]),
        ("base-mistral", ["mistral-medium"]),
        ("smart_llm", ["claude-4.5-sonnet", "claude-4.1-opus", "gpt-5", "gemini-2.5-pro"]),
        ("llm_to_engineer", ["claude-4.5-sonnet", "claude-4.1-opus", "gpt-5", "gemini-2.5-pro"]),
        ("my_custom_llm", ["claude-3-sonnet"]),
        ("my_custom_extract", ["pypdfium2-extract-text"]),
        ("my_custom_img_gen", ["gpt-image-1"]),
    ],
)
def test_every_alias(tmp_path: Path, option: str, alias: str, handles: list[str]) -> None:
    with load(tmp_path, option) as ai:
        route = ai.router.resolve(f"alias:{alias}")
        assert [candidate.handle for candidate in route.candidates] == handles
        if alias == "llm_to_engineer":
            assert all(candidate.settings["temperature"] == 0.2 for candidate in route.candidates)


@pytest.mark.parametrize("option", ROUTES)
@pytest.mark.parametrize(
    ("preset", "kind", "handle", "settings"),
    [
        ("cheap_llm_for_text", "llm", "gpt-4o-mini", {"temperature": 0.5}),
        ("cheap_llm_for_object", "llm", "gpt-4o-mini", {"temperature": 0.5}),
        ("llm_for_creative_writing", "llm", "claude-4.5-sonnet", {"temperature": 0.9}),
        ("llm_to_extract_invoice", "llm", "gpt-4o-mini", {"temperature": 0.2}),
        ("llm_for_complex_reasoning", "llm", "claude-4.5-sonnet", {"temperature": 1}),
        ("extract_text_from_visuals", "extract", "mistral-ocr", {"max_nb_images": 100, "image_min_size": 50}),
        ("extract_text_from_pdf", "extract", "pypdfium2-extract-text", {"max_nb_images": 100, "image_min_size": 50}),
        ("my_custom_extract", "extract", "mistral-ocr", {"max_nb_images": 5}),
        (
            "gen_image_basic",
            "img_gen",
            "gpt-image-1",
            {"quality": "medium", "guidance_scale": 7.5, "is_moderated": True, "safety_tolerance": 3},
        ),
        (
            "gen_image_fast",
            "img_gen",
            "flux-schnell",
            {"nb_steps": 4, "guidance_scale": 5.0, "is_moderated": True, "safety_tolerance": 3},
        ),
        (
            "gen_image_high_quality",
            "img_gen",
            "gpt-image-1",
            {"quality": "high", "guidance_scale": 8.0, "is_moderated": True, "safety_tolerance": 3},
        ),
        ("my_custom_img_gen", "img_gen", "flux-dev", {"quality": "medium"}),
    ],
)
def test_every_preset(
    tmp_path: Path, option: str, preset: str, kind: str, handle: str, settings: dict[str, object]
) -> None:
    with load(tmp_path, option) as ai:
        for spelling in (f"preset:{preset}", f"${preset}"):
            route = ai.router.resolve(spelling)
            assert (route.kind, route.primary.handle) == (kind, handle)
            assert route.primary.settings == settings


@pytest.mark.parametrize("option", ROUTES)
@pytest.mark.parametrize(
    ("kind", "slot", "reference"),
    [
        ("llm", "for_text", "cheap_llm_for_text"),
        ("llm", "for_object", "cheap_llm_for_object"),
        ("extract", "default", "extract_text_from_visuals"),
        ("img_gen", "default", "gen_image_basic"),
    ],
)
def test_every_choice(tmp_path: Path, option: str, kind: str, slot: str, reference: str) -> None:
    with load(tmp_path, option) as ai:
        assert ai.router.default(kind, slot) == reference
        assert ai.router.resolve(reference, kind=kind).preset == reference


@pytest.mark.parametrize("option", ROUTES)
def test_a_preset_goes_before_an_alias_of_its_name(tmp_path: Path, option: str) -> None:
    with load(tmp_path, option) as ai:
        assert ai.router.resolve("my_custom_extract").primary.handle == "mistral-ocr"
        assert ai.router.resolve("alias:my_custom_extract").primary.handle == "pypdfium2-extract-text"


@pytest.mark.parametrize("option", ROUTES)
def test_without_the_fixture_only_the_missing_names_are_errors(tmp_path: Path, option: str) -> None:
    directory = write_directory(tmp_path, option, fixture=False)
    with pytest.raises(ConfigError) as raised:
        Inference.load(directory, environ=KEYS)
    errors = [problem for problem in raised.value.problems if problem.severity == "error"]
    named = set()
    for problem in errors:
        missing = [name for name in MISSING if f'"{name}"' in problem.message]
        assert missing, problem
        named |= set(missing)
        assert problem.line is not None
        line = (tmp_path / problem.file).read_text(encoding="utf-8").splitlines()[problem.line - 1]
        assert missing[0] in line, problem
    expected = set(MISSING) - ({"pipelex_inference"} if option == "b" else set())
    assert named == expected


def test_gpt_image_1_keeps_the_prices_that_are_printed(tmp_path: Path) -> None:
    with load(tmp_path, "b") as ai:
        costs = ai.router.resolve("gpt-image-1").primary.spec.costs
        assert {name: str(price) for name, price in costs.tokens.items()} == {"input": "0.04", "output": "0.0"}
