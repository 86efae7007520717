from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from usage.records import record

from pipelex_like.usage.sinks import Sinks
from pipelex_like.usage.summary import Summary

if TYPE_CHECKING:
    import pytest

    from pipelex_like.types import UsageRecord


class Broken:
    def write(self, record: UsageRecord) -> None:
        raise RuntimeError("sk-secret")

    def flush(self) -> None:
        raise RuntimeError("sk-secret")

    def close(self) -> None:
        raise RuntimeError("sk-secret")


def test_a_sink_that_raises_is_told_of_once_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    summary = Summary()
    sinks = Sinks([Broken(), summary])
    for number in range(3):
        sinks.write(record(number))
    sinks.flush()
    sinks.close()
    assert summary.total.requests == 3
    assert [entry.name for entry in caplog.records] == ["pipelex_like"]
    assert "Broken raised RuntimeError" in caplog.text
    assert "sk-secret" not in caplog.text


def test_imports_stay_light() -> None:
    code = (
        "import sys, pipelex_like.usage.summary, pipelex_like.usage.sinks, pipelex_like.usage.ledger;"
        "print([m for m in ('sqlite3', 'orjson', 'logging', 'pydantic', 'tomlkit', 'asyncio') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
