"""A real llama.cpp server on loopback, with a model of random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import xllamacpp
from workers.local.tiny import write_tiny

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "a-key-of-the-server"


@pytest.fixture(scope="module")
def llama_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address, without a path."""
    params = xllamacpp.CommonParams()
    params.model.path = str(write_tiny(tmp_path_factory.mktemp("server") / "tiny.gguf"))
    params.n_ctx = 512
    params.n_parallel = 1
    params.warmup = False
    params.n_gpu_layers = 0
    params.port = 0
    params.hostnames = ["127.0.0.1"]
    params.api_keys = [KEY]
    params.use_jinja = True
    params.verbosity = -1
    server = xllamacpp.Server(params)
    yield server.listening_address
    del server
