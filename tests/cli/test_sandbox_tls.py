"""`pipelex-like sandbox --tls`: what it tells is enough to call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("as_json", [False, True])
def test_a_call_with_what_it_tells_arrives(tmp_path: Path, as_json: bool) -> None:
    command = [sys.executable, "-m", "pipelex_like"]
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "home")}
    with subprocess.Popen(
        [*command, "sandbox", "--tls", *(["--json"] if as_json else [])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environ,
    ) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        if as_json:
            told = json.loads("".join(server.stdout.readline() for _ in range(5)))
            url, key, ca_file = told["base_url"], told["api_key"], told["ca_file"]
        else:
            url, key, ca_file = (server.stdout.readline().strip().partition("=")[2] for _ in range(3))
            assert "backends.toml" in server.stderr.readline()
            assert server.stderr.readline().strip() == f'ca_file = "{ca_file}"'
        assert url.startswith("https://127.0.0.1:")
        folder = tmp_path / ".pipelex" / "inference"
        folder.mkdir(parents=True)
        (folder / "backends.toml").write_text(
            f'extends = "pipelex_like"\n[openai]\nendpoint = "{url}"\nca_file = "{ca_file}"\n'
        )
        done = subprocess.run(
            [*command, "text", "Hi", "--model", "openai/gpt-4o-mini"],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env={**environ, "OPENAI_API_KEY": key},
        )
        assert done.stdout.startswith("Simulated answer"), done.stderr
        server.terminate()
        assert server.wait(timeout=10) == 0
    assert not Path(ca_file).parent.exists()
