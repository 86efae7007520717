from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from workers.upstream import Upstream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as server:
        yield server
