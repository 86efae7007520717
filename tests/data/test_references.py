"""Model names as people write them lead to the right backend, SDK and model id: the list is references.txt."""

from __future__ import annotations

from pathlib import Path

import pytest
from data.packaged_kit import ALL_KEYS, KEYS, SETS, load, router

from pipelex_like import Inference
from pipelex_like.deck import Filled
from pipelex_like.errors import ResolveError

LINES = (Path(__file__).parent / "references.txt").read_text(encoding="utf-8").splitlines()
REFERENCES = [[part.strip() for part in line.split(" | ")] for line in LINES if line and not line.startswith("#")]


@pytest.mark.parametrize(
    ("reference", "variables", "backend", "sdk", "model_id"), REFERENCES, ids=[" ".join(row[:2]) for row in REFERENCES]
)
def test_a_name_as_people_write_it_leads_where_it_should(
    reference: str, variables: str, backend: str, sdk: str, model_id: str
) -> None:
    found = router(SETS[variables]).resolve(reference, "llm").primary
    assert (found.backend, found.sdk, found.model_id) == (backend, sdk, model_id)


@pytest.mark.parametrize("row", REFERENCES, ids=[" ".join(row[:2]) for row in REFERENCES])
def test_the_list_is_in_order(row: list[str]) -> None:
    assert len(row) == 5
    assert row[1] in SETS


@pytest.mark.parametrize(
    ("model", "provider", "backend", "model_id"),
    [
        ("meta-llama/Llama-2-7b-chat-hf", "huggingface", "huggingface", "meta-llama/Llama-2-7b-chat-hf"),
        ("meta-llama/Llama-2-7b-chat-hf", "hf", "huggingface", "meta-llama/Llama-2-7b-chat-hf"),
        ("gpt-oss-120b", "groq", "groq", "openai/gpt-oss-120b"),
        ("gpt-oss-120b", "cerebras", "cerebras", "gpt-oss-120b"),
        ("claude-4.5-sonnet", "openrouter", "openrouter", "anthropic/claude-sonnet-4.5"),
        ("claude-4.5-sonnet", "litellm_proxy", "litellm_proxy", "claude-4.5-sonnet"),
        ("deepseek-v4-pro", "together_ai", "together", "deepseek-ai/DeepSeek-V4-Pro-0813"),
        ("my-deployment", "azure", "azure_openai", "my-deployment"),
        ("llama3.1", "ollama", "ollama", "llama3.1"),
    ],
)
def test_a_call_names_its_provider(model: str, provider: str, backend: str, model_id: str) -> None:
    found = router(ALL_KEYS).route(model, "llm", provider=provider).primary
    assert (found.backend, found.model_id) == (backend, model_id)


@pytest.mark.parametrize(
    ("variables", "backend", "endpoint"),
    [
        ({"OPENAI_API_KEY": "k"}, "openai", "https://api.openai.com/v1"),
        (
            {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "https://your-custom-endpoint.com/v1"},
            "openai",
            "https://your-custom-endpoint.com/v1",
        ),
        ({"OPENAI_API_KEY": "k", "OPENAI_API_BASE": "http://localhost:4000"}, "openai", "http://localhost:4000"),
        ({"AI_API_KEY": "k"}, "custom", "https://api.openai.com/v1"),
        ({"AI_BASE_URL": "http://localhost:8000/v1"}, "custom", "http://localhost:8000/v1"),
        ({}, "ollama", "http://localhost:11434"),
        ({"OLLAMA_API_BASE": "http://elsewhere:11434"}, "ollama", "http://elsewhere:11434"),
        (KEYS["nebius"], "nebius", "https://nebius.invalid/v1"),
        (KEYS["cloudflare"], "cloudflare", "https://api.cloudflare.com/client/v4/accounts/account/ai/v1"),
        (
            KEYS["cloudflare_gateway"],
            "cloudflare_gateway",
            "https://gateway.ai.cloudflare.com/v1/account/gateway/compat",
        ),
    ],
)
def test_requests_go_to_the_address_that_the_variables_give(
    variables: dict[str, str], backend: str, endpoint: str
) -> None:
    held = load(variables)[0].backends[backend]
    assert held.state == "on"
    assert isinstance(held.keys["endpoint"], Filled)
    assert held.keys["endpoint"].value == endpoint


@pytest.mark.parametrize(
    ("variables", "backend"),
    [({name: value}, backend) for backend, keys in KEYS.items() if len(keys) > 1 for name, value in keys.items()],
    ids=str,
)
def test_one_of_several_variables_alone_switches_nothing_on(variables: dict[str, str], backend: str) -> None:
    assert load(variables)[0].backends[backend].state in ("off", "broken")


@pytest.mark.parametrize("backend", KEYS)
def test_each_backend_comes_on_by_its_variables(backend: str) -> None:
    held = load(KEYS[backend])[0].backends[backend]
    assert (held.state, held.missing) == ("on", ())


@pytest.mark.parametrize(
    ("backend", "spellings"),
    [
        ("google", "GOOGLE_API_KEY GEMINI_API_KEY GOOGLE_AI_STUDIO_API_KEY"),
        ("fal", "FAL_API_KEY FAL_KEY"),
        ("huggingface", "HUGGINGFACE_API_KEY HUGGINGFACEHUB_API_TOKEN HUG_API_KEY HF_TOKEN"),
        ("together", "TOGETHER_API_KEY TOGETHERAI_API_KEY"),
        ("perplexity", "PERPLEXITYAI_API_KEY PERPLEXITY_API_KEY"),
        ("openai_compatible", "OPENAI_BASE_URL OPENAI_API_BASE"),
        ("custom", "AI_BASE_URL AI_API_KEY AI_MODELS"),
    ],
)
def test_every_spelling_of_a_variable_is_as_good_as_the_others(backend: str, spellings: str) -> None:
    for name in spellings.split():
        assert load({name: "a:b"})[0].backends[backend].state == "on", name


def test_cloud_variables_have_two_spellings() -> None:
    both = ("GCP_PROJECT_ID", "VERTEXAI_PROJECT"), ("GCP_LOCATION", "VERTEXAI_LOCATION")
    for project in both[0]:
        for location in both[1]:
            assert load({project: "p", location: "us-central1"})[0].backends["vertexai"].state == "on"
    for token in ("WORKERS_AI_API_TOKEN", "CLOUDFLARE_API_TOKEN"):
        assert load({token: "t", "CLOUDFLARE_ACCOUNT_ID": "a"})[0].backends["cloudflare"].state == "on"
    for name in ("AWS_PROFILE", "AWS_PROFILE_NAME"):
        assert load({name: "p"})[0].backends["bedrock"].state == "on"


def test_a_model_that_is_pinned_to_its_vendor_does_not_go_to_an_aggregator_that_calls_it_just_so() -> None:
    assert router(ALL_KEYS).resolve("openai/gpt-4o").primary.backend == "openai"
    alone = router(KEYS["openrouter"]).resolve("openai/gpt-4o").primary
    assert (alone.backend, alone.model_id) == ("openrouter", "openai/gpt-4o")
    assert router(ALL_KEYS).resolve("openai/gpt-oss-120b").primary.handle == "gpt-oss-120b"


def test_what_a_backend_is_handed_unlisted_is_of_a_kind_that_its_sdk_does() -> None:
    proxy = router(KEYS["litellm_proxy"])
    assert proxy.resolve("extract_text_from_visuals").primary.backend == "internal"
    assert proxy.resolve("my-picture-model", "img_gen").primary.backend == "litellm_proxy"
    with pytest.raises(ResolveError):
        router(KEYS["openai_compatible"]).resolve("mistral-ocr")


def test_models_named_by_a_variable_are_all_that_the_server_has() -> None:
    named = router(SETS["own_models"])
    assert named.resolve("local-r1").primary.model_id == "deepseek-r1-distill-qwen-14b"
    with pytest.raises(ResolveError):
        named.resolve("cheap_llm_for_text")
    assert router(KEYS["custom"]).resolve("cheap_llm_for_text").primary.model_id == "gpt-4o-mini"


def test_a_provider_for_a_model_comes_from_its_variable() -> None:
    given = {**KEYS["huggingface"], "HUGGINGFACE_MODEL_PROVIDERS": " gpt-oss-120b:sambanova, deepseek-r1:together "}
    assert router(given).resolve("gpt-oss-120b").primary.model_id == "openai/gpt-oss-120b:sambanova"
    assert router(given).resolve("deepseek-r1").primary.model_id == "deepseek-ai/DeepSeek-R1:together"


PRINTED = """
  gpt-oss-120b:sambanova,
  deepseek-r1:together,
  deepseek-r1-distill-qwen-14b:hf-inference,
  llama-3.3-70b-instruct:together,
  stabilityai/stable-diffusion-xl-base-1.0:replicate,
  stabilityai/stable-diffusion-3.5-large:fal-ai
"""


@pytest.mark.parametrize("value", [PRINTED, PRINTED.replace("\n", "\\\n"), "".join(PRINTED.split())])
def test_the_list_of_providers_as_it_is_printed(value: str) -> None:
    route = router({**KEYS["huggingface"], "HUGGINGFACE_MODEL_PROVIDERS": value})
    pairs = [line.strip(" ,").rpartition(":") for line in PRINTED.split("\n") if line]
    assert len(pairs) == 6
    for model, _, provider in pairs:
        assert route.resolve(model).primary.model_id.rpartition(":")[2] == provider


def test_servers_of_ones_own_cost_nothing_and_a_proxy_costs_nobody_knows_what() -> None:
    for name in ("ollama", "vllm", "tgi"):
        costs = router(ALL_KEYS).resolve(f"{name}/x", "llm").primary.spec.costs
        assert set(costs.tokens.values()) == {0}, name
    for name in ("litellm_proxy", "custom", "openai_compatible", "cloudflare_gateway"):
        assert not router(ALL_KEYS).resolve(f"{name}/x", "llm").primary.spec.costs.tokens, name


@pytest.mark.parametrize(
    ("reference", "sdk"),
    [
        ("vertex_ai/claude-opus-9@20270101", "vertex_anthropic"),
        ("vertex_ai/mistral-huge-1", "vertex_mistral"),
        ("vertexai/gemini-9-flash", "vertex_google"),
        ("vertex_ai/llama-9-405b", "vertex_google"),
        ("openai/gpt-99-turbo", "openai"),
    ],
)
def test_an_id_that_nobody_lists_goes_through_the_sdk_of_its_relatives(reference: str, sdk: str) -> None:
    environ = {"VERTEXAI_PROJECT": "p", "VERTEXAI_LOCATION": "global", "OPENAI_API_KEY": "k"}
    with Inference.load(environ=environ) as ai:
        primary = ai.router.resolve(reference).primary
    assert (primary.model_id, primary.sdk) == (reference.partition("/")[2], sdk)
