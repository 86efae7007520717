"""`doctor` at the command line: what it prints, exit codes, the shape of its JSON, and never a key."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from acceptance.directory import ENVIRON, FILES, write
from cli.asking import ask as ask

from pipelex_like.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result

    Ask = Callable[..., Result]

CANARY = "sk-canary-0a1b2c3d4e5f6789"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


def at_sandbox(folder: Path, url: str) -> None:
    """One backend at the sandbox, in a directory of its own."""
    home = folder / ".pipelex" / "inference"
    (home / "backends").mkdir(parents=True)
    (home / "deck").mkdir()
    table = f'[mine]\nenabled = true\nendpoint = "{url}/v1"\napi_key = "${{MY_KEY}}"\n'
    (home / "backends.toml").write_text(table)
    (home / "backends" / "mine.toml").write_text('default_sdk = "openai"\n[sandbox-text]\noutputs = ["text"]\n')
    (home / "routing_profiles.toml").write_text('active = "own"\n[profiles.own]\ndefault = "mine"\n')
    (home / "deck" / "deck.toml").write_text('[llm.choice_defaults]\nfor_text = "sandbox-text"\n')


def test_what_is_printed(tmp_path: Path, ask: Ask) -> None:
    write(tmp_path)
    done = ask("doctor", HTTPS_PROXY=CANARY, **ENVIRON)
    assert done.exit_code == 0, done.output
    text = done.stdout
    assert "+ directory: .pipelex/inference (the nearest .pipelex/inference from the working directory upward)" in text
    assert "+ profile: own, chosen by active" in text
    assert "+ openai: on, enabled = true; 3 models (llm, img_gen)" in text
    assert "+ OPENAI_API_KEY (environment, " in text
    assert "- HTTPS_PROXY: no effect here; write proxy" in text
    assert text.endswith('Good: the profile "own" can serve all default choices.\n')
    assert not done.stderr
    assert CANARY not in done.output
    assert not any(value in done.output for value in ENVIRON.values())
    assert all(line == line.rstrip() for line in text.splitlines())


def test_eighty_columns(tmp_path: Path, ask: Ask) -> None:
    done = ask("doctor", COLUMNS="80", OPENAI_API_KEY=CANARY)
    long = [line for line in done.stdout.splitlines() if len(line) > 80]
    assert not long


def test_a_pipe_gets_one_line_for_each_fact(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    done = subprocess.run(
        [sys.executable, "-m", "pipelex_like", "doctor"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    line = next(line for line in done.stdout.splitlines() if line.startswith("- bedrock:"))
    assert line.endswith("AWS_PROFILE or AWS_PROFILE_NAME")
    assert "\x1b" not in done.stdout
    assert not done.stderr


def test_a_terminal_gets_colour(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    environ = {"HOME": str(tmp_path), "PATH": os.environ["PATH"], "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(
        [sys.executable, "-m", "pipelex_like", "doctor"], cwd=tmp_path, env=environ, stdout=slave, stderr=slave
    ) as running:
        os.close(slave)
        told = b""
        while True:
            try:
                piece = os.read(master, 65536)
            except OSError:
                break
            if not piece:
                break
            told += piece
        assert running.wait(60) == 1
    os.close(master)
    assert b"\x1b[32m" in told
    assert "Not good: for_text, for_object, img_gen." in told.decode().replace("\x1b[31m", "").replace("\x1b[0m", "")


def test_live_with_a_good_key(tmp_path: Path, ask: Ask, sandbox: Sandbox) -> None:
    at_sandbox(tmp_path, sandbox.url)
    done = ask("doctor", "--live", MY_KEY=sandbox.api_key)
    assert done.exit_code == 0, done.output
    assert "+ mine: the key is accepted; 2 models offered, 1 without a spec (" in done.stdout
    assert sandbox.api_key not in done.output


def test_live_with_a_wrong_key(tmp_path: Path, ask: Ask, sandbox: Sandbox) -> None:
    at_sandbox(tmp_path, sandbox.url)
    done = ask("doctor", "--live", MY_KEY=CANARY)
    assert done.exit_code == 1
    assert "x mine: the key is refused: The API key is not correct (" in done.stdout
    assert "Check MY_KEY (set in the environment)." in done.stdout
    assert "x for_text: sandbox-text is served by nobody" in done.stdout
    assert done.stdout.endswith("Not good: for_text, for_object.\n")
    assert CANARY not in done.output


def test_the_json_has_its_shape(tmp_path: Path, ask: Ask, sandbox: Sandbox) -> None:
    at_sandbox(tmp_path, sandbox.url)
    done = ask("doctor", "--live", "--json", "--backend", "mine", MY_KEY=sandbox.api_key, HTTPS_PROXY=CANARY)
    record = json.loads(done.stdout)
    assert done.exit_code == 0
    assert CANARY not in done.output
    assert list(record) == [
        *("ok", "python", "version", "extras", "configuration", "variables", "unread", "backends", "choices"),
        *("problems", "checks", "wanted"),
    ]
    assert record["ok"] is True
    assert record["wanted"] == ["mine"]
    assert record["variables"] == [
        {
            "name": "MY_KEY",
            "where": "environment",
            "length": len(sandbox.api_key),
            "does": ["api_key of mine"],
            "has_effect": True,
            "remarks": [],
        }
    ]
    (check,) = record["checks"]
    assert check["seconds"] > 0
    assert {key: check[key] for key in check if key != "seconds"} == {
        "backend": "mine",
        "sdks": ["openai"],
        "outcome": "accepted",
        "message": "the key is accepted",
        "hint": "",
        "offered": 2,
        "unlisted": 1,
        "gone": [],
        "failed": False,
    }
    (text,) = [choice for choice in record["choices"] if choice["slot"] == "for_text"]
    assert text == {
        "kind": "llm",
        "slot": "for_text",
        "reference": "sandbox-text",
        "candidates": [{"handle": "sandbox-text", "backend": "mine", "sdk": "openai", "why_not": ""}],
        "advice": "",
        "good": True,
        "served_by": "mine",
    }


def test_a_broken_directory(tmp_path: Path, ask: Ask) -> None:
    write(tmp_path, {**FILES, "deck/more.toml": "[llm.presets\n"})
    done = ask("doctor", **ENVIRON)
    assert done.exit_code == 1
    assert "[bad-toml]" in done.stdout
    assert "+ openai: on" in done.stdout
    assert done.stdout.endswith("Not good: the configuration does not load.\n")
    assert json.loads(ask("doctor", "--json", **ENVIRON).stdout)["configuration"]["loads"] is False


def test_no_such_directory(ask: Ask) -> None:
    done = ask("doctor", "--config-dir", "nowhere")
    assert done.exit_code == 1
    assert "nowhere: named by config_dir: there is no such folder" in done.stdout
    assert json.loads(ask("doctor", "--config-dir", "nowhere", "--live", "--json").stdout)["checks"] == []


def test_wrong_usage(tmp_path: Path, ask: Ask) -> None:
    write(tmp_path)
    done = ask("doctor", "--backend", "opnai", **ENVIRON)
    assert done.exit_code == 2
    assert 'no backend is named "opnai". Did you mean "openai"?' in done.stderr
    assert ask("doctor", "--timeout", "0").exit_code == 2
    assert ask("doctor", "--timeout", "nan").exit_code == 2


def test_a_hostile_environment(ask: Ask) -> None:
    canaries = {
        "OPENAI_API_KEY": f' "{CANARY}\u2013" ',
        "ANTHROPIC_API_KEY": f"{CANARY}\n{CANARY}",
        "AZURE_API_BASE": f"https://user:{CANARY}@x.openai.azure.com/{CANARY}?key={CANARY}",
        "AZURE_API_KEY": CANARY,
        "AI_BASE_URL": f"http://[{CANARY}",
        "AI_MODELS": f"a\x1b[31m:{CANARY},{CANARY}",
        "OPENAI_BASE_URL": CANARY,
        "FAL_KEY": "k\udcff" + CANARY,
        "HUGGINGFACE_MODEL_PROVIDERS": ":::,,,",
    }
    for arguments in (["doctor"], ["doctor", "--json"]):
        done = ask(*arguments, **canaries)
        assert done.exit_code in (0, 1), done.output
        assert "made a mistake" not in done.output
        assert CANARY not in done.output
        assert "\x1b" not in done.output
        assert "OPENAI_API_KEY" in done.stdout


def test_a_hostile_key_at_a_provider(tmp_path: Path, ask: Ask, sandbox: Sandbox) -> None:
    at_sandbox(tmp_path, sandbox.url)
    for key in (f'"{CANARY}"', f"{CANARY}\u2013", f"{CANARY} {CANARY}", f"{CANARY}\r\nx-evil: yes"):
        sandbox.reset()
        done = ask("doctor", "--live", MY_KEY=key)
        assert done.exit_code == 1, key
        assert "! MY_KEY" in done.stdout
        assert CANARY not in done.output
        assert not any("x-evil" in request.headers for request in sandbox.requests)
