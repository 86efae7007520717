"""The command line: shapes of --json, exit codes, what goes where."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from acceptance.directory import ENVIRON, write

from pipelex_like.data import SAMPLES

COMMANDS = ["quickstart", "validate", "explain", "models", "backends", "profiles", "text", "object", "extract", "image"]


def run(*arguments: str, cwd: Path, stdin: str | None = None, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelex_like", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        input=stdin,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd), "COLUMNS": "200", **variables},
        timeout=60,
    )


@pytest.mark.parametrize("command", [*COMMANDS, "sandbox", "local pull", "local list", "local remove"])
def test_help_shows_an_example_and_no_colour_off_a_terminal(command: str, tmp_path: Path) -> None:
    done = run(*command.split(), "--help", cwd=tmp_path)
    assert done.returncode == 0
    assert f"Example: pipelex-like {command}" in done.stdout
    assert "\x1b[" not in done.stdout


def test_text_as_json_has_the_promised_record(tmp_path: Path) -> None:
    done = run("text", "Hello", "--profile", "sandbox", "--json", cwd=tmp_path)
    record = json.loads(done.stdout)
    promised = {
        "text",
        "requested",
        "served_by",
        "usage",
        "cost_usd",
        "cost_note",
        "attempts",
        "finish_reason",
        "request_id",
        "duration_ms",
        "simulated",
    }
    assert promised <= set(record)
    assert record["served_by"] == {
        "backend": "sandbox",
        "handle": "sandbox-text",
        "model_id": "sandbox-text",
        "sdk": "openai",
    }
    assert record["simulated"] is True
    assert record["cost_usd"] == 0
    assert [attempt["outcome"] for attempt in record["attempts"]] == ["ok"]
    assert record["usage"]["input_tokens"] > 0


def test_text_streams_the_same_answer(tmp_path: Path) -> None:
    whole = run("text", "Hello", "--profile", "sandbox", cwd=tmp_path)
    streamed = run("text", "Hello", "--profile", "sandbox", "--stream", cwd=tmp_path)
    assert whole.returncode == streamed.returncode == 0
    assert whole.stdout == streamed.stdout
    assert "served by sandbox" in whole.stderr
    assert "served by" not in whole.stdout


def test_a_prompt_from_standard_input(tmp_path: Path) -> None:
    done = run("text", "-", "--profile", "sandbox", cwd=tmp_path, stdin="From a pipe")
    assert "From a pipe" in done.stdout
    assert run("text", "-", "--profile", "sandbox", cwd=tmp_path, stdin="").returncode == 2


def test_object_from_fields_from_a_schema_and_from_a_type(tmp_path: Path) -> None:
    fields = run(
        "object",
        "Name: Ada\nBorn: 1815",
        "--field",
        "name",
        "--field",
        "born:integer",
        "--profile",
        "sandbox",
        cwd=tmp_path,
    )
    assert json.loads(fields.stdout) == {"name": "Ada", "born": 1815}
    (tmp_path / "person.json").write_text(
        json.dumps({"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]})
    )
    schema = run("object", "Name: Ada", "--schema", "person.json", "--profile", "sandbox", "--json", cwd=tmp_path)
    assert json.loads(schema.stdout)["object"] == {"name": "Ada"}
    (tmp_path / "people.py").write_text(
        "from pydantic import BaseModel\n\nclass Person(BaseModel):\n    name: str\n    born: int\n"
    )
    typed = run("object", "Name: Ada\nBorn: 1815", "--type", "people:Person", "--profile", "sandbox", cwd=tmp_path)
    assert json.loads(typed.stdout) == {"name": "Ada", "born": 1815}


@pytest.mark.parametrize(
    "arguments",
    [
        ["object", "x"],
        ["object", "x", "--field", "name:colour"],
        ["object", "x", "--schema", "absent.json"],
        ["object", "x", "--type", "no_such_module:X"],
        ["text", "x", "--set", "temperature"],
        ["text", "x", "--set", "temprature=1"],
        ["text", "x", "--set", "temperature=9"],
        ["text", "x", "--image", "absent.png"],
        ["extract", "absent.pdf"],
        ["extract", str(SAMPLES / "invoice.pdf"), "--pages", "x"],
        ["extract", str(SAMPLES / "invoice.pdf"), "--pages", "3-1"],
        ["extract", str(SAMPLES / "invoice.pdf"), "--images-dir", "/dev/null/x"],
        ["object", "x", "--field", "name", "--field", "name:date"],
        ["image", "x", "--out", "absent/folder/x.png"],
        ["models", "--kind", "audio"],
        ["models", "--backend", "opneai"],
        ["nonsense"],
    ],
)
def test_wrong_usage_is_exit_code_2_and_a_line(arguments: list[str], tmp_path: Path) -> None:
    extra = ["--profile", "sandbox"] if arguments[0] in {"object", "text", "extract", "image"} else []
    done = run(*arguments, *extra, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.strip()
    assert "Traceback" not in done.stderr
    assert not done.stdout


def test_extract_prints_the_text_and_saves_pictures(tmp_path: Path) -> None:
    done = run(
        "extract",
        str(SAMPLES / "invoice.pdf"),
        "--model",
        "extract_text_from_pdf",
        "--json",
        "--images-dir",
        "pics",
        cwd=tmp_path,
    )
    record = json.loads(done.stdout)
    assert record["pages"][0]["number"] == 1
    assert "Invoice number" in record["pages"][0]["text"]
    assert [Path(tmp_path / path).exists() for path in record["pages"][0]["images"]] == [True]
    assert record["usage"]["pages"] == 1


def test_image_never_overwrites(tmp_path: Path) -> None:
    for _ in range(2):
        done = run("image", "a lighthouse", "--profile", "sandbox", "--out", "x.png", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["x-2.png", "x.png"]
    record = json.loads(run("image", "a", "--profile", "sandbox", "--json", "--n", "2", cwd=tmp_path).stdout)
    assert [set(image) for image in record["images"]] == [{"path", "width", "height"}] * 2
    assert record["images"][0]["width"] > 0


def test_image_goes_by_a_picture(tmp_path: Path) -> None:
    run("image", "a lighthouse", "--profile", "sandbox", "--out", "x.png", cwd=tmp_path)
    asked = ["image", "in winter", "--profile", "sandbox", "--image", "x.png", "--out", "y.png", "--json"]
    done = run(*asked, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert any("reference pictures" in line for line in json.loads(done.stdout)["adapted"])
    assert run(*(part.replace("x.png", "absent.png") for part in asked), cwd=tmp_path).returncode == 2


def test_a_failed_call_is_exit_code_1_with_its_record(tmp_path: Path) -> None:
    done = run("text", "Hello", "--model", "gpt-4o-mini", "--json", cwd=tmp_path)
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert error["type"] == "ResolveError"
    assert "OPENAI_API_KEY" in error["message"]
    assert error["attempts"] == []


def test_explain_models_and_backends_as_json(tmp_path: Path) -> None:
    write(tmp_path)
    told = json.loads(run("explain", "preset:think", "--json", cwd=tmp_path, **ENVIRON).stdout)
    assert {"reference", "kind", "profile", "candidates", "steps"} <= set(told)
    assert [c["handle"] for c in told["candidates"]] == ["gpt-5", "gpt-4o-mini", "llama"]
    assert set(told["candidates"][0]) >= {"handle", "backend", "model_id", "sdk", "settings"}
    models = json.loads(run("models", "--json", cwd=tmp_path, **ENVIRON).stdout)
    assert {"handle", "backend", "model_id", "sdk", "kind"} <= set(models[0])
    backends = json.loads(run("backends", "--json", cwd=tmp_path, OTHER_API_KEY="x").stdout)
    states = {backend["name"]: (backend["state"], backend["missing"]) for backend in backends}
    assert states["openai"] == ("broken", ["OPENAI_API_KEY"])
    assert states["other"][0] == states["internal"][0] == "on"
    profiles = json.loads(run("profiles", "--json", cwd=tmp_path, PIPELEX_ENV="dev", **ENVIRON).stdout)
    assert [profile["name"] for profile in profiles if profile["in_force"]] == ["elsewhere"]


def test_explain_of_an_unknown_name_is_exit_code_1(tmp_path: Path) -> None:
    done = run("explain", "gpt-4o-mni", cwd=tmp_path)
    assert done.returncode == 1
    assert "gpt-4o-mini" in done.stdout


def test_validate_is_not_lenient(tmp_path: Path) -> None:
    write(tmp_path)
    assert run("validate", cwd=tmp_path, **ENVIRON).returncode == 0
    done = run("validate", "--json", cwd=tmp_path)
    assert done.returncode == 1
    problems = json.loads(done.stdout)["problems"]
    assert {"severity", "code", "file", "line", "key", "message", "hint"} == set(problems[0])
    assert any("OPENAI_API_KEY" in problem["message"] for problem in problems)


def test_options_reach_the_call(tmp_path: Path) -> None:
    done = run("text", "Hello " * 50, "--profile", "sandbox", "--set", "max_tokens=3", "--json", cwd=tmp_path)
    assert json.loads(done.stdout)["finish_reason"] == "length"
    excluded = run("text", "Hello", "--profile", "sandbox", "--exclude", "sandbox", cwd=tmp_path)
    assert excluded.returncode == 1
    assert "sandbox" in excluded.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_serves_until_it_is_stopped(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "pipelex_like", "sandbox"], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    ) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip().removeprefix("OPENAI_BASE_URL=")
            key = server.stdout.readline().strip().removeprefix("OPENAI_API_KEY=")
            variables = {"OPENAI_BASE_URL": url, "OPENAI_API_KEY": key}
            done = run("text", "Hi", "--model", "openai/gpt-4o-mini", cwd=tmp_path, **variables)
            assert "served by openai" in done.stderr
            server.send_signal(number)
            assert server.wait(timeout=10) == 0
        finally:
            server.kill()


def test_messages_are_shown_as_they_are(tmp_path: Path) -> None:
    assert "--type no_such:x: No module" in run("object", "y", "--type", "no_such:x", cwd=tmp_path).stderr


def test_a_folder_takes_the_picture(tmp_path: Path) -> None:
    (tmp_path / "pics").mkdir()
    done = run("image", "a lighthouse", "--profile", "sandbox", "--out", "pics", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert [path.relative_to(tmp_path) for path in tmp_path.rglob("*.png")] == [Path("pics/image.png")]


@pytest.mark.parametrize("stream", [[], ["--stream"]])
def test_what_a_terminal_cannot_show_is_escaped_and_json_is_whole(stream: list[str], tmp_path: Path) -> None:
    arguments = ["text", "5 \u20ac", "--profile", "sandbox", *stream]
    shown = run(*arguments, cwd=tmp_path, PYTHONIOENCODING="latin-1")
    assert (shown.returncode, "5 \\u20ac" in shown.stdout) == (0, True), shown.stdout + shown.stderr
    record = run(*arguments, "--json", cwd=tmp_path, PYTHONIOENCODING="latin-1")
    assert "5 \u20ac" in json.loads(record.stdout)["text"]


def test_standard_input_that_is_no_text_is_told(tmp_path: Path) -> None:
    for variables in ({"LC_ALL": "C"}, {"PYTHONUTF8": "1"}):
        done = subprocess.run(
            [sys.executable, "-m", "pipelex_like", "text", "-", "--profile", "sandbox"],
            capture_output=True,
            check=False,
            cwd=tmp_path,
            input=b"caf\xe9",
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **variables},
            timeout=60,
        )
        assert (done.returncode, done.stdout) == (2, b"")
        assert b"standard input is no UTF-8 text" in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("arguments", [["models"], ["models", "--json"], ["text", "hi", "--profile", "sandbox"]])
def test_an_answer_that_cannot_be_written_is_told(arguments: list[str], tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pipelex_like", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            timeout=60,
        )
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr


@pytest.mark.parametrize("arguments", [["models", "--all"], ["text", "hi", "--model", "sandbox/fault-long-30000"]])
def test_a_reader_that_leaves_ends_the_command_quietly(arguments: list[str], tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "pipelex_like", *arguments],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        timeout=60,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_the_options_of_the_configuration_may_stand_before_the_command(tmp_path: Path) -> None:
    directory = write(tmp_path / "team")
    before = ["--config-dir", str(directory), "--profile", "elsewhere"]
    told = json.loads(run(*before, "explain", "gpt-4o-mini", "--json", cwd=tmp_path, **ENVIRON).stdout)
    assert (told["profile"], told["candidates"][0]["backend"]) == ("elsewhere", "other")
    own = json.loads(run(*before, "explain", "llama", "--profile", "own", "--json", cwd=tmp_path, **ENVIRON).stdout)
    assert own["profile"] == "own"
    assert run("--config-dir", "absent", "local", "list", cwd=tmp_path).returncode == 1


def test_the_version_is_told(tmp_path: Path) -> None:
    done = run("--version", cwd=tmp_path)
    assert done.stdout == f"pipelex-like {version('pipelex-like')}\n"
    assert done.returncode == 0
