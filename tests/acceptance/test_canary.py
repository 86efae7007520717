"""A secret placed in any variable appears in no output of any command, repr, exception or log."""

from __future__ import annotations

import copy
import logging
import os
import pickle
import re
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from pipelex_like import Inference, PipelexLikeError
from pipelex_like.data import KIT, SAMPLES
from pipelex_like.sandbox import Sandbox

CANARY = "canary7f3a"
VARIABLE = re.compile(r"\$\{([A-Z0-9_|]+)")
# Shown on purpose: a region, a version, a project, where a key file is, and the bare host of an address.
SHOWN = {
    *("AWS_REGION", "AWS_REGION_NAME", "OPENAI_BASE_URL", "OPENAI_API_BASE", "AZURE_API_VERSION"),
    *("GCP_PROJECT_ID", "VERTEXAI_PROJECT", "GCP_LOCATION", "VERTEXAI_LOCATION"),
    *("GCP_CREDENTIALS_FILE_PATH", "GOOGLE_APPLICATION_CREDENTIALS"),
}
# What holds something else there is found when it is loaded.
ADDRESSES = ("_BASE", "_URL")
OURS = {"PIPELEX_LIKE_CACHE_DIR", "XDG_CACHE_HOME", "LOCALAPPDATA"}


def kit_variables() -> set[str]:
    texts = [path.read_text(encoding="utf-8") for path in KIT.rglob("*.toml")]
    return {name for text in texts for names in VARIABLE.findall(text) for name in names.split("|")}


def environ(home: Path, address: str) -> dict[str, str]:
    values = {name: f"{CANARY}-{name.lower()}" for name in kit_variables() - SHOWN - OURS}
    values |= {name: f"http://127.0.0.1:9/{CANARY}-path/v1" for name in values if name.endswith(ADDRESSES)}
    values |= {name: "x:y" for name in ("AI_MODELS", "HUGGINGFACE_MODEL_PROVIDERS") if name in values}
    values["OPENAI_BASE_URL"] = f"{address}/{CANARY}-path/v1"
    return {**values, "HOME": str(home), "PATH": os.environ["PATH"]}


COMMANDS = {
    "validate": ["validate"],
    "validate json": ["validate", "--json"],
    "explain": ["explain", "preset:llm_to_extract_invoice"],
    "explain json": ["explain", "smart_llm", "--json"],
    "explain an unknown name": ["explain", "no-such-model"],
    "models": ["models", "--all"],
    "models json": ["models", "--all", "--json"],
    "backends": ["backends"],
    "backends json": ["backends", "--json"],
    "profiles": ["profiles"],
    "profiles json": ["profiles", "--json"],
    "text": ["text", "hello", "--model", "gpt-4o-mini"],
    "text json": ["text", "hello", "--model", "gpt-4o-mini", "--json"],
    "text stream": ["text", "hello", "--model", "gpt-4o-mini", "--stream"],
    "object": ["object", "Ada", "--field", "name", "--model", "gpt-4o-mini"],
    "extract": ["extract", str(SAMPLES / "invoice.pdf"), "--model", "extract_text_from_pdf", "--json"],
    "image": ["image", "a lighthouse", "--model", "gpt-image-1"],
    "local list": ["local", "list"],
    "a broken env file": ["text", "hello", "--env-file", "broken.env"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_no_command_prints_it(tmp_path: Path, name: str) -> None:
    (tmp_path / "broken.env").write_text(f"OPENAI_API_KEY={CANARY}-in-file\n\xff\n", encoding="latin-1")
    with Sandbox(api_key="another key") as refusing:
        done = subprocess.run(
            [sys.executable, "-m", "pipelex_like", *COMMANDS[name]],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=environ(tmp_path, refusing.url),
            timeout=60,
        )
    assert done.stdout or done.stderr
    assert CANARY not in done.stdout + done.stderr
    assert "made a mistake" not in done.stderr, done.stderr


def test_no_repr_exception_log_or_pickle_holds_it(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told: list[str] = []
    with Sandbox(api_key="another key") as refusing:
        # The SDK's own HTTP library logs the address of each request: that a path may be secret, it cannot know.
        values = environ(tmp_path, refusing.url) | {"OPENAI_BASE_URL": f"{refusing.url}/v1"}
        with Inference.load(KIT, environ=values) as ai:
            told += [repr(ai), repr(ai.deck), repr(dict(ai.backends)), repr(ai.profiles), repr(ai.router)]
            told += [str(ai.router.explain(reference)) for reference in ("smart_llm", "preset:gen_image_basic")]
            told.append(repr(pickle.dumps(ai.router.resolve("gpt-4o-mini"))))
            for model in ("gpt-4o-mini", "smart_llm", "openai/no-such-model", "gpt-4o"):
                with pytest.raises(PipelexLikeError) as raised:
                    ai.sync.generate_text("hello", model=model)
                told += ["".join(traceback.format_exception(raised.value)), repr(copy.deepcopy(raised.value))]
            with pytest.raises(PipelexLikeError) as raised, ai.sync.stream_text("hello", model="gpt-4o-mini") as stream:
                list(stream)
            told.append("".join(traceback.format_exception(raised.value)))
    told.append(caplog.text)
    assert all(told[:5])
    assert not [text for text in told if CANARY in text]


def test_a_secret_written_into_a_file_is_not_shown_either(tmp_path: Path) -> None:
    directory = tmp_path / ".pipelex" / "inference"
    directory.mkdir(parents=True)
    (directory / "backends.toml").write_text(
        f'extends = "pipelex_like"\n[openai]\napi_key = "{CANARY}-literal"\n'
        f'headers = {{ x-token = "{CANARY}-header" }}\n'
    )
    with Inference.load(directory, environ={"HOME": str(tmp_path)}) as ai:
        warnings = [warning for warning in ai.deck.warnings if warning.code == "secret-in-file"]
        assert warnings
        assert warnings[0].line == 3
        told = repr(ai.backends) + repr(ai.deck) + str(ai.router.explain("gpt-4o-mini")) + str(ai.deck.warnings)
    assert CANARY not in told
