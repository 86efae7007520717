from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from openai import AsyncOpenAI

from pipelex_like.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(api_key=sandbox.api_key, base_url=f"{sandbox.url}/v1", max_retries=0, timeout=10) as running:
        yield running
