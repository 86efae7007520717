"""What the packaged files say, read as plain TOML."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest
from dotenv import dotenv_values

from pipelex_like.data import KIT

ROOT = Path(__file__).parents[2]
START = ROOT / ".pipelex" / "inference"
FILES = sorted([*KIT.rglob("*.toml"), *START.rglob("*.toml")])
SPECS = {
    path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted((KIT / "backends").glob("*.toml"))
}
MODELS = {
    (backend, handle): table
    for backend, tables in SPECS.items()
    for handle, table in tables.items()
    if handle != "defaults"
}
BACKENDS = tomllib.loads((KIT / "backends.toml").read_text(encoding="utf-8"))
FREE = {"internal", "local", "sandbox"}
# Whose address is yours: nobody hands out keys for them.
OWN = {"custom", "openai_compatible", "litellm_proxy", "ollama", "vllm", "tgi"}
ALWAYS = {*FREE, "ollama"}
ROWS = """openai anthropic google mistral fal xai deepseek cohere perplexity openrouter groq cerebras together nebius
    huggingface pipelex_inference cloudflare cloudflare_gateway litellm_proxy azure_openai azure_ai bedrock vertexai
    ollama vllm tgi custom openai_compatible internal local sandbox"""

# Every model name that the seed documents print for these providers, as a handle or as an id that is pinned.
PRINTED = {
    "openai": """o4 o4-mini o3-mini gpt-4.1 gpt-4.1-mini gpt-4o gpt-4o-mini gpt-4 gpt-4-turbo gpt-3.5-turbo gpt-5
        gpt-image-1""",
    "anthropic": """claude-3-5-sonnet-20241022 claude-3-5-haiku-20241022 claude-3-opus-20240229 claude-3-sonnet
        claude-4.5-sonnet claude-4.1-opus""",
    "google": "gemini-1.0-pro gemini-1.5-pro gemini-1.5-flash gemini-2.5-flash gemini-2.5-pro gemini-pro",
    "mistral": "mistral-medium mistral-large mistral-ocr codestral",
    "bedrock": "claude-3-5-sonnet-20241022 claude-3.7-sonnet mistral-7b-instruct",
    "deepseek": "deepseek-chat deepseek-coder",
    "together": "meta-llama/Llama-3.2-70B-Instruct-Turbo mistralai/Codestral-22B-v0.1",
    "groq": "llama-3.1-70b-versatile mixtral-8x7b-32768",
    "nebius": "llama-3.1-70b-instruct mistral-7b-instruct deepseek-coder-33b-instruct",
    "cohere": "command-r-plus command-r command-light",
    "huggingface": """gpt-oss-120b deepseek-r1 deepseek-r1-distill-qwen-14b llama-3.3-70b-instruct distilgpt2
        stabilityai/stable-diffusion-xl-base-1.0 stabilityai/stable-diffusion-3.5-large meta-llama/Llama-2-7b-chat-hf
        meta-llama/Llama-2-13b-chat-hf meta-llama/Llama-2-70b-chat-hf mistralai/Mistral-7B-Instruct-v0.1
        mistralai/Mistral-7B-Instruct-v0.2 google/flan-t5-xxl EleutherAI/gpt-neox-20b tiiuae/falcon-7b-instruct""",
    "fal": "flux-dev flux-pro/v1.1",
    "internal": "pypdfium2-extract-text",
}
VARIABLES = """
    OPENAI_API_KEY OPENAI_BASE_URL OPENAI_API_BASE AZURE_API_KEY AZURE_API_BASE AZURE_API_VERSION ANTHROPIC_API_KEY
    AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN AWS_REGION AWS_REGION_NAME AWS_PROFILE AWS_PROFILE_NAME
    AWS_BEARER_TOKEN_BEDROCK GOOGLE_API_KEY GEMINI_API_KEY GOOGLE_AI_STUDIO_API_KEY GCP_PROJECT_ID VERTEXAI_PROJECT
    GCP_LOCATION VERTEXAI_LOCATION GCP_CREDENTIALS_FILE_PATH GOOGLE_APPLICATION_CREDENTIALS MISTRAL_API_KEY FAL_API_KEY
    FAL_KEY HUGGINGFACE_API_KEY HUGGINGFACEHUB_API_TOKEN HUG_API_KEY HF_TOKEN HUGGINGFACE_MODEL_PROVIDERS COHERE_API_KEY
    TOGETHER_API_KEY TOGETHERAI_API_KEY OPENROUTER_API_KEY DEEPSEEK_API_KEY GROQ_API_KEY CEREBRAS_API_KEY
    PERPLEXITYAI_API_KEY PERPLEXITY_API_KEY NEBIUS_API_KEY NEBIUS_API_BASE XAI_API_KEY WORKERS_AI_API_TOKEN
    CLOUDFLARE_API_TOKEN CLOUDFLARE_ACCOUNT_ID CLOUDFLARE_GATEWAY_ID LITELLM_PROXY_URL LITELLM_PROXY_KEY
    PIPELEX_INFERENCE_API_KEY OLLAMA_API_BASE VLLM_API_BASE TGI_API_BASE AI_BASE_URL AI_API_KEY AI_MODELS
    PIPELEX_PROFILE PIPELEX_ENV PIPELEX_SECRETS_DIR
"""


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_is_toml_and_opens_with_a_comment(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tomllib.loads(text)
    assert text.removeprefix("#:schema ").partition("\n")[2].startswith("# ") or text.startswith("# ")
    assert max(len(line) for line in text.splitlines() if line.startswith("#")) <= 120


def test_every_provider_of_the_seeds_is_there() -> None:
    assert set(BACKENDS) == set(ROWS.split())


def test_every_backend_has_its_spec_file() -> None:
    assert set(BACKENDS) == set(SPECS)


def test_every_backend_comes_on_by_itself_and_has_a_name() -> None:
    for name, table in BACKENDS.items():
        assert table["enabled"] == (True if name in ALWAYS else "auto"), name
        assert table["display_name"], name


def test_every_backend_with_a_key_says_where_to_get_it_and_how_it_looks() -> None:
    for name in BACKENDS.keys() - FREE - OWN:
        assert BACKENDS[name]["key_url"].startswith("https://"), name
        assert BACKENDS[name].get("key_hint", "a key").startswith(("a ", "two ")), name


def test_servers_of_ones_own_are_free_and_proxies_are_not() -> None:
    free = {name for name, table in BACKENDS.items() if "default_costs" in table}
    assert free == {"ollama", "vllm", "tgi", "local", "sandbox"}
    assert all(set(BACKENDS[name]["default_costs"].values()) == {0} for name in free)


def test_only_what_would_get_in_the_way_waits_to_be_named() -> None:
    waiting = {name for name, table in BACKENDS.items() if table.get("only_when_named")}
    assert waiting == {"ollama", "local", "sandbox"}


def test_bare_names_go_where_the_configuration_says() -> None:
    patterns = {name: table["unlisted"] for name, table in BACKENDS.items() if isinstance(table.get("unlisted"), list)}
    assert patterns == {"huggingface": ["*/*"], "custom": ["*"], "openai_compatible": ["*"], "litellm_proxy": ["*"]}


@pytest.mark.parametrize(("backend", "handle"), MODELS, ids=["/".join(key) for key in MODELS])
def test_a_price_has_a_date_and_a_free_model_is_priced_zero(backend: str, handle: str) -> None:
    table = MODELS[backend, handle]
    assert "costs" in table
    if backend in FREE:
        assert set(table["costs"].values()) == {0}
    elif table["costs"]:
        assert date.fromisoformat(table["price_checked"]) >= date(2026, 11, 21)
    else:
        assert "price_checked" not in table


def test_a_cached_token_never_costs_more_than_a_fresh_one() -> None:
    for key, table in MODELS.items():
        for prices in (table["costs"], *table["costs"].get("above", [])):
            if "input_cached" in prices:
                assert prices["input_cached"] < prices["input"], key


def test_every_name_printed_in_the_seeds_is_a_handle() -> None:
    missing = [
        (backend, name) for backend, names in PRINTED.items() for name in names.split() if name not in SPECS[backend]
    ]
    assert missing == []


@pytest.mark.parametrize("handle", ["o4", "o4-mini", "o3-mini", "gpt-4-turbo", "gpt-3.5-turbo", "gpt-4", "gpt-image-1"])
def test_what_openai_no_longer_answers_is_marked_retired(handle: str) -> None:
    assert SPECS["openai"][handle]["retired"] is True


@pytest.mark.parametrize(
    ("backend", "handle"),
    [
        ("deepseek", "deepseek-chat"),
        ("deepseek", "deepseek-coder"),
        ("together", "mistralai/Codestral-22B-v0.1"),
        ("groq", "llama-3.1-70b-versatile"),
        ("groq", "mixtral-8x7b-32768"),
        ("nebius", "llama-3.1-70b-instruct"),
        ("perplexity", "sonar-pro"),
    ],
)
def test_what_others_no_longer_answer_is_marked_retired_too(backend: str, handle: str) -> None:
    assert SPECS[backend][handle]["retired"] is True


@pytest.mark.parametrize(
    ("backend", "handle"), [("openai", "o4"), ("together", "meta-llama/Llama-3.2-70B-Instruct-Turbo")]
)
def test_a_model_that_never_was_has_no_price(backend: str, handle: str) -> None:
    assert SPECS[backend][handle]["costs"] == {}


def test_no_handle_begins_like_a_pin_to_another_backend() -> None:
    heads = {*BACKENDS, *(other for table in BACKENDS.values() for other in table.get("other_names", ()))}
    wrong = {key for key in MODELS if "/" in key[1] and key[1].partition("/")[0] in heads - {"google"}}
    assert wrong == set()


def test_the_example_of_variables_has_every_one_and_sets_none() -> None:
    values = dotenv_values(ROOT / ".env.example", interpolate=False)
    assert set(VARIABLES.split()) <= set(values)
    assert set(values.values()) == {""}


def test_every_variable_of_the_kit_is_in_the_example() -> None:
    listed = set(dotenv_values(ROOT / ".env.example", interpolate=False))
    text = "".join(path.read_text(encoding="utf-8") for path in KIT.rglob("*.toml"))
    code = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    used = {name for slot in re.findall(r"\$\{([^}]*)\}", code) for name in slot.split(":-")[0].split("|")}
    assert used
    assert used <= listed
