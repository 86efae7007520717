from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from workers.local.tiny import write_tiny

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file that loads at once."""
    return write_tiny(tmp_path_factory.mktemp("models") / "tiny.gguf")
