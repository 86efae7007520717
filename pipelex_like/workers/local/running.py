"""Models that run in this process, shared by all who ask for the same file with the same settings.

This is the one process-wide object of the package: a model takes hundreds of megabytes, and two engines of one
process must not load it twice.
"""

from __future__ import annotations

import ctypes
import http.client
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, Protocol
from urllib.parse import urlsplit

import orjson
import xllamacpp

from pipelex_like.errors import CapabilityError
from pipelex_like.types import is_list, is_table

GGUF_MAGIC = b"GGUF"
_LLAMA: Any = xllamacpp  # a compiled module without types


class _Server(Protocol):
    @property
    def listening_address(self) -> str: ...


@dataclass(frozen=True, slots=True)
class ModelKey:
    """What makes two running models the same: the file, and the tokens of context it is given."""

    path: Path
    context: int


@dataclass(frozen=True, slots=True)
class Address:
    """Where a running model listens, on the loopback only, and the random key it wants."""

    url: str
    api_key: str = field(repr=False)


class Running:
    """A model that loads when its address is first asked for, and ends with its last user."""

    def __init__(self, key: ModelKey) -> None:
        self.key = key
        self.users = 0
        self._lock = Lock()
        self._server: _Server | None = None
        self._address: Address | None = None
        self._closed = False

    def address(self) -> Address:
        """Give the address, loading the model first if need be: this blocks for seconds. Raises CapabilityError."""
        with self._lock:
            if self._closed:
                raise CapabilityError(
                    f"the model {self.key.path.name} was closed while it was being loaded; call again"
                )
            if self._address is None:
                self._server, self._address = _start(self.key)
            return self._address

    def close(self) -> None:
        """End the model, after a load in progress: its port and memory are free when this returns."""
        with self._lock:
            self._closed = True
            self._address = None
            self._server = None  # the last reference: the server stops here

    def abandon(self) -> None:
        """In a forked child: the threads are the parent's, and to end the server would wait for them forever."""
        if self._server is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(self._server))


class RunningModels:
    """The table: who uses which model."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._table: dict[ModelKey, Running] = {}
        self._used = False
        self._orphaned = False

    def __len__(self) -> int:
        return len(self._table)

    def take(self, key: ModelKey) -> Running:
        """Count one more user of that model. Instant: nothing is loaded yet.

        Raises CapabilityError in a process that was forked from one that had used a model.
        """
        if self._orphaned:
            raise CapabilityError(
                "llama.cpp cannot run in a process that was forked after a model had been loaded; start processes "
                'with the method "spawn", or fork before the first call'
            )
        with self._lock:
            self._used = True
            running = self._table.setdefault(key, Running(key))
            running.users += 1
            return running

    def give_back(self, running: Running) -> None:
        """Count one user less, and end the model with its last; this may block for a moment."""
        with self._lock:
            running.users -= 1
            last = running.users == 0
            if last and self._table.get(running.key) is running:
                del self._table[running.key]
        if last:
            running.close()

    def start_anew(self) -> None:
        """Forget everything, after a fork: llama.cpp's own threads, which it cannot do without, stayed behind."""
        self._orphaned = self._used
        for running in self._table.values():
            running.abandon()
        self._lock = Lock()
        self._table = {}


MODELS = RunningModels()
"""The running models of this process."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=MODELS.start_anew)


def check_file(path: Path) -> None:
    """Raise CapabilityError unless `path` is a file that begins like a GGUF model."""
    if not path.is_file():
        raise CapabilityError(f"model_path: there is no file {path}; give the path of a GGUF file")
    try:
        with path.open("rb") as file:
            magic = file.read(len(GGUF_MAGIC))
    except OSError as error:
        raise CapabilityError(f"model_path: {path} cannot be read ({error.strerror})") from error
    if magic != GGUF_MAGIC:
        raise CapabilityError(f"model_path: {path} is not a GGUF file; llama.cpp reads no other format")


def _start(key: ModelKey) -> tuple[_Server, Address]:
    check_file(key.path)
    api_key = secrets.token_urlsafe(24)
    try:
        server: _Server = _LLAMA.Server(_params(key, api_key))
    except RuntimeError as error:
        raise CapabilityError(
            f"llama.cpp cannot load {key.path} with a context of {key.context} tokens: the file may be damaged or of "
            "a kind it does not know, or memory may be short; try a smaller context_size"
        ) from error
    address = Address(server.listening_address, api_key)
    # A server that is dropped before it has answered once may hang for good; so it always answers once.
    _get(address, "/health")
    trained = _trained_context(_get(address, "/v1/models"))
    if trained and key.context > trained:
        del server
        raise CapabilityError(
            f"{key.path.name} was trained for {trained} tokens of context, not {key.context}; "
            f"set context_size = {trained} or less"
        )
    return server, address


def _params(key: ModelKey, api_key: str) -> Any:
    params = _LLAMA.CommonParams()
    params.model.path = str(key.path)
    params.n_ctx = key.context
    params.n_parallel = 1  # the context is divided among slots; calls wait for their turn
    params.n_gpu_layers = 0
    # Its threads wait for each other in busy loops: with all cores taken, any other work makes it ten times slower.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = max(1, (os.cpu_count() or 1) // 2)
    params.warmup = False
    params.use_jinja = True
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [api_key]
    params.verbosity = -1
    return params


def _get(address: Address, path: str) -> bytes:
    connection = http.client.HTTPConnection(urlsplit(address.url).netloc, timeout=60)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {address.api_key}"})
        return connection.getresponse().read()
    except OSError as error:
        raise CapabilityError(f"the local model does not answer on {address.url} ({error})") from error
    finally:
        connection.close()


def _trained_context(body: bytes) -> int | None:
    """Read the context the model was trained for from llama.cpp's list of models, None where it does not tell."""
    try:
        models: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    data = models.get("data") if is_table(models) else None
    first = data[0] if is_list(data) and data else None
    meta = first.get("meta") if is_table(first) else None
    trained = meta.get("n_ctx_train") if is_table(meta) else None
    return trained if isinstance(trained, int) else None
