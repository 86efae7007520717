"""LiteLLM's config.yaml: the same names lead to the same providers and models, and no secret is written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipelex_like import ConfigError, Inference
from pipelex_like.sandbox import Sandbox
from pipelex_like.setup.migrate.plan import plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelex_like.routing import Router
    from pipelex_like.setup.migrate.plan import Migration

EXAMPLE = """
model_list:
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-eu
      api_base: https://europe.openai.azure.example/
      api_key: os.environ/AZURE_API_KEY_EU
      api_version: 2024-08-01-preview
      rpm: 6
    model_info: {base_model: azure/gpt-4o}
  - model_name: gpt-4o
    litellm_params:
      model: azure/gpt-4o-ca
      api_base: https://canada.openai.azure.example/
      api_key: sk-very-secret-literal-1234567890
      rpm: 12
  - model_name: gpt-4o
    litellm_params: {model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY, rpm: 3, timeout: 30}
  - model_name: claude
    litellm_params:
      model: anthropic/claude-3-haiku-20240307
      api_key: os.environ/ANTHROPIC_API_KEY
      temperature: 0.2
      max_tokens: 512
  - model_name: gemini-pro
    litellm_params: {model: gemini/gemini-2.5-pro, api_key: os.environ/GEMINI_API_KEY}
  - model_name: llama
    litellm_params: {model: openai/meta-llama/Llama-3.1-8B, api_base: "http://localhost:8000/v1", api_key: none}
    model_info:
      input_cost_per_token: 0.00000015
      output_cost_per_token: 6e-07
      max_input_tokens: 8192
      supports_function_calling: false
  - model_name: nova
    litellm_params: {model: bedrock/converse/us.amazon.nova-pro-v1:0, aws_region_name: us-west-2}
  - model_name: vclaude
    litellm_params: {model: vertex_ai/claude-3-5-sonnet@20241022, vertex_project: p, vertex_location: us-east5}
  - model_name: embeddings
    litellm_params: {model: openai/text-embedding-3-small}
  - model_name: picture
    litellm_params: {model: openai/dall-e-3, api_key: os.environ/OPENAI_API_KEY}
    model_info: {mode: image_generation}
  - model_name: "anthropic/*"
    litellm_params: {model: "anthropic/*", api_key: os.environ/ANTHROPIC_API_KEY}
  - model_name: "groq/*"
    litellm_params: {model: "groq/*", api_key: os.environ/GROQ_API_KEY}
  - model_name: "deepinfra/*"
    litellm_params: {model: "deepinfra/*"}
  - model_name: "house-*"
    litellm_params: {model: "hosted_vllm/house-*", api_base: os.environ/HOUSE_API_BASE}
router_settings:
  routing_strategy: simple-shuffle
  model_group_alias: {gpt-4: gpt-4o, old: {model: claude, hidden: true}}
  num_retries: 3
  timeout: 60
  cooldown_time: 30
  allowed_fails: 3
  fallbacks: [{gpt-4o: [claude]}, {claude: [gpt-4o, groq/llama-3.3-70b-versatile]}]
  content_policy_fallbacks: [{gemini-pro: [claude]}]
  retry_policy: {AuthenticationErrorRetries: 0, TimeoutErrorRetries: 3}
litellm_settings:
  drop_params: true
  cache: true
  cache_params: {type: local, ttl: 600}
  success_callback: [langfuse]
general_settings:
  master_key: sk-master-9876
  database_url: postgresql://user:dbpassword@host/db
environment_variables:
  LANGFUSE_SECRET_KEY: lf-secret-value
"""
ENVIRON = dict.fromkeys(
    (
        *("AZURE_API_KEY_EU", "AZURE_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GROQ_API_KEY"),
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "DEEPINFRA_API_KEY"),
    ),
    "dummy-key-for-tests",
) | {"HOUSE_API_BASE": "http://house.example/v1"}
SECRETS = ("sk-very-secret", "sk-master", "dbpassword", "lf-secret")

AZURE = [("azure_openai", "gpt-4o-eu"), ("azure_openai_2", "gpt-4o-ca"), ("openai", "gpt-4o")]
CLAUDE = ("anthropic", "claude-3-haiku-20240307")
GROQ = ("groq", "llama-3.3-70b-versatile")
EXPECTED = {
    "gpt-4o": [*AZURE, CLAUDE, GROQ],
    "gpt-4": [*AZURE, CLAUDE, GROQ],
    "claude": [CLAUDE, *AZURE, GROQ],
    "old": [CLAUDE, *AZURE, GROQ],
    "gemini-pro": [("google", "gemini-2.5-pro"), CLAUDE, *AZURE, GROQ],
    "llama": [("localhost_8000", "meta-llama/Llama-3.1-8B")],
    "nova": [("bedrock", "us.amazon.nova-pro-v1:0")],
    "vclaude": [("vertexai", "claude-3-5-sonnet@20241022")],
    "picture": [("openai_2", "dall-e-3")],
    "anthropic/claude-3-opus-20240229": [("anthropic", "claude-3-opus-20240229")],
    "groq/whatever-is-there": [("groq", "whatever-is-there")],
    "deepinfra/meta-llama/Llama-3": [("deepinfra", "meta-llama/Llama-3")],
    "house-large": [("vllm", "house-large")],
}


def migrated(tmp_path: Path, text: str) -> Migration:
    source = tmp_path / "config.yaml"
    source.write_text(text)
    migration = plan(source, {}, to=tmp_path / "inference")
    migration.write()
    return migration


def candidates(directory: Path, reference: str, environ: dict[str, str]) -> list[tuple[str, str]]:
    with Inference.load(directory, environ=environ) as ai:
        return [(each.backend, each.model_id) for each in ai.router.resolve(reference, kind="llm").candidates]


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Migration]:
    folder = tmp_path_factory.mktemp("litellm")
    return folder / "inference", migrated(folder, EXAMPLE)


@pytest.fixture(scope="module")
def router(example: tuple[Path, Migration]) -> Iterator[Router]:
    with Inference.load(example[0], environ=ENVIRON) as ai:
        yield ai.router


@pytest.mark.parametrize("name", EXPECTED)
def test_every_name_leads_where_it_led(name: str, router: Router) -> None:
    route = router.resolve(name, kind="img_gen" if name == "picture" else "llm")
    assert [(each.backend, each.model_id) for each in route.candidates] == EXPECTED[name]


def test_settings_prices_limits_and_policies_come_along(example: tuple[Path, Migration]) -> None:
    with Inference.load(example[0], environ=ENVIRON) as ai:
        claude = ai.router.resolve("claude")
        assert claude.primary.settings["temperature"] == 0.2
        assert "temperature" not in claude.candidates[1].given
        llama = ai.specs["localhost_8000"]["meta-llama/Llama-3.1-8B"]
        assert {name: str(price) for name, price in llama.costs.tokens.items()} == {"input": "0.15", "output": "0.6"}
        assert llama.context_window == 8192
        assert "tools" in llama.constraints.unsupported
        policy = ai.router.resolve("gpt-4o").policy
        assert policy.balance == "weighted"
        assert policy.weights is not None
        assert [policy.weights[f"{backend}/{model}"] for backend, model in [*AZURE, CLAUDE]] == [6, 12, 3, 0]
        assert (policy.max_retries, policy.cooldown, policy.cache) == (3, 30, 600)
        assert dict(policy.actions) == {"auth": "next", "timeout": "retry"}
        assert ai.router.resolve("gemini-pro").policy.actions["content_policy"] == "next"
        assert ai.backends["openai"].policy.timeout == 30
        assert ai.backends["anthropic"].policy.timeout == 60
        assert ai.backends["bedrock"].text("aws_region") == "us-west-2"
        assert ai.router.resolve("vclaude").primary.sdk == "vertex_anthropic"


def test_no_secret_is_written_or_told(example: tuple[Path, Migration]) -> None:
    directory, migration = example
    written = "\n".join(path.read_text() for path in directory.rglob("*.toml"))
    said = "\n".join(str(problem) for problem in migration.notes) + migration.diff()
    assert not any(secret in text for secret in SECRETS for text in (written, said))
    assert migration.variables == ("LANGFUSE_SECRET_KEY", "AZURE_API_KEY")


def test_what_is_not_carried_over_is_told_with_its_line(example: tuple[Path, Migration]) -> None:
    lost = {problem.key: problem for problem in example[1].notes if problem.code == "not-carried-over"}
    assert {"general_settings.master_key", "router_settings.allowed_fails", "model_list[8]"} <= lost.keys()
    lines = EXAMPLE.split("\n")
    assert "master_key" in lines[(lost["general_settings.master_key"].line or 0) - 1]
    assert "OpenTelemetry" in lost["litellm_settings.success_callback"].hint
    assert lost.keys().isdisjoint({"router_settings.num_retries", "litellm_settings.drop_params"})


def test_a_second_run_changes_nothing(example: tuple[Path, Migration]) -> None:
    assert not plan(example[0].parent / "config.yaml", {}, to=example[0]).changed


def test_every_name_can_go_to_one_provider(tmp_path: Path) -> None:
    migrated(
        tmp_path,
        'model_list:\n  - model_name: "*"\n    litellm_params: {model: "openai/*", api_base: os.environ/OUR_API_BASE,'
        " api_key: os.environ/OUR_KEY}\n  - model_name: fixed\n    litellm_params: {model: groq/llama}\n",
    )
    environ = {"OUR_API_BASE": "https://ours.example/v1", "OUR_KEY": "dummy-key-1", "GROQ_API_KEY": "dummy-key-2"}
    assert candidates(tmp_path / "inference", "whatever", environ) == [("our", "whatever")]
    assert candidates(tmp_path / "inference", "claude-4.5-sonnet", environ)[0][0] == "our"
    assert candidates(tmp_path / "inference", "fixed", environ) == [("groq", "llama")]


def test_orders_keyless_servers_and_fallbacks_for_all(tmp_path: Path) -> None:
    migration = migrated(
        tmp_path,
        "model_list:\n"
        "  - {model_name: big, litellm_params: {model: gpt-4o-mini, order: 2, weight: 3}}\n"
        "  - {model_name: big, litellm_params: {model: azure/gpt5_series/g5, order: 1}}\n"
        "  - {model_name: fast, litellm_params: {model: groq/llama, api_key: os.environ/GROQ_1}}\n"
        "  - {model_name: fast, litellm_params: {model: groq/llama, api_key: os.environ/GROQ_2}}\n"
        '  - {model_name: own, litellm_params: {model: hosted_vllm/m, api_base: "http://h:1/v1", api_key: none}}\n'
        "  - {model_name: read, litellm_params: {model: mistral/mistral-ocr-latest}, model_info: {mode: ocr}}\n"
        '  - {model_name: "my-*", litellm_params: {model: "openai/ft-*"}}\n'
        "router_settings: {routing_strategy: least-busy, default_fallbacks: [fast]}\n",
    )
    environ = dict.fromkeys(("OPENAI_API_KEY", "AZURE_API_KEY", "GROQ_1", "GROQ_2"), "dummy-key")
    environ["AZURE_API_BASE"] = "https://a.example"
    with Inference.load(tmp_path / "inference", environ=environ) as ai:
        big, fast = ai.router.resolve("big"), ai.router.resolve("fast")
        assert [each.backend for each in big.candidates] == ["azure_openai", "openai", "groq", "groq_2"]
        assert big.policy.weights is not None
        assert list(big.policy.weights.values()) == [1, 0, 0, 0]
        assert fast.policy.balance == "least_in_flight"
        assert [each.backend for each in fast.candidates] == ["groq", "groq_2"]
        assert ai.router.resolve("own").primary.backend == "vllm"
        assert ai.backends["vllm"].state == "on"
    lost = [problem.key for problem in migration.notes if problem.code == "not-carried-over"]
    assert lost == ["model_list[6].model_name"]


def test_a_name_of_a_packaged_preset_is_the_file_s_own(tmp_path: Path) -> None:
    migrated(tmp_path, "model_list: [{model_name: llm_to_translate, litellm_params: {model: groq/llama}}]")
    found = candidates(tmp_path / "inference", "llm_to_translate", {"GROQ_API_KEY": "dummy-key"})
    assert found == [("groq", "llama")]


def test_shared_credentials_anchors_and_merges_are_understood(tmp_path: Path) -> None:
    migrated(
        tmp_path,
        "credential_list:\n  - credential_name: eu\n    credential_values:\n      api_key: os.environ/EU_KEY\n"
        "      api_base: https://eu.example.azure.com\n"
        "base: &base {temperature: 0.5, litellm_credential_name: eu}\n"
        "model_list:\n  - model_name: a\n    litellm_params: {<<: *base, model: azure/one}\n"
        "  - model_name: b\n    litellm_params: {<<: *base, model: azure/two, temperature: 1}\n",
    )
    with Inference.load(tmp_path / "inference", environ={"EU_KEY": "dummy-key"}) as ai:
        one, two = ai.router.resolve("a").primary, ai.router.resolve("b").primary
        assert (one.backend, one.model_id, one.settings["temperature"]) == ("azure_openai", "one", 0.5)
        assert (two.backend, two.model_id, two.settings["temperature"]) == ("azure_openai", "two", 1)
        assert ai.backends["azure_openai"].text("endpoint") == "https://eu.example.azure.com"


def test_a_call_goes_to_the_same_model_with_the_same_key(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        migrated(
            tmp_path,
            "model_list:\n  - model_name: chat\n    litellm_params: {model: openai/our-model, temperature: 0.3,"
            f' api_base: "{sandbox.url}/v1", api_key: os.environ/CHAT_KEY}}\n'
            "  - model_name: down\n    litellm_params: {model: openai/gone, api_key: os.environ/CHAT_KEY,"
            ' api_base: "http://127.0.0.1:9/v1", max_retries: 0}\n'
            "router_settings: {fallbacks: [{down: [chat]}]}\n",
        )
        with Inference.load(tmp_path / "inference", environ={"CHAT_KEY": sandbox.api_key}) as ai:
            result = ai.sync.generate_text("Hello", model="chat")
            assert result.served_by.model_id == "our-model"
            assert ai.sync.generate_text("Hello", model="down").served_by.model_id == "our-model"
        body = sandbox.requests[0].body
        assert isinstance(body, dict)
        assert (body["model"], body["temperature"]) == ("our-model", 0.3)


def test_what_would_not_load_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is no address"):
        migrated(tmp_path, "model_list: [{model_name: a, litellm_params: {model: openai/b, api_base: x}}]")
    assert not (tmp_path / "inference").exists()


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 10)}]\n" for before, name in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (BOMB.encode(), r"config.yaml:6: .*aliases"),
        (b"a: &a [*a]\n", r"config.yaml:1: .*inside of itself"),
        (b"#" * 5_000_001, r"larger than 5 MB"),
        (b"model_list: []\nname: \xff\n", r"config.yaml:2: .*not UTF-8"),
        (b"model_list:\n\t- model_name: a\n", r"config.yaml:2: .*tab"),
        (b"model_list: [\n", r"config.yaml:2: .*not valid YAML"),
        (b"a: 1\nmodel_list: !!python/object:os.system {}\n", r"config.yaml:2: .*not valid YAML"),
        (b"[" * 2000, r"nested more than"),
        (b"- a\n", r"begins with `model_list:`"),
        (b"a: \x00\n", r"config.yaml:1: .*character"),
        (b"a: 1\n---\nb: 2\n", r"not valid YAML"),
    ],
)
def test_a_file_that_cannot_be_read_is_told_with_its_line(content: bytes, said: str, tmp_path: Path) -> None:
    source = tmp_path / "config.yaml"
    source.write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        plan(source, {}, to=tmp_path / "inference")
    assert not (tmp_path / "inference").exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "model_list:\n",
        "model_list: {a: 1}\n",
        "model_list: [1, {model_name: a}, {model_name: b, litellm_params: {model: 3}}]\n",
        "model_list: [{model_name: 4, litellm_params: {model: unknown_provider/x, rpm: many, timeout: never}}]\n",
        "model_list: [{model_name: a, litellm_params: {model: gpt-4o, temperature: 9, stop: x, odd: {a: 1}}}]\n",
        "router_settings: {fallbacks: [{a: b}, 3], model_group_alias: {x: 3, y: nowhere}, retry_policy: {Odd: 1}}\n",
        "router_settings: 3\nlitellm_settings: [a]\nenvironment_variables: x\ninclude: [other.yaml]\n",
        "model_list: [{model_name: a, litellm_params: {model: openai/b, extra_headers: {X-Key: s}}}]\n",
    ],
)
def test_odd_files_give_a_directory_that_loads(text: str, tmp_path: Path) -> None:
    migrated(tmp_path, text)
    Inference.load(tmp_path / "inference", environ={}, lenient=True).close()
