"""One sandbox for the contract, forgotten between tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipelex_like.sandbox import Sandbox
from pipelex_like.sandbox.faults import FaultTable

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def running() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset()
    running.faults = FaultTable()
    return running
