"""The key `ca_file`: from backends.toml to a call over https."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from engine.workbench import write

from pipelex_like import CallError, CapabilityError, ConfigError, Inference, UnreachableError
from pipelex_like.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BACKENDS = """
[a]
enabled = true
endpoint = "${A_URL}"
api_key = "${A_KEY}"
max_retries = 0
"""


@pytest.fixture(scope="module")
def secure() -> Iterator[Sandbox]:
    with Sandbox(tls=True) as running:
        yield running


def load(root: Path, sandbox: Sandbox, line: str, **environ: str) -> Inference:
    write(root, backends=BACKENDS + line + "\n", routing='active = "p"\n[profiles.p]\ndefault = "a"\n')
    shutil.rmtree(root / ".pipelex/inference/deck")
    (root / ".pipelex/inference/deck").mkdir()
    (root / ".pipelex/inference/deck/deck.toml").write_text('[llm.choice_defaults]\nfor_text = "a-large"\n')
    for name in ("b", "c"):
        (root / f".pipelex/inference/backends/{name}.toml").unlink()
    values = {"HOME": str(root / "home"), "A_URL": f"{sandbox.url}/v1", "A_KEY": sandbox.api_key, **environ}
    return Inference.load(root / ".pipelex/inference", environ=values)


def the_error(inference: Inference) -> CallError:
    with inference, pytest.raises(CallError) as caught:
        inference.sync.generate_text("Hello")
    return caught.value


def test_a_file_in_the_project_opens_the_way(tmp_path: Path, secure: Sandbox) -> None:
    (tmp_path / "certs").mkdir()
    shutil.copy(secure.ca_file, tmp_path / "certs" / "own.pem")
    with load(tmp_path, secure, 'ca_file = "certs/own.pem"') as inference:
        assert inference.sync.generate_text("Hello").text.startswith("Simulated answer")


def test_a_variable_may_name_it(tmp_path: Path, secure: Sandbox) -> None:
    with load(tmp_path, secure, 'ca_file = "${OWN_CA}"', OWN_CA=str(secure.ca_file)) as inference:
        assert inference.sync.generate_text("Hello").text


def test_without_it_the_server_is_not_trusted(tmp_path: Path, secure: Sandbox) -> None:
    error = the_error(load(tmp_path, secure, ""))
    assert isinstance(error, UnreachableError)


@pytest.mark.parametrize(
    ("content", "why"), [(None, "No such file"), ("no certificate", "no certificate in PEM form"), ("", "PEM form")]
)
def test_a_file_that_is_no_use_is_named(tmp_path: Path, secure: Sandbox, content: str | None, why: str) -> None:
    path = tmp_path / "own.pem"
    if content is not None:
        path.write_text(content)
    error = the_error(load(tmp_path, secure, 'ca_file = "${OWN_CA}"', OWN_CA="own.pem"))
    assert isinstance(error, CapabilityError)
    assert f'backend "a": its `ca_file` {path} cannot be used: ' in str(error)
    assert why in str(error)
    assert "[a] in backends.toml" in str(error)


@pytest.mark.parametrize("line", ["ca_file = 3", 'ca_file = ""', 'ca_file = "${OWN_CA"'])
def test_a_wrong_value_is_a_problem_of_the_configuration(tmp_path: Path, secure: Sandbox, line: str) -> None:
    with pytest.raises(ConfigError, match=r"a\.ca_file"):
        load(tmp_path, secure, line)


def test_a_variable_that_is_not_set_is_told(tmp_path: Path, secure: Sandbox) -> None:
    with pytest.raises(ConfigError, match="OWN_CA is not set"):
        load(tmp_path, secure, 'ca_file = "${OWN_CA}"')
