"""The quickstart as a newcomer runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from pipelex_like import Inference
from pipelex_like.cli.plan import plan_picture
from pipelex_like.data import KIT
from pipelex_like.sandbox import Sandbox


def run(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipelex_like", "quickstart", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **variables},
        timeout=180,
    )


# What stands on the sample invoice.
INVOICE = {
    "invoice_number": "HL-2026-0417",
    "vendor": "Harbour Lantern Studio Ltd",
    "customer": "Fernhill Community Museum",
    "date": "2026-04-17",
    "total_due": "3486.00",
    "currency": "EUR",
}


def test_without_a_key_the_local_model_fills_every_field_right(tmp_path: Path, local_weights: Path) -> None:
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    filled = dict(
        line.strip().split(" = ", 1) for line in done.stdout.splitlines() if line.startswith("    ") and " = " in line
    )
    assert Decimal(filled.pop("total_due")) == Decimal(INVOICE["total_due"])
    assert filled == {name: value for name, value in INVOICE.items() if name != "total_due"}
    assert "served by local: smollm2-135m-instruct" in done.stdout
    assert "served by sandbox: sandbox-image" in done.stdout
    assert "simulated" in done.stdout
    assert (tmp_path / "quickstart.png").read_bytes().startswith(b"\x89PNG")
    assert done.stdout.count("decided: ") >= 3
    assert "OPENAI_API_KEY" in done.stdout


def test_with_a_key_the_provider_is_used(tmp_path: Path) -> None:
    with Sandbox() as provider:
        done = run(tmp_path, OPENAI_API_KEY=provider.api_key, OPENAI_BASE_URL=f"{provider.url}/v1")
        models = [request.body["model"] for request in provider.requests if isinstance(request.body, dict)]
    assert done.returncode == 0, done.stdout + done.stderr
    assert "served by openai" in done.stdout
    assert "served by sandbox" not in done.stdout
    assert len(models) == 2


def test_where_the_weights_cannot_be_fetched_it_goes_on_with_the_sandbox(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        PIPELEX_LIKE_CACHE_DIR=str(tmp_path / "cache"),
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
        PIP_EXTRA_INDEX_URL="",
        PIP_FIND_LINKS="",
        PIP_CONFIG_FILE=os.devnull,
        PIP_RETRIES="0",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cannot be fetched" in done.stdout
    assert "served by sandbox: sandbox-text, simulated" in done.stdout


def test_a_key_without_its_sdk_is_told_as_that(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    for module in ("images", "client"):
        monkeypatch.delitem(sys.modules, f"pipelex_like.workers.openai.{module}", raising=False)
    with Inference.load(KIT, environ={"OPENAI_API_KEY": "key-of-a-test"}) as ai:
        plan = plan_picture(ai, "preset:gen_image_basic")
    assert plan.profile == "sandbox"
    assert plan.why.startswith('backend "openai" needs: pip install "pipelex-like[openai]"')
    with Inference.load(KIT, environ={}) as ai:
        assert plan_picture(ai, "preset:gen_image_basic").why.startswith("no key")


def test_a_picture_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    done = run(tmp_path, "--profile", "sandbox", "--out", "absent/x.png")
    assert done.returncode == 1
    assert "absent/x.png cannot be written (No such file or directory): choose another place" in done.stderr
    assert "With a key of your own" in done.stdout
