"""Pictures through the providers behind Hugging Face's router.

The SDK's helpers write the requests; its client does not send them, since it reads answers without a bound, waits in
them without letting others run, and needs an image library to hand a picture over.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

from pipelex_like.types import ImageReply, Usage
from pipelex_like.workers.bodies import parsed, written
from pipelex_like.workers.connection import open_http, patience, plain_headers, request_id, whole
from pipelex_like.workers.downloads import Downloads
from pipelex_like.workers.huggingface.endpoint import addresses_of
from pipelex_like.workers.huggingface.hints import called_there
from pipelex_like.workers.huggingface.request import DEFAULT, request_of, wanted
from pipelex_like.workers.huggingface.response import address_in, name_there
from pipelex_like.workers.picture_words import mismatch
from pipelex_like.workers.pictured import inside, picture_of
from pipelex_like.workers.pixels import sniffed
from pipelex_like.workers.translate import translating

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2

    from pipelex_like.deck import Candidate
    from pipelex_like.types import ImageJob
    from pipelex_like.workers.base import Access, Limits
    from pipelex_like.workers.huggingface.request import Wanted
    from pipelex_like.workers.translate import Called

_MOST_NAMES = 256
_CARD = "inferenceProviderMapping"


class HuggingFaceImages:
    """Draws with the models of the hub."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._addresses = addresses_of(access.text("endpoint"))
        self._http = open_http(access, self._addresses.router)
        self._downloads = Downloads(access, self._addresses.router)
        self._names: dict[tuple[str, str], str] = {}

    async def draw(self, job: ImageJob, candidate: Candidate, limits: Limits) -> ImageReply:
        """Give the picture. Raises CallError subclasses only."""
        called = called_there(self._access, candidate)
        asked = wanted(job, candidate)
        with translating(called):
            async with asyncio.timeout(limits.timeout):
                return await self._drawn(asked, called, candidate.spec.headers, limits)

    async def _drawn(self, asked: Wanted, called: Called, headers: Mapping[str, object], limits: Limits) -> ImageReply:
        name = await self._name(asked, called, limits)
        request = request_of(asked, name=name, router=self._addresses.router)
        sent = {"Accept": "image/png", **request.headers, **{key: str(value) for key, value in headers.items()}}
        response = await self._send("POST", request.url, limits, headers=sent, content=written(request.body, called))
        raw = await whole(response, limits.max_response_bytes)
        if sniffed(raw) is None:
            address = address_in(parsed(raw, called), called)
            if address.startswith("data:"):
                raw = inside(address, limits.max_response_bytes, called)
            else:
                raw = await self._downloads.fetch(address, limits, called)
        image = picture_of(raw, called)
        return ImageReply(
            images=(image,),
            usage=Usage(images=1),
            provider_request_id=request_id(response),
            adapted=(*asked.adapted, *mismatch((image,), asked.asked)),
        )

    async def _name(self, asked: Wanted, called: Called, limits: Limits) -> str:
        """Give what the provider calls the model: a look at its card, once."""
        if asked.provider == DEFAULT:
            return asked.model
        key = (asked.model, asked.provider)
        name = self._names.get(key)
        if name is None:
            url = f"{self._addresses.hub}/api/models/{quote(asked.model)}?expand={_CARD}"
            response = await self._send("GET", url, limits, headers={})
            card = parsed(await whole(response, limits.max_response_bytes), called)
            name = name_there(card, *key, called)
            if len(self._names) >= _MOST_NAMES:
                self._names.pop(next(iter(self._names)))
            self._names[key] = name
        return name

    async def _send(
        self, method: str, url: str, limits: Limits, *, headers: Mapping[str, str], content: bytes | None = None
    ) -> httpx2.Response:
        access = self._access
        sent = {**plain_headers(access), **headers}
        key = access.text("api_key")
        if key:
            sent.setdefault("Authorization", f"Bearer {key}")
        connect = access.connect_timeout if limits.connect is None else limits.connect
        request = self._http.build_request(method, url, headers=sent, content=content, timeout=patience(connect))
        return await self._http.send(request, stream=True)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._http.aclose()
        await self._downloads.aclose()
