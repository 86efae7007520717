"""Loading: what it costs, what it finds wrong, and what it says."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest
from engine.workbench import KEYS, Stage, load, write

import pipelex_like
from pipelex_like import CallError, ConfigError, CredentialsError, Inference, ModelDeckNotFoundError

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = ("asyncio", "dotenv", "tomlkit", "openai", "httpx", "httpx2", "aiohttp", "typer", "rich", "logging")


def run(code: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_loading_imports_nothing_heavy_and_opens_no_socket(tmp_path: Path) -> None:
    write(tmp_path)
    modules = run(f"""
        import json, socket, sys
        def refuse(*_, **__): raise AssertionError("a socket was opened")
        socket.socket.connect = socket.getaddrinfo = refuse
        from pipelex_like import Inference
        with Inference.load({str(tmp_path / ".pipelex/inference")!r}, environ={KEYS!r}) as ai:
            assert ai.router.resolve("chain").primary.backend == "a"
            assert ai.deck.warnings == ()
        print(json.dumps(sorted(sys.modules)))
    """)
    assert not [name for name in HEAVY if name in modules]


def test_importing_the_package_imports_next_to_nothing() -> None:
    modules = run("""
        import json, sys
        before = set(sys.modules)
        import pipelex_like
        print(json.dumps(sorted(set(sys.modules) - before)))
    """)
    assert set(modules) <= {"pipelex_like", "__future__"}


def test_every_public_name_is_there_and_no_other() -> None:
    assert list(pipelex_like.__all__) == sorted(pipelex_like.__all__)
    for name in pipelex_like.__all__:
        assert getattr(pipelex_like, name) is not None
    assert set(pipelex_like.__all__) <= set(dir(pipelex_like))
    with pytest.raises(AttributeError, match="Infrence"):
        pipelex_like.Infrence  # noqa: B018


def test_problems_of_every_stage_come_together_with_lines(tmp_path: Path) -> None:
    write(
        tmp_path,
        backends="+[d]\nenabeld = true\n",
        deck='+[aliases.more]\nmodel = "a-larg"\n',
        routing='active = "main"\n[profiles.main]\nfallback_order = ["a", "bb", "c"]\n',
    )
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, Stage(), environ={"B_KEY": "b", "C_KEY": "c"})
    told = str(raised.value)
    for said in ("enabeld", 'Did you mean "a-large"', '"bb"', "A_KEY"):
        assert said in told
    errors = [problem for problem in raised.value.problems if problem.severity == "error"]
    assert all(problem.line for problem in errors)
    assert errors == sorted(errors, key=lambda problem: (problem.file, problem.line))


def test_a_directory_without_a_deck(tmp_path: Path) -> None:
    directory = write(tmp_path)
    (directory / "deck/base_deck.toml").unlink()
    with pytest.raises(ModelDeckNotFoundError):
        load(tmp_path, Stage())


def test_a_named_directory_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        Inference.load(tmp_path / "nowhere", environ={})


def test_warnings_are_kept_and_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    write(tmp_path, routing='active = "main"\n[profiles.main]\nfallback_order = ["b", "c"]\n')
    with caplog.at_level(logging.WARNING, "pipelex_like"):
        ai = load(tmp_path, Stage(), environ={"B_KEY": "b", "C_KEY": "c"})
    with ai:
        warnings = [problem for problem in ai.deck.warnings if "A_KEY" in problem.message]
        assert [problem.severity for problem in warnings] == ["warning"]
        assert warnings[0].line
        assert "A_KEY" in caplog.text
        assert ai.backends["a"].state == "broken"


def test_lenient_loads_what_lacks_a_variable(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(ConfigError, match="A_KEY"):
        load(tmp_path, Stage(), environ={}, profile="main").close()
    with (
        load(tmp_path, stage := Stage(), environ={}, lenient=True) as ai,
        pytest.raises(CredentialsError, match="A_KEY"),
    ):
        ai.sync.generate_text("hi", model="a/a-large")
    assert stage.sent == []


def test_secret_files(tmp_path: Path) -> None:
    write(tmp_path, backends='[a]\nenabled = true\napi_key = "${secret:a_key}"\n[b]\n[c]\n')
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "a_key").write_text("from-a-file\n")
    seen: list[str | None] = []

    class Watching(Stage):
        def find(self, kind, sdk, *, backend=""):
            make = super().find(kind, sdk, backend=backend)
            return lambda access: (seen.append(access.text("api_key")), make(access))[1]

    environ = {"PIPELEX_SECRETS_DIR": "secrets"}
    with load(tmp_path, Watching(), environ=environ) as ai:
        ai.sync.generate_text("hi", model="a-large")
        assert "from-a-file" not in repr(ai.backends)
    assert seen == ["from-a-file"]


def test_looking_around(tmp_path: Path) -> None:
    write(tmp_path)
    with load(tmp_path, Stage()) as ai:
        assert list(ai.backends) == ["a", "b", "c"]
        assert set(ai.profiles) == {"main", "second"}
        assert (ai.profile.name, ai.profile_from) == ("main", "active")
        assert ai.place.directory == tmp_path / ".pipelex/inference"
        assert "a-large" in ai.specs["a"]
        assert ("llm", "calm") in ai.deck.presets
        route = ai.router.resolve("preset:calm")
        assert [candidate.backend for candidate in route.candidates] == ["a", "b", "c"]
        told = ai.router.explain("preset:calm")
        assert "base_deck.toml:" in str(told)
        assert json.loads(json.dumps(told.to_dict()))["candidates"][0]["handle"] == "a-large"


def test_a_relative_path_in_toml_starts_at_the_project_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = tmp_path / "project" / ".pipelex" / "inference"
    (directory / "backends").mkdir(parents=True)
    (directory / "backends.toml").write_text(
        'extends = "pipelex_like"\n[mine]\nenabled = true\nmodel_path = "models/absent.gguf"\n'
    )
    (directory / "backends" / "mine.toml").write_text('default_sdk = "local"\n[small]\noutputs = ["text"]\n')
    monkeypatch.chdir(tmp_path)
    with Inference.load(directory, environ={"HOME": str(tmp_path)}) as ai, pytest.raises(CallError) as raised:
        ai.sync.generate_text("Hello", model="mine/small")
    assert str(tmp_path / "project" / "models" / "absent.gguf") in str(raised.value)
