"""What all tests share: the long forms behind --full, and no skip without a reason that is on the list."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from contract import recording
from hypothesis import settings

from pipelex_like.workers.local import weights

if TYPE_CHECKING:
    from collections.abc import Iterator

SKIPS = tuple(entry["reason"] for entry in tomllib.loads((Path(__file__).parent / "skips.toml").read_text())["skip"])

settings.register_profile("short", max_examples=40, deadline=None)
settings.register_profile("full", max_examples=1000, deadline=None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="the long forms: more examples, more rounds")
    parser.addoption("--record", action="store_true", help="write the recorded requests of tests/contract anew")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("full" if config.getoption("--full") else "short")
    recording.recording = bool(config.getoption("--record"))


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether the long forms were asked for."""
    return bool(request.config.getoption("--full"))


@pytest.fixture(scope="session")
def local_weights() -> Path:
    """The file of the small model, fetched once into the user's cache."""
    cache = weights.cache_folder(os.environ, home=Path.home(), platform=sys.platform)
    return weights.pull("smollm2-135m-instruct", cache=cache, progress=lambda _: None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    report = yield
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if not reason.removeprefix("Skipped: ").startswith(SKIPS):
            report.outcome = "failed"
            report.longrepr = f"skipped for a reason that is not in tests/skips.toml: {reason}"
    return report
