"""Loading what is broken at the edges: one cause is told once, and nothing but a ConfigError comes out."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from engine.workbench import KEYS, write

from pipelex_like import ConfigError, Inference, ModelDeckNotFoundError, ResolveError

if TYPE_CHECKING:
    from pathlib import Path


def told(root: Path, environ: dict[str, str] = KEYS) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        Inference.load(root / ".pipelex/inference", environ=environ)
    assert not isinstance(raised.value, ModelDeckNotFoundError)
    return [str(problem) for problem in raised.value.problems]


@pytest.mark.parametrize("routes", ["", '[profiles.main.routes]\n"x-*" = "b"\n'])
def test_backends_that_cannot_be_read_are_not_missed_a_second_time(tmp_path: Path, routes: str) -> None:
    routing = f'active = "main"\n[profiles.main]\ndefault = "a"\n{routes}'
    write(tmp_path, backends="+[a\n", routing=routing)
    (problem,) = told(tmp_path)
    assert "backends.toml:12" in problem


def test_what_was_to_be_inherited_is_not_missed_a_second_time(tmp_path: Path) -> None:
    directory = write(
        tmp_path, backends='extends = "../teem"\n', routing='active = "main"\n[profiles.main]\ndefault = "a"\n'
    )
    (directory / "deck/base_deck.toml").unlink()
    (problem,) = told(tmp_path)
    assert "../teem" in problem


def test_a_deck_folder_that_cannot_be_read_is_told_once(tmp_path: Path) -> None:
    directory = write(tmp_path)
    (directory / "deck/base_deck.toml").unlink()
    (directory / "deck").rmdir()
    (directory / "deck").symlink_to("deck")
    (problem,) = told(tmp_path)
    assert "loop" in problem


def test_a_folder_of_spec_files_that_cannot_be_read_is_told_once(tmp_path: Path) -> None:
    directory = write(tmp_path)
    for file in (directory / "backends").iterdir():
        file.unlink()
    (directory / "backends").rmdir()
    (directory / "backends").write_text("")
    (problem,) = told(tmp_path)
    assert "a file stands where a folder is expected" in problem


def test_variables_of_a_file_that_cannot_be_read_are_not_missed_a_second_time(tmp_path: Path) -> None:
    write(tmp_path, routing='active = "main"\n[profiles.main]\ndefault = "a"\n')
    (tmp_path / ".env").write_bytes(b"A_KEY=\xff\n")
    (problem,) = told(tmp_path, {})
    assert problem.startswith(".env:1: the file is not UTF-8")


def test_a_working_directory_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    try:
        with pytest.raises(ConfigError, match="working directory"):
            Inference.load(environ={})
    finally:
        os.chdir(tmp_path)


def test_the_tilde_of_a_named_variable_file_is_the_home_folder(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / "home").mkdir()
    (tmp_path / "home/keys.env").write_text("A_KEY=1\nB_KEY=2\nC_KEY=3\n")
    home = {"HOME": str(tmp_path / "home")}
    with Inference.load(tmp_path / ".pipelex/inference", environ=home, env_file="~/keys.env") as ai:
        assert ai.backends["a"].state == "on"


@pytest.mark.parametrize("folder", ["a\0b", "~nobody/x", "nowhere", "file"])
def test_a_folder_of_secrets_that_is_none_is_told(tmp_path: Path, folder: str) -> None:
    write(tmp_path, backends='[a]\napi_key = "${secret:a_key}"\n[b]\n[c]\n')
    (tmp_path / "file").write_text("")
    problems = told(tmp_path, {"PIPELEX_SECRETS_DIR": folder})
    assert any(problem.startswith("PIPELEX_SECRETS_DIR: there is no such folder") for problem in problems)


def test_without_a_folder_of_secrets_the_variable_to_set_is_named(tmp_path: Path) -> None:
    write(tmp_path, backends='[a]\napi_key = "${secret:a_key}"\n[b]\n[c]\n')
    (problem,) = told(tmp_path, {})
    assert "secret:a_key is not set" in problem
    assert "PIPELEX_SECRETS_DIR" in problem


def test_a_secret_that_cannot_be_read_is_told_with_the_reason(tmp_path: Path) -> None:
    write(tmp_path, backends='[a]\napi_key = "${secret:a_key}"\n[b]\napi_key = "${secret:pipe}"\n[c]\n')
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "a_key").write_bytes(b"\xff\xfe")
    os.mkfifo(secrets / "pipe")
    problems = told(tmp_path, {"PIPELEX_SECRETS_DIR": "secrets"})
    assert any(problem.startswith("secrets/a_key:1: the file is not UTF-8") for problem in problems)
    assert any(problem.startswith("secrets/pipe: this is no ordinary file") for problem in problems)


def test_the_tilde_of_the_folder_of_secrets_is_the_home_folder(tmp_path: Path) -> None:
    write(tmp_path, backends='[a]\napi_key = "${secret:a_key}"\n[b]\n[c]\n')
    (tmp_path / "home/secrets").mkdir(parents=True)
    (tmp_path / "home/secrets/a_key").write_text("\ufeffkey\n")
    environ = {"PIPELEX_SECRETS_DIR": "~/secrets", "HOME": str(tmp_path / "home")}
    with Inference.load(tmp_path / ".pipelex/inference", environ=environ) as ai:
        assert ai.backends["a"].text("api_key") == "key"


@pytest.mark.parametrize(
    ("far", "near"),
    [
        ('[waterfalls]\nx = ["a-large", "b-large"]\n', '[aliases]\nx = "c-large"\n'),
        ('[llm.aliases]\nx = "a-large"\n', '[llm.waterfalls]\nx = ["c-large"]\n'),
    ],
)
def test_a_later_file_replaces_a_chain_by_an_alias_and_an_alias_by_a_chain(tmp_path: Path, far: str, near: str) -> None:
    directory = write(tmp_path, deck=f"+{far}")
    (directory / "deck/overrides.toml").write_text(near)
    with Inference.load(directory, environ=KEYS) as ai:
        assert [candidate.backend for candidate in ai.router.resolve("x").candidates] == ["c"]


def test_the_file_that_switched_a_backend_off_is_named(tmp_path: Path) -> None:
    directory = write(tmp_path, routing="")
    (directory / "backends.dev.toml").write_text("[a]\nenabled = false\n")
    with (
        Inference.load(directory, environ={**KEYS, "PIPELEX_ENV": "dev"}) as ai,
        pytest.raises(ResolveError, match=r'enabled = true for "a" in \.pipelex/inference/backends\.dev\.toml'),
    ):
        ai.router.resolve("a-large")
