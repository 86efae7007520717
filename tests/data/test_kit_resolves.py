"""Every name of the packaged kit leads somewhere: under every profile, and with the key of any one provider."""

from __future__ import annotations

import pytest
from data.packaged_kit import ALL_KEYS, KEYS, PROFILES, START, compiled, load, router

from pipelex_like.data import KIT
from pipelex_like.errors import ResolveError

DECK = compiled(KIT)[0]
HANDLES = sorted({(spec.kind, handle) for specs in DECK.specs.values() for handle, spec in specs.items()})
PRESETS = sorted(DECK.presets)
ALIASES = sorted(name for _, name in DECK.aliases)
OF_ONE_VENDOR = {name for name in ALIASES if name.startswith(("base-", "best-")) and not name.endswith("-img-gen")}
PICTURES = {"openai", "google", "fal", "together", "huggingface", "custom", "openai_compatible", "litellm_proxy"}
ORDER = DECK.profiles.profiles["auto"].fallback_order or ()
# The kinds of the roles that a backend's key alone must suffice for; documents are read on this machine everywhere.
SERVES = {
    name: {"extract", *({"llm"} if name != "fal" else ()), *({"img_gen"} if name in PICTURES else ())}
    for name in ORDER
    if name != "internal"
}
# These know only what they are told, so that the kit's names go to them as they are written.
AS_WRITTEN = ("openai_compatible", "litellm_proxy")
FIRST = {
    "base-claude": "claude-4.5-sonnet",
    "base-gpt": "gpt-5",
    "base-gemini": "gemini-2.5-flash",
    "base-mistral": "mistral-medium",
    "smart_llm": "claude-4.5-sonnet",
    "llm_to_engineer": "claude-4.5-sonnet",
    "llm_for_creative_writing": "claude-4.5-sonnet",
    "llm_to_extract_invoice": "claude-4.5-sonnet",
    "llm_for_complex_reasoning": "claude-4.5-sonnet",
    "extract_text_from_visuals": "mistral-ocr",
    "extract_text_from_pdf": "pypdfium2-extract-text",
}


def kind_of(alias: str) -> str:
    return "img_gen" if alias.endswith("-img-gen") else "llm"


@pytest.mark.parametrize("profile", PROFILES)
def test_the_kit_loads_without_a_word_of_complaint(profile: str) -> None:
    assert load(ALL_KEYS, profile)[1] == []


def test_the_kit_loads_without_any_key() -> None:
    assert [problem for problem in load({})[1] if problem.severity == "error"] == []


@pytest.mark.parametrize("profile", PROFILES)
def test_every_handle_resolves_to_its_kind(profile: str) -> None:
    for kind, handle in HANDLES:
        if (profile, kind) == ("local", "img_gen"):
            with pytest.raises(ResolveError):
                router(ALL_KEYS, profile).resolve(handle, kind)
        else:
            found = router(ALL_KEYS, profile).resolve(handle, kind).primary
            # Nobody takes it as a name unknown to him: a backend serves it whose spec file lists it.
            assert (found.spec.kind, found.spec.listed) == (kind, True), handle


@pytest.mark.parametrize("profile", PROFILES)
def test_every_preset_resolves_to_its_kind(profile: str) -> None:
    for kind, name in PRESETS:
        if (profile, kind) == ("local", "img_gen"):
            with pytest.raises(ResolveError):
                router(ALL_KEYS, profile).resolve(f"preset:{name}", kind)
        else:
            assert router(ALL_KEYS, profile).resolve(f"preset:{name}", kind).primary.spec.kind == kind, name


@pytest.mark.parametrize("profile", PROFILES)
def test_every_alias_resolves_to_its_kind(profile: str) -> None:
    for name in ALIASES:
        kind = kind_of(name)
        if (profile, kind) == ("local", "img_gen"):
            with pytest.raises(ResolveError):
                router(ALL_KEYS, profile).resolve(f"alias:{name}")
        else:
            assert router(ALL_KEYS, profile).resolve(f"alias:{name}").primary.spec.kind == kind, name


@pytest.mark.parametrize("backend", SERVES)
def test_one_key_suffices_for_the_roles_of_its_kinds(backend: str) -> None:
    route = router(KEYS[backend])
    for kind, name in PRESETS:
        if kind in SERVES[backend]:
            served = {candidate.backend for candidate in route.resolve(f"preset:{name}", kind).candidates}
            assert served <= {backend, "internal"}, name
    for name in set(ALIASES) - OF_ONE_VENDOR:
        if kind_of(name) in SERVES[backend]:
            assert {candidate.backend for candidate in route.resolve(f"alias:{name}").candidates} == {backend}, name


@pytest.mark.parametrize("backend", SERVES)
def test_one_key_suffices_for_the_choices_of_its_kinds(backend: str) -> None:
    route = router(KEYS[backend])
    for kind, slot in DECK.choices:
        if kind in SERVES[backend]:
            assert route.resolve(route.default(kind, slot), kind).primary.backend in {backend, "internal"}


@pytest.mark.parametrize("backend", AS_WRITTEN)
def test_a_proxy_alone_is_asked_for_the_names_of_the_roles_as_they_are(backend: str) -> None:
    route = router(KEYS[backend])
    for name in ("cheap_llm_for_text", "smart_llm", "base-img-gen"):
        found = route.resolve(f"alias:{name}").primary
        written = DECK.aliases[None, name].targets[0].reference
        assert (found.backend, found.model_id, found.sdk) == (backend, written, "openai")


@pytest.mark.parametrize("backend", ["mistral", "anthropic", "fal"])
def test_another_kind_fails_instead_of_going_elsewhere(backend: str) -> None:
    missing = {"llm": "cheap_llm_for_text", "img_gen": "gen_image_basic"}
    kind = next(kind for kind in missing if kind not in SERVES[backend])
    with pytest.raises(ResolveError):
        router(KEYS[backend]).resolve(missing[kind], kind)


@pytest.mark.parametrize("name", FIRST)
def test_the_first_choice_is_the_one_that_the_seed_names(name: str) -> None:
    assert router(ALL_KEYS).resolve(name).primary.handle == FIRST[name]


def test_smart_llm_keeps_the_order_of_the_seed() -> None:
    handles = [candidate.handle for candidate in router(ALL_KEYS).resolve("smart_llm").candidates]
    assert handles[:4] == ["claude-4.5-sonnet", "claude-4.1-opus", "gpt-5", "gemini-2.5-pro"]


@pytest.mark.parametrize(
    ("preset", "settings"),
    [
        ("llm_to_engineer", {"temperature": 0.2}),
        ("cheap_llm_for_text", {"temperature": 0.5}),
        ("cheap_llm_for_object", {"temperature": 0.5}),
        ("llm_for_creative_writing", {"temperature": 0.9}),
        ("llm_to_extract_invoice", {"temperature": 0.1}),
        ("llm_for_complex_reasoning", {"temperature": 1}),
        ("extract_text_from_visuals", {"max_nb_images": 100, "image_min_size": 50}),
        ("gen_image_fast", {"nb_steps": 4, "guidance_scale": 5.0, "is_moderated": True, "safety_tolerance": 3}),
    ],
)
def test_the_settings_are_those_of_the_seed(preset: str, settings: dict[str, object]) -> None:
    assert dict(router(ALL_KEYS).resolve(preset).primary.settings) == settings


@pytest.mark.parametrize("reference", ["cheap_llm_for_text", "gpt-4o-mini", "smart_llm", "gen_image_basic"])
def test_without_a_key_nothing_answers_that_was_not_asked_for(reference: str) -> None:
    with pytest.raises(ResolveError):
        router({}).resolve(reference)


@pytest.mark.parametrize(
    ("reference", "backend"),
    [("smollm2-135m-instruct", "local"), ("sandbox-text", "sandbox"), ("sandbox/sandbox-image", "sandbox")],
)
def test_local_and_sandbox_answer_to_their_own_names(reference: str, backend: str) -> None:
    assert router({}).resolve(reference).primary.backend == backend


@pytest.mark.parametrize("name", ["cheap_llm_for_text", "smart_llm", "claude-4.5-sonnet", "llm_to_extract_invoice"])
def test_the_profiles_without_a_key_need_none(name: str) -> None:
    assert router({}, "local").resolve(name).primary.backend == "local"
    assert router({}, "sandbox").resolve(name).primary.backend == "sandbox"


@pytest.mark.parametrize("profile", ["local", "sandbox"])
def test_documents_are_read_on_this_machine_without_a_key(profile: str) -> None:
    found = {name: router({}, profile).resolve(name).primary for name in ("extract_text_from_pdf", "mistral-ocr")}
    assert found["extract_text_from_pdf"].handle == "pypdfium2-extract-text"
    assert (found["mistral-ocr"].handle, found["mistral-ocr"].stood_in_for) == ("tesseract-ocr", "mistral-ocr")
    assert {candidate.backend for candidate in found.values()} == {"internal"}


@pytest.mark.parametrize(
    ("reference", "backend", "model_id"),
    [
        ("gemini/gemini-1.5-pro", "google", "gemini-1.5-pro"),
        ("gemini/gemini-1.0-pro", "google", "gemini-1.0-pro"),
        ("claude-3-opus-20240229", "anthropic", "claude-3-opus-20240229"),
        (
            "bedrock/anthropic.claude-3-5-sonnet-20241022-v2:0",
            "bedrock",
            "anthropic.claude-3-5-sonnet-20241022-v2:0",
        ),
        (
            "bedrock/us.anthropic.claude-3-7-sonnet-20250219-v1:0",
            "bedrock",
            "us.anthropic.claude-3-7-sonnet-20250219-v1:0",
        ),
        ("bedrock/mistral.mistral-7b-instruct-v0:2", "bedrock", "mistral.mistral-7b-instruct-v0:2"),
        ("bedrock/mistral.codestral-22b-instruct-v1:0", "bedrock", "mistral.codestral-22b-instruct-v1:0"),
        ("bedrock/claude-4.5-sonnet", "bedrock", "global.anthropic.claude-sonnet-4-5-20250929-v1:0"),
        ("fal/fal-ai/recraft/v3", "fal", "fal-ai/recraft/v3"),
        ("fal-ai/flux/dev", "fal", "fal-ai/flux/dev"),
    ],
)
def test_names_as_the_seeds_print_them_lead_to_their_provider(reference: str, backend: str, model_id: str) -> None:
    found = router(ALL_KEYS).resolve(reference, "img_gen" if "fal" in reference else "llm").primary
    assert (found.backend, found.model_id) == (backend, model_id)


@pytest.mark.parametrize(
    ("profile", "handle", "backend"),
    [
        ("auto", "claude-4.5-sonnet", "anthropic"),
        ("pipelex_first", "claude-4.5-sonnet", "pipelex_inference"),
        ("pipelex_first", "gpt-image-1.5", "openai"),
        ("custom_routing", "claude-4.5-sonnet", "anthropic"),
        ("custom_routing", "flux-pro/v1.1", "fal"),
        ("custom_routing", "nova-pro", "bedrock"),
        ("hybrid", "gpt-5", "openai"),
        ("hybrid", "flux-dev", "fal"),
        ("hybrid", "gemini-2.5-pro", "pipelex_inference"),
    ],
)
def test_profiles_send_models_where_they_say(profile: str, handle: str, backend: str) -> None:
    assert router(ALL_KEYS, profile).resolve(handle).primary.backend == backend


def test_auto_leaves_the_cloud_alone() -> None:
    with pytest.raises(ResolveError):
        router(KEYS["bedrock"]).resolve("claude-4.5-sonnet")
    assert router(KEYS["bedrock"]).resolve("nova-pro").primary.backend == "bedrock"


@pytest.mark.parametrize("environment", [None, "dev", "test", "prod"])
def test_the_directory_to_start_from_loads_without_a_word_of_complaint(environment: str | None) -> None:
    variables = dict(ALL_KEYS) if environment is None else {**ALL_KEYS, "PIPELEX_ENV": environment}
    assert load(variables, directory=START)[1] == []


def test_the_directory_to_start_from_shows_what_it_says() -> None:
    dev = router({**ALL_KEYS, "PIPELEX_ENV": "dev"}, directory=START)
    assert dev.resolve("smart_llm").primary.handle == "claude-4.5-haiku"
    assert dev.resolve("gpt-5").primary.handle == "gpt-4o-mini"
    assert dev.resolve("mistral-large-4").primary.handle == "mistral-small"
    assert dev.resolve("gen_image_basic").primary.spec.kind == "img_gen"
    own = router(ALL_KEYS, directory=START)
    assert dict(own.resolve("llm_to_write_reminders").settings) == {"temperature": 0.4, "max_tokens": 400}
    assert dict(own.resolve("llm_to_summarize").settings) == {"temperature": 0.3, "max_tokens": 300}
    assert router({"PIPELEX_ENV": "test"}, directory=START).resolve("my_llm").primary.backend == "sandbox"
