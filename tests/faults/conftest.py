from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faults.bench import CANARY

from pipelex_like.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(api_key=CANARY) as running:
        yield running
