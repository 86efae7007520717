from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from specs.tables import Tables, errors, good, the_error

from pipelex_like.deck import NO_POLICY, BackendSpec, Template

FULL = """
[first]
enabled = "auto"
endpoint = "${URL:-http://x/v1}"
api_key = "${KEY}"
display_name = "First"
key_url = "https://first/keys"
key_hint = "fk-..."
other_names = ["one", "uno"]
timeout = 30
connect_timeout = 2.5
max_retries = 0
max_attempts = "${TRIES}"
proxy = "${PROXY:-}"
headers = { x-team = "search", authorization = "Bearer ${KEY}" }
unlisted = ["*/*"]
only_when_named = true
mirror = true
default_costs = { input = 1, output = 0.15 }
required = [["A"], ["B", "C"]]
models = "${AI_MODELS}"
model_providers = "a:b"
extra_config = { free = { to = ["hold", 1, 2.5, true, "${X}"] } }
aws_region = "eu-west-1"
context_size = 4096
mlock = true
organization = ""
[first.actions]
rate_limit = "retry"
server = "stop"

[second]
enabled = "${ON}"
context_size = "${SIZE}"
claude_4_tokens_limit = 8000
unlisted = false
"""


@pytest.fixture
def full(tmp_path: Path) -> dict[str, BackendSpec]:
    return dict(good(tmp_path, Tables(backends=FULL, spec=None)).backends)


def test_every_key_is_read(full: dict[str, BackendSpec]) -> None:
    first = full["first"]
    assert list(full) == ["first", "second"]
    assert first.enabled == "auto"
    assert (first.display_name, first.key_url, first.key_hint) == ("First", "https://first/keys", "fk-...")
    assert first.other_names == ("one", "uno")
    assert first.unlisted == ("*/*",)
    assert (first.only_when_named, first.mirror) == (True, True)
    assert first.required == (("A",), ("B", "C"))
    assert first.model_providers == "a:b"
    assert isinstance(first.models, Template)
    assert isinstance(first.proxy, Template)
    assert first.default_costs is not None
    assert first.default_costs.tokens == {"input": Decimal(1), "output": Decimal("0.15")}


def test_keys_of_sdks_keep_their_type_and_blank_ones_are_not_set(full: dict[str, BackendSpec]) -> None:
    keys = full["first"].keys
    assert set(keys) == {"endpoint", "api_key", "aws_region", "context_size", "mlock"}
    assert (keys["aws_region"], keys["context_size"], keys["mlock"]) == ("eu-west-1", 4096, True)
    assert str(keys["api_key"]) == "${KEY}"
    size = full["second"].keys["context_size"]
    assert isinstance(size, Template)
    assert size.scalar == "int"


def test_policy_and_actions(full: dict[str, BackendSpec]) -> None:
    policy = full["first"].policy
    assert (policy.timeout, policy.connect_timeout, policy.max_retries) == (30, 2.5, 0)
    assert isinstance(policy.max_attempts, Template)
    assert policy.actions == {"rate_limit": "retry", "server": "stop"}
    assert full["second"].policy.timeout is None


def test_what_governs_a_backend_may_come_from_variables(tmp_path: Path) -> None:
    names = ("start_timeout", "job_timeout", "retry_after_cap", "cooldown", "max_concurrency", "max_waiting")
    lines = "".join(f'{name} = "${{X}}"\n' for name in names)
    policy = good(tmp_path, Tables(backends=f"[openai]\n{lines}")).backends["openai"].policy
    scalars = [getattr(policy, name).scalar for name in names]
    assert scalars == ["float", "float", "float", "float", "int", "int"]


def test_a_backend_that_says_nothing_has_the_one_policy_that_says_nothing(tmp_path: Path) -> None:
    deck = good(tmp_path, Tables(routing="[profiles.own]", deck="[llm.presets]\na = { model = 'gpt-5' }"))
    assert deck.backends["openai"].policy is NO_POLICY
    assert deck.profiles.profiles["own"].policy is NO_POLICY
    assert deck.presets["llm", "a"].policy is NO_POLICY


def test_most_attempts_of_a_backend_is_a_warning(tmp_path: Path) -> None:
    _, problems = Tables(backends="[openai]\nmax_attempts = 2\n").compiled(tmp_path)
    assert [(found.severity, found.code, found.key) for found in problems] == [
        ("warning", "no-effect", "openai.max_attempts")
    ]


def test_variables_stay_templates_with_their_place(full: dict[str, BackendSpec]) -> None:
    second = full["second"]
    assert isinstance(second.enabled, Template)
    assert second.enabled.scalar == "bool"
    assert second.enabled.origin.key == "second.enabled"
    assert second.where("unlisted").key == "second.unlisted"
    assert second.where("absent").key == "second"
    header = full["first"].headers["authorization"]
    assert isinstance(header, Template)


def test_free_tables_are_frozen_with_templates_inside(full: dict[str, BackendSpec]) -> None:
    held = full["first"].extra_config["free"]
    assert isinstance(held, dict)
    inner = held["to"]
    assert inner[:4] == ("hold", 1, 2.5, True)
    assert isinstance(inner[4], Template)


@pytest.mark.parametrize(
    ("line", "key", "code", "said"),
    [
        ("timeoot = 3", "openai.timeoot", "unknown-key", 'Did you mean "timeout"?'),
        ('endpiont = "x"', "openai.endpiont", "unknown-key", 'Did you mean "endpoint"?'),
        ('aws_regoin = "x"', "openai.aws_regoin", "unknown-key", 'Did you mean "aws_region"?'),
        ("timeout = 0", "openai.timeout", "out-of-range", "more than 0"),
        ("timeout = inf", "openai.timeout", "out-of-range", "finite"),
        ('timeout = "30"', "openai.timeout", "wrong-type", "Write it without quotes: 30."),
        ("timeout = true", "openai.timeout", "wrong-type", "got true or false"),
        ("max_retries = -1", "openai.max_retries", "out-of-range", "0 or more"),
        ("max_retries = 1.5", "openai.max_retries", "wrong-type", "a whole number"),
        ('enabled = "true"', "openai.enabled", "wrong-type", "without quotes: true"),
        ('enabled = "atuo"', "openai.enabled", "wrong-type", 'Did you mean "auto"?'),
        ("enabled = 1", "openai.enabled", "wrong-type", "true or false"),
        ("api_key = 5", "openai.api_key", "wrong-type", "expected a text, got a whole number"),
        ('api_key = "${KEY"', "openai.api_key", "bad-template", "never closed"),
        ('api_key = "a\\nb"', "openai.api_key", "control-character", "line break"),
        ('context_size = "12"', "openai.context_size", "wrong-type", "a whole number, got a text"),
        ("via = 'x'", "openai.via", "unknown-gateway", "cloudflare_gateway"),
        ("max_concurrency = 0", "openai.max_concurrency", "out-of-range", "1 or more"),
        ("max_waitin = 2", "openai.max_waitin", "unknown-key", 'Did you mean "max_waiting"?'),
        ("max_waiting = -1", "openai.max_waiting", "out-of-range", "0 or more"),
        ("cooldown = -1", "openai.cooldown", "out-of-range", "0 or more"),
        ("start_timeout = 0", "openai.start_timeout", "out-of-range", "more than 0"),
        ('job_timeout = "${T"', "openai.job_timeout", "bad-template", "never closed"),
        ('retry_after_cap = "60"', "openai.retry_after_cap", "wrong-type", "without quotes: 60"),
        ("max_cost = 1", "openai.max_cost", "unknown-key", "write it in a profile or a preset"),
        ("balance = 'cheapest'", "openai.balance", "unknown-key", "write it in a profile or a preset"),
        ("tags = ['a']", "openai.tags", "unknown-key", "given with the call"),
        ("actions = { invalid_objct = 'next' }", "openai.actions.invalid_objct", "unknown-key", '"invalid_object"'),
        ("actions = { rate_limt = 'stop' }", "openai.actions.rate_limt", "unknown-key", '"rate_limit"'),
        ("actions = { server = 'sotp' }", "openai.actions.server", "unknown-word", '"stop"'),
        ("default_costs = { inptu = 1 }", "openai.default_costs.inptu", "unknown-key", '"input"'),
        ("default_costs = { input = -1 }", "openai.default_costs.input", "out-of-range", "0 or more"),
        ("required = ['A']", "openai.required[0]", "wrong-type", "a list"),
        ("unlisted = 'x'", "openai.unlisted", "wrong-type", "true or false or a list"),
        ("headers = { 'a b' = 'x' }", 'openai.headers."a b"', "bad-name", "HTTP"),
        ("headers = { a = 'x\\r\\ny' }".replace("'", '"'), "openai.headers.a", "control-character", "take it out"),
        ("headers = { a = 1 }", "openai.headers.a", "wrong-type", "a text"),
        ("display_name = '${X}'", "openai.display_name", "no-variable-here", "no variable"),
        ("other_names = ['openai']", "openai.other_names[0]", "name-taken", "already names"),
        ("extra_config = { at = 2024-01-01 }", "openai.extra_config.at", "wrong-type", "date"),
        ("extra_config = 3", "openai.extra_config", "wrong-type", "a table"),
    ],
)
def test_what_is_wrong_in_a_backend_is_told(tmp_path: Path, line: str, key: str, code: str, said: str) -> None:
    error = the_error(tmp_path, Tables(backends=f"[openai]\n{line}\n"))
    assert (error.key, error.code, Path(error.file).name) == (key, code, "backends.toml")
    assert said in f"{error.message} {error.hint}"


@pytest.mark.parametrize(
    ("text", "key", "code", "said"),
    [
        ("openai = 3", "openai", "wrong-type", "a backend's table"),
        ('extnds = "pipelex_like"', "extnds", "wrong-type", 'Did you mean "extends"?'),
        ('[""]\nenabled = true', '""', "bad-name", "empty"),
        ('["a\\u0007"]\nenabled = true', '"a\\u0007"', "control-character", "control character"),
        ('["a/b"]\nenabled = true', '"a/b"', "bad-name", "/"),
        ("[direct]\nenabled = true", "direct", "bad-name", "reserved"),
        ("[my.backend]\nenabled = true", "my.backend", "unquoted-name", 'write ["my.backend"]'),
        ("[a]\nother_names = ['x']\n[b]\nother_names = ['x']", "b.other_names[0]", "name-taken", '"a"'),
    ],
)
def test_what_is_wrong_with_a_name_is_told(tmp_path: Path, text: str, key: str, code: str, said: str) -> None:
    error = the_error(tmp_path, Tables(backends=text, spec=None))
    assert (error.key, error.code) == (key, code)
    assert said in f"{error.message} {error.hint}"


def test_all_errors_of_a_table_come_at_once(tmp_path: Path) -> None:
    text = "[openai]\ntimeoot = 3\nmax_retries = -1\nenabled = 7\napi_key = 5\n[b]\nmirorr = true\n"
    found = {error.key for error in errors(tmp_path, Tables(backends=text))}
    assert found == {"openai.timeoot", "openai.max_retries", "openai.enabled", "openai.api_key", "b.mirorr"}


def test_a_faulty_backend_is_left_out_with_all_its_names(tmp_path: Path) -> None:
    deck, _ = Tables(backends="[openai]\ntimeoot = 3\n").compiled(tmp_path)
    assert not deck.backends
    assert not deck.specs
    assert {"openai", "gpt-5"} <= deck.faulty


@pytest.mark.parametrize(
    "line",
    [
        'api_key = "sk-verysecret"',
        'api_key = "${KEY:-sk-verysecret-0123}"',
        'aws_secret_access_key = "sk-verysecret"',
        'headers = { X-Api-Key = "sk-verysecret" }',
        'proxy = "http://me:sk-verysecret@proxy"',
        'endpoint = "http://me:sk-verysecret@host/v1"',
    ],
)
def test_a_secret_in_the_file_is_a_warning_that_does_not_show_it(tmp_path: Path, line: str) -> None:
    deck, problems = Tables(backends=f"[openai]\n{line}\n").compiled(tmp_path)
    (warning,) = problems
    assert (warning.severity, warning.code) == ("warning", "secret-in-file")
    assert "sk-verysecret" not in str(warning)
    assert "openai" in deck.backends


def test_a_wrong_value_of_a_secret_key_is_not_shown(tmp_path: Path) -> None:
    text = '[openai]\napi_key = "${sk-verysecret}"\nheaders = { authorization = "Bearer ${sk-verysecret" }\n'
    found = errors(tmp_path, Tables(backends=text))
    assert len(found) == 2
    assert "verysecret" not in "".join(map(str, found))


def test_backends_and_spec_files_that_do_not_meet_are_warnings(tmp_path: Path) -> None:
    tables = Tables(backends="[alone]\n[pipelex_gateway]\n[copy]\nmirror = true\n", specs={"other": "[m]\nsdk = 3\n"})
    deck, problems = tables.compiled(tmp_path)
    found = {(problem.severity, problem.code, Path(problem.file).name, problem.key) for problem in problems}
    assert found == {
        ("warning", "no-spec-file", "backends.toml", "alone"),
        ("warning", "no-spec-file", "backends.toml", "pipelex_gateway"),
        ("warning", "no-backend", "openai.toml", ""),
        ("warning", "no-backend", "other.toml", ""),
    }
    assert deck.network_models == {"pipelex_gateway"}
    assert "gpt-5" in deck.specs["openai"]


@pytest.mark.parametrize("key", ["${KEY", "${my-key}", "sk\\nkey"])
def test_a_malformed_credential_is_told_once(tmp_path: Path, key: str) -> None:
    problems = Tables(backends=f'[openai]\napi_key = "{key}"\n').compiled(tmp_path)[1]
    assert [problem.severity for problem in problems] == ["error"]


def test_the_hint_of_a_malformed_template_is_a_sentence_of_its_own(tmp_path: Path) -> None:
    for text, said in {"${envv:A}": 'Did you mean "env"?', "${A:+x}": "A default is written ${NAME:-default}."}.items():
        problem = the_error(tmp_path, Tables(backends=f'[openai]\nendpoint = "{text}"\n'))
        assert str(problem).endswith(f"`secret`. {said}")
