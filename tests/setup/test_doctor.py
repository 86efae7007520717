"""What `doctor` finds, without calling anybody and by asking simulated providers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipelex_like.engine.load import Source
from pipelex_like.engine.runtime import Runtime
from pipelex_like.sandbox import Sandbox
from pipelex_like.setup.doctor.live import with_checks
from pipelex_like.setup.doctor.offers import compared
from pipelex_like.setup.doctor.packages import Installed, extras_of, look_around
from pipelex_like.setup.doctor.report import Diagnosis, UnknownBackendError, diagnose
from pipelex_like.setup.doctor.variables import remarks_on

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipelex_like.setup.doctor.facts import BackendFacts, Check, Report, Variable

CANARY = "sk-canary-0a1b2c3d4e5f6789"
INSTALLED = look_around()
# Backend -> its table (URL and key filled in by the test), its sdk, and the kind of its model.
PROTOCOLS = {
    "openai": ('endpoint = "{url}/v1"', "openai", "text"),
    "groq": ('endpoint = "{url}/openai/v1"', "openai", "text"),
    "responses": ('endpoint = "{url}/v1"', "openai_responses", "text"),
    "anthropic": ('endpoint = "{url}"', "anthropic", "text"),
    "google": ('endpoint = "{url}"', "google", "text"),
    "mistral": ('endpoint = "{url}"', "mistral", "text"),
    "cohere": ('endpoint = "{url}"', "cohere", "text"),
    "huggingface": ('endpoint = "{url}/v1"', "huggingface", "text"),
    "azure_openai": ('endpoint = "{url}"', "azure_openai", "text"),
    "azure_v1": ('endpoint = "{url}/openai/v1"', "azure_openai", "text"),
    "azure_ai": ('endpoint = "{url}"', "azure_openai", "catalogue"),
    "bedrock": ('endpoint = "{url}"\naws_bearer_token = "${{KEY}}"', "bedrock", "text"),
    "bedrock_keys": (
        'endpoint = "{url}"\naws_access_key_id = "${{KEY}}"\naws_secret_access_key = "${{KEY}}"',
        "bedrock",
        "text",
    ),
    "vertexai": (
        'endpoint = "{url}"\ngcp_project_id = "p"\ngcp_location = "us-central1"\ngcp_access_token = "${{KEY}}"',
        "vertex_google",
        "text",
    ),
    "fal": ('endpoint = "{url}"', "fal", "image"),
}
LISTING = {"openai", "groq", "responses", "anthropic", "google", "mistral", "cohere", "huggingface", "bedrock"}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def write(folder: Path, backends: str, specs: dict[str, str], *, default: str, choices: str = "") -> Path:
    """Write a directory that stands alone into a project folder."""
    home = folder / ".pipelex" / "inference"
    (home / "backends").mkdir(parents=True)
    (home / "deck").mkdir()
    (home / "backends.toml").write_text(backends, encoding="utf-8")
    for name, text in specs.items():
        (home / "backends" / f"{name}.toml").write_text(text, encoding="utf-8")
    profiles = f'active = "own"\n[profiles.own]\ndefault = "{default}"\n'
    (home / "routing_profiles.toml").write_text(profiles, encoding="utf-8")
    text = choices or '[llm.choice_defaults]\nfor_text = "sandbox-text"\n'
    (home / "deck" / "base_deck.toml").write_text(text, encoding="utf-8")
    return home


def protocol(folder: Path, name: str, url: str, more: str = "") -> Path:
    table, sdk, sort = PROTOCOLS[name]
    key = "" if "${{KEY}}" in table else 'api_key = "${KEY}"\n'
    model = '[sandbox-text]\noutputs = ["text", "structured"]\n'
    if sort == "catalogue":
        model += 'variant = "model_catalogue"\n'
    if sort == "image":
        model = '["fal-ai/flux/dev"]\nmodel_type = "img_gen"\noutputs = ["image"]\ncosts = { per_image = 0.1 }\n'
    choices = '[img_gen]\nchoice_default = "fal-ai/flux/dev"\n' if sort == "image" else ""
    backends = f"[{name}]\nenabled = true\n{table.format(url=url)}\n{key}{more}"
    return write(folder, backends, {name: f'default_sdk = "{sdk}"\n{model}'}, default=name, choices=choices)


def look(folder: Path, wanted: tuple[str, ...] = (), **environ: str) -> Diagnosis:
    source = Source(config_dir=folder / ".pipelex", environ={"HOME": str(folder / "home"), **environ})
    return diagnose(source, installed=INSTALLED, wanted=wanted)


def asked(folder: Path, wanted: tuple[str, ...] = (), *, seconds: float = 10, **environ: str) -> Report:
    return with_checks(look(folder, wanted, **environ), Runtime(), seconds=seconds, environ=environ)


def only(report: Report) -> Check:
    assert report.checks is not None
    (check,) = report.checks
    return check


def backend(report: Report, name: str) -> BackendFacts:
    return next(facts for facts in report.backends if facts.name == name)


def variable(report: Report, name: str) -> Variable:
    return next(found for found in report.variables if found.name == name)


def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **environ: str) -> Report:
    """Diagnose with no directory at all."""
    monkeypatch.chdir(tmp_path)
    return diagnose(Source(environ={"HOME": str(tmp_path), **environ}), installed=INSTALLED).report


# --- Asking providers ---


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_good_key_is_accepted(tmp_path: Path, sandbox: Sandbox, name: str) -> None:
    protocol(tmp_path, name, sandbox.url)
    report = asked(tmp_path, KEY=sandbox.api_key)
    check = only(report)
    assert (check.outcome, check.gone) == ("accepted", ()), check.message
    assert check.offered == (2 if name.removesuffix("_keys") in LISTING else None)
    assert check.unlisted == (1 if check.offered else None)
    assert report.ok


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_wrong_key_is_refused_and_never_told(tmp_path: Path, sandbox: Sandbox, name: str) -> None:
    protocol(tmp_path, name, sandbox.url)
    report = asked(tmp_path, KEY=CANARY)
    check = only(report)
    assert check.outcome == "refused", check.message
    assert ("gcloud auth" if name == "vertexai" else "KEY (set in the environment)") in check.hint
    assert not report.ok
    assert CANARY not in json.dumps(report.to_dict())
    assert not any(choice.good for choice in report.choices if choice.reference)


@pytest.mark.parametrize("name", PROTOCOLS)
def test_nothing_but_the_own_headers_goes_out(tmp_path: Path, sandbox: Sandbox, name: str) -> None:
    protocol(tmp_path, name, sandbox.url, more="headers = { x-own = 'yes' }\n")
    sandbox.reset()
    asked(tmp_path, KEY=sandbox.api_key)
    assert sandbox.requests
    for request in sandbox.requests:
        assert request.headers["x-own"] == "yes"
        assert request.headers["user-agent"] == "pipelex-like"
        assert not any(name.startswith("x-stainless") for name in request.headers)


def test_nobody_there(tmp_path: Path) -> None:
    protocol(tmp_path, "openai", "http://127.0.0.1:9")
    report = asked(tmp_path, KEY=CANARY)
    check = only(report)
    assert check.outcome == "unreachable"
    assert check.hint == "Nothing listens (http://127.0.0.1:9): start the server, or correct its address."
    assert not report.ok


def test_a_name_without_an_address_and_a_proxy_that_nobody_uses(tmp_path: Path) -> None:
    protocol(tmp_path, "openai", "http://nowhere.invalid")
    check = only(asked(tmp_path, KEY=CANARY, HTTPS_PROXY="http://user:canary-pass@10.0.0.1:3128"))
    assert check.outcome == "unreachable"
    assert 'HTTPS_PROXY is set, but not used by itself: write proxy = "${HTTPS_PROXY}" in [openai].' in check.hint
    assert "canary" not in check.hint + check.message


def test_a_slow_provider_is_not_waited_for(tmp_path: Path, sandbox: Sandbox) -> None:
    protocol(tmp_path, "openai", sandbox.url, more="headers = { x-sandbox-fault = 'delay=30' }\n")
    report = asked(tmp_path, seconds=0.2, KEY=sandbox.api_key)
    check = only(report)
    assert check.outcome == "late"
    assert check.seconds < 5
    assert "--timeout" in check.hint
    assert not report.ok


def test_the_deadline_holds_for_all_at_once(tmp_path: Path, sandbox: Sandbox) -> None:
    slow = 'enabled = true\nendpoint = "{}/v1"\napi_key = "${{KEY}}"\nheaders = {{ x-sandbox-fault = "delay=30" }}\n'
    names = [f"slow{number}" for number in range(6)]
    tables = "\n".join(f"[{name}]\n{slow.format(sandbox.url)}" for name in names)
    spec = 'default_sdk = "openai"\n[sandbox-text]\noutputs = ["text"]\n'
    write(tmp_path, tables, dict.fromkeys(names, spec), default="slow0")
    began = Runtime().clock()
    report = asked(tmp_path, seconds=0.5, KEY=sandbox.api_key)
    assert [check.outcome for check in report.checks or ()] == ["late"] * 6
    assert Runtime().clock() - began < 2.5


@pytest.mark.parametrize(
    ("fault", "outcome", "ok"),
    [
        ("status=429", "rate_limited", True),
        ("status=403", "denied", True),
        ("status=404", "unclear", True),
        ("status=402", "quota", False),
        ("status=500", "failed", False),
        ("html", "failed", False),
        ("badjson", "failed", False),
        ("empty", "failed", False),
        ("redirect=http://127.0.0.1:9/", "failed", False),
    ],
)
def test_every_other_answer(tmp_path: Path, sandbox: Sandbox, fault: str, outcome: str, ok: bool) -> None:
    protocol(tmp_path, "openai", sandbox.url, more=f"headers = {{ x-sandbox-fault = '{fault}' }}\n")
    report = asked(tmp_path, KEY=sandbox.api_key)
    check = only(report)
    assert (check.outcome, report.ok) == (outcome, ok), check.message
    assert check.hint


def test_a_model_that_is_gone(tmp_path: Path, sandbox: Sandbox) -> None:
    home = protocol(tmp_path, "openai", sandbox.url)
    spec = home / "backends" / "openai.toml"
    old = '[old]\nmodel_id = "gpt-3"\noutputs = ["text"]\n[past]\nretired = true\noutputs = ["text"]\n'
    spec.write_text(spec.read_text() + old)
    assert only(report := asked(tmp_path, KEY=sandbox.api_key)).gone == ("old",)
    assert report.ok, "nothing needs it"
    (home / "deck" / "base_deck.toml").write_text('[llm.choice_defaults]\nfor_text = "old"\n')
    report = asked(tmp_path, KEY=sandbox.api_key)
    assert not report.ok
    assert report.choices[0].candidates[0].why_not == "openai offers it no longer"
    (home / "deck" / "base_deck.toml").write_text(
        '[llm.aliases]\nboth = ["old", "sandbox-text"]\n[llm.choice_defaults]\nfor_text = "both"\n'
    )
    report = asked(tmp_path, KEY=sandbox.api_key)
    assert report.ok, "the chain goes on to the next"
    assert report.choices[0].served_by is not None
    assert report.choices[0].served_by.handle == "sandbox-text"


def test_a_server_without_a_key(tmp_path: Path, sandbox: Sandbox) -> None:
    spec = {"own": 'default_sdk = "openai"\n[sandbox-text]\noutputs = ["text"]\n'}
    write(tmp_path, f'[own]\nenabled = true\nendpoint = "{sandbox.url}/v1"\n', spec, default="own")
    assert only(asked(tmp_path)).outcome == "refused", "the sandbox wants a key"


def test_https_with_an_authority_of_ones_own(tmp_path: Path) -> None:
    with Sandbox(tls=True) as running:
        home = protocol(tmp_path, "openai", running.url)
        check = only(asked(tmp_path, KEY=running.api_key))
        assert check.outcome == "unreachable"
        assert "ca_file" in check.hint
        backends = home / "backends.toml"
        backends.write_text(backends.read_text() + f'ca_file = "{running.ca_file}"\n')
        assert only(asked(tmp_path, KEY=running.api_key)).outcome == "accepted"
        backends.write_text(backends.read_text().replace(str(running.ca_file), "gone.pem"))
        report = asked(tmp_path, KEY=running.api_key)
    assert only(report).outcome == "failed"
    assert any("no such file" in remark for remark in backend(report, "openai").remarks)


def test_the_environments_proxy_and_addresses_are_not_used(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    protocol(tmp_path, "anthropic", sandbox.url)
    assert only(asked(tmp_path, KEY=sandbox.api_key)).outcome == "accepted"


def test_the_proxy_of_the_backend_is_used(tmp_path: Path, sandbox: Sandbox) -> None:
    protocol(tmp_path, "openai", sandbox.url, more='proxy = "${PROXY}"\n')
    check = only(asked(tmp_path, KEY=sandbox.api_key, PROXY="http://user:canary-pass@127.0.0.1:9"))
    assert check.outcome == "unreachable"
    assert "through the proxy ${PROXY}" in check.hint
    assert "canary" not in f"{check}"


def test_who_has_nobody_to_ask_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    source = Source(environ={"HOME": str(tmp_path)})
    diagnosis = diagnose(source, installed=INSTALLED, wanted=["internal", "local", "sandbox"])
    report = with_checks(diagnosis, Runtime(), seconds=5, environ={})
    assert [check.outcome for check in report.checks or ()] == ["skipped"] * 3


def test_a_backend_that_was_named_counts(tmp_path: Path, sandbox: Sandbox) -> None:
    home = protocol(tmp_path, "openai", sandbox.url)
    with (home / "backends.toml").open("a") as file:
        file.write('\n[other]\nenabled = true\nendpoint = "http://127.0.0.1:9/v1"\napi_key = "${KEY}"\n')
    (home / "backends" / "other.toml").write_text('default_sdk = "openai"\n[x]\noutputs = ["text"]\n')
    assert asked(tmp_path, KEY=sandbox.api_key).ok, "nothing needs the other one"
    report = asked(tmp_path, ("other",), KEY=sandbox.api_key)
    assert [facts.name for facts in report.backends] == ["other"]
    assert not report.ok
    with pytest.raises(UnknownBackendError, match='Did you mean "other"'):
        look(tmp_path, ("othr",))


# --- Without asking ---


def test_only_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seed 000: no directory, providers come on by their variables."""
    report = alone(
        tmp_path,
        monkeypatch,
        OPENAI_API_KEY=CANARY,
        AI_BASE_URL="http://localhost:8000/v1",
        AI_API_KEY=CANARY,
        AI_MODELS="local-r1:deepseek-r1-distill-qwen-14b,local-llama:llama-3.1-70b",
        HUGGINGFACE_API_KEY=CANARY,
        HUGGINGFACE_MODEL_PROVIDERS="gpt-oss-120b:sambanova,nosuch:together",
        OPENAI_BASE_URL="https://gateway.example/v1",
    )
    assert report.configuration is not None
    assert "packaged kit" in report.configuration.chosen_by
    assert report.ok
    on = {facts.name for facts in report.backends if facts.state == "on"}
    assert {"openai", "custom", "huggingface", "openai_compatible"} <= on
    assert variable(report, "AI_MODELS").does == ("models of custom: declares 2 models (local-r1, local-llama)",)
    assert variable(report, "AI_BASE_URL").does == ("endpoint of custom",)
    said = variable(report, "HUGGINGFACE_MODEL_PROVIDERS").does[0]
    assert said.endswith("names the provider of 2 models (gpt-oss-120b, nosuch); nothing is known as nosuch")
    assert variable(report, "OPENAI_BASE_URL").does == ("endpoint of openai", "endpoint of openai_compatible")
    assert backend(report, "openai").address == "https://gateway.example"
    assert CANARY not in json.dumps(report.to_dict())


def test_nothing_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = alone(tmp_path, monkeypatch, OPENAI_API_KEY="  ")
    assert not report.ok
    assert report.variables == ()
    text = next(choice for choice in report.choices if choice.name == "for_text")
    assert "OPENAI_API_KEY" in text.advice


def test_where_a_variable_is_set_and_what_gives_way(tmp_path: Path) -> None:
    home = protocol(tmp_path, "openai", "http://127.0.0.1:9")
    backends = home / "backends.toml"
    backends.write_text(backends.read_text().replace("${KEY}", "${FIRST|SECOND}"))
    (tmp_path / ".env").write_text(f"# keys\n\nSECOND={CANARY}\nFIRST={CANARY}1\nPIPELEX_ENV=dev\n")
    (tmp_path / ".env.dev").write_text("export FIRST='your-key-here'\n")
    report = look(tmp_path, SECOND=CANARY).report
    first, second = variable(report, "FIRST"), variable(report, "SECOND")
    assert (first.where, first.length) == (".env.dev:1", len("your-key-here"))
    assert first.does == ("api_key of openai", ".env:4 sets it too, and gives way")
    assert first.remarks == ("looks like a placeholder, not like a key",)
    assert (second.where, second.has_effect) == ("environment", False)
    assert second.does[0] == "api_key of openai: gives way to FIRST"
    needed = backend(report, "openai").ways[0][0]
    assert (needed.name, needed.where, needed.placeholder) == ("FIRST", ".env.dev:1", True)
    assert report.configuration is not None
    assert [(file.file, file.variables) for file in report.configuration.env_files] == [(".env.dev", 1), (".env", 3)]
    assert CANARY not in json.dumps(report.to_dict())


def test_a_directory_that_stands_alone_reads_only_its_own(tmp_path: Path) -> None:
    protocol(tmp_path, "openai", "http://127.0.0.1:9")
    report = look(tmp_path, KEY=CANARY, AI_BASE_URL="http://127.0.0.1:8").report
    found = variable(report, "AI_BASE_URL")
    assert not found.has_effect
    assert "stands alone" in found.does[0]


def test_the_chain_of_directories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / ".pipelex" / "inference"
    home.mkdir(parents=True)
    (home / "backends.toml").write_text('extends = "pipelex_like"\n')
    (home / "routing_profiles.toml").write_text('[environments]\ndev = "hybrid"\n')
    report = alone(tmp_path, monkeypatch, PIPELEX_ENV="dev", OPENAI_API_KEY=CANARY)
    found = report.configuration
    assert found is not None
    assert found.layers == (".pipelex/inference", "pipelex_like/data/inference")
    assert found.chosen_by.startswith("the nearest .pipelex/inference")
    assert (found.profile, found.profile_from) == ("hybrid", "[environments] dev")
    assert variable(report, "PIPELEX_ENV").has_effect


@pytest.mark.parametrize(
    ("endpoint", "name", "said"),
    [
        ("https://x.openai.azure.com", "azure_ai", "azure/<deployment>"),
        ("https://x.inference.ai.azure.com", "azure_openai", "azure_ai/<model>"),
        ("https://x.openai.azure.com", "azure_openai", ""),
        ("https://x.services.ai.azure.com", "azure_ai", ""),
    ],
)
def test_azure_hosts_of_the_other_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, endpoint: str, name: str, said: str
) -> None:
    report = alone(tmp_path, monkeypatch, AZURE_API_KEY=CANARY, AZURE_API_BASE=endpoint)
    remarks = " ".join(backend(report, name).remarks)
    assert said in remarks if said else remarks == ""


def test_variables_that_only_sdks_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_here = {"HTTPS_PROXY": CANARY, "AZURE_OPENAI_API_KEY": CANARY, "AWS_DEFAULT_REGION": "x", "HF_TOKEN": CANARY}
    report = alone(tmp_path, monkeypatch, **set_here)
    assert {found.name for found in report.unread} == {"HTTPS_PROXY", "AZURE_OPENAI_API_KEY", "AWS_DEFAULT_REGION"}
    assert "AZURE_API_KEY" in next(found.instead for found in report.unread if found.name == "AZURE_OPENAI_API_KEY")


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (" abc ", "blanks around"),
        ('"sk-abc"', "quotation"),
        ("sk-a\nb", "line breaks"),
        ("sk-a\x07b", "control"),
        ("sk a", "blanks inside"),
        ("sk-a\u2013b", "letters that no key has"),
        ("changeme", "placeholder"),
        ("sk-...", "placeholder"),
    ],
)
def test_what_looks_wrong_with_a_key(text: str, word: str) -> None:
    assert any(word in remark for remark in remarks_on(text, secret=True))
    assert not any(text.strip() in remark for remark in remarks_on(text, secret=True))


def test_an_ordinary_key_has_no_remarks() -> None:
    assert remarks_on("sk-proj-0a1b2c3d4e5f", secret=True) == ()
    assert remarks_on("local r1:my-model-id", secret=False) == ()


def test_a_broken_directory_is_shown_all_the_same(tmp_path: Path) -> None:
    home = protocol(tmp_path, "openai", "http://127.0.0.1:9")
    (home / "deck" / "broken.toml").write_text("[llm.presets\n")
    (home / "routing_profiles.toml").write_text('active = "own"\n[profiles.own]\ndefault = "opneai"\n')
    report = look(tmp_path, KEY=CANARY).report
    assert not report.ok
    assert report.configuration is not None
    assert not report.configuration.loads
    assert {problem.code for problem in report.problems} >= {"bad-toml", "unknown-backend"}
    assert backend(report, "openai").state == "on"
    assert variable(report, "KEY").has_effect


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    report = diagnose(Source(config_dir=tmp_path / "nowhere", environ={}), installed=INSTALLED).report
    assert not report.ok
    assert report.configuration is None
    assert [problem.code for problem in report.problems] == ["directory-not-found"]
    assert report.extras


def test_a_missing_key_of_an_enabled_backend(tmp_path: Path) -> None:
    protocol(tmp_path, "openai", "http://127.0.0.1:9")
    report = look(tmp_path).report
    assert not report.ok
    found = backend(report, "openai")
    assert found.state == "broken"
    assert [(key.name, key.where) for key in found.ways[0]] == [("KEY", "")]


def test_packages_that_are_missing_or_old() -> None:
    requires = (
        "orjson>=3.10",
        "anthropic>=2.11; extra == 'all'",
        "anthropic>=2.11; extra == 'anthropic'",
        "openai>=3.50; extra == 'openai'",
        "openai>=3.50; extra == 'huggingface'",
        "huggingface-hub>=2.4; extra == 'huggingface'",
    )
    installed = Installed(
        python="3.12.0", version="0.1.0", requires=requires, versions={"openai": "3.9.1", "huggingface-hub": "2.40"}
    )
    users = {"anthropic": ["claude"], "openai": [], "huggingface": []}
    anthropic, openai, huggingface = extras_of(installed, users)
    assert (anthropic.state, anthropic.install) == ("missing", 'pip install "pipelex-like[anthropic]"')
    assert anthropic.backends == ("claude",)
    assert (openai.state, openai.install) == ("too old", 'pip install -U "pipelex-like[openai]"')
    assert [(package.name, package.state) for package in huggingface.packages] == [
        ("openai", "too old"),
        ("huggingface-hub", "ok"),
    ]


def test_without_its_sdk_a_backend_serves_nothing(tmp_path: Path, sandbox: Sandbox) -> None:
    protocol(tmp_path, "openai", sandbox.url)
    bare = Installed(python="3.11.0", version="0.1.0", requires=("openai>=3.50; extra == 'openai'",))
    source = Source(config_dir=tmp_path / ".pipelex", environ={"HOME": str(tmp_path), "KEY": sandbox.api_key})
    diagnosis = diagnose(source, installed=bare)
    assert not diagnosis.report.ok
    assert backend(diagnosis.report, "openai").install == 'pip install "pipelex-like[openai]"'
    assert only(with_checks(diagnosis, Runtime(), seconds=5, environ={})).outcome == "failed"


@pytest.mark.parametrize(
    ("offered", "model_id", "gone"),
    [
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini", False),
        ("gpt-4o-mini", "gpt-4o-mini-2024-07-18", False),
        ("gpt-4o-mini", "gpt-4o", True),
        ("claude-sonnet-4-20250514", "claude-sonnet-4@20250514", False),
        ("mistral-large-2411", "mistral-large-latest", False),
        ("llama3.1:latest", "llama3.1", False),
        ("llama3.1:8b", "llama3.1:70b", True),
        ("llama-3.3-70b", "llama-3.3-8b", True),
        ("deepseek-v3", "deepseek-v4", True),
        ("anthropic.claude-3-haiku-20240307-v1:0", "us.anthropic.claude-3-haiku-20240307-v1:0", False),
        ("openai/gpt-oss-120b", "openai/gpt-oss-120b:sambanova", False),
        ("anything", "arn:aws:bedrock:us-east-1::foundation-model/x", False),
    ],
)
def test_what_counts_as_offered(offered: str, model_id: str, gone: bool) -> None:
    from pipelex_like.deck import ModelSpec

    spec = ModelSpec(handle="own", backend="b", model_id=model_id, sdk="openai", kind="llm")
    assert compared([offered], [spec]).gone == (("own",) if gone else ())
