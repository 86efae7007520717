"""A way to one provider for one question, through the HTTP client of calls: with its proxy, its `ca_file`, the
backend's headers, and nothing of the environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import orjson

from pipelex_like.types import is_list, is_table
from pipelex_like.workers.connection import open_http, patience, plain_headers, whole
from pipelex_like.workers.translate import unfit, unreadable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import httpx2

    from pipelex_like.workers.base import Access
    from pipelex_like.workers.translate import Called

MOST_BYTES = 32 * 1024 * 1024
MOST_PAGES = 20
PAGE = "1000"
_SOMEBODY_ELSE = "Check `endpoint` of the backend: something else may answer there."
KeyState = Literal["accepted", "none", "not looked at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the provider said. `ids` are the models that it offers, None where it has no list that could be compared;
    `key`: whether it looked at the key; `note` adds what was asked where that is no list of models."""

    key: KeyState
    ids: frozenset[str] | None = None
    note: str = ""


@dataclass(slots=True, kw_only=True)
class Line:
    """A way to one provider, for one check. `models` are model ids of the backend, some of which a question needs;
    `catalogue` says that they are those of Azure's model catalogue."""

    access: Access
    called: Called
    url: str
    models: Sequence[str] = ()
    catalogue: bool = False
    _http: httpx2.AsyncClient | None = field(default=None, repr=False)

    async def get(
        self, url: str, headers: Mapping[str, str] | None = None, query: Mapping[str, str] | None = None
    ) -> dict[str, object]:
        """Ask, and give the JSON table that comes. Raises HttpRefusal for a status that is no success."""
        return await self.ask("GET", url, headers or {}, query=query)

    async def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        content: bytes | None = None,
        query: Mapping[str, str] | None = None,
    ) -> dict[str, object]:
        """Ask by any method."""
        self._http = self._http or open_http(self.access, self.url)
        own = {name.lower(): value for name, value in plain_headers(self.access).items()}
        if content is None:
            own.pop("content-type", None)
        request = self._http.build_request(
            method,
            url,
            params=query,
            content=content,
            headers={**{name.lower(): value for name, value in headers.items()}, **own},
            timeout=patience(self.access.connect_timeout),
        )
        body = await whole(await self._http.send(request, stream=True), MOST_BYTES)
        try:
            value: object = orjson.loads(body)
        except orjson.JSONDecodeError as error:
            raise unreadable(self.called, body) from error
        return value if is_table(value) else {"data": value}

    async def aclose(self) -> None:
        """Close all connections."""
        if self._http is not None:
            await self._http.aclose()

    @property
    def key(self) -> str:
        """The backend's key, or an empty text."""
        return self.access.text("api_key") or ""

    @property
    def bearer(self) -> dict[str, str]:
        """The header that most take the key in."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


def names_in(line: Line, answer: Mapping[str, object], table: str, key: str) -> list[str]:
    """Give what the rows of an answer have under a key. Raises InvalidResponseError where there are no rows."""
    rows = answer.get(table)
    if not is_list(rows):
        raise unfit(line.called, "the answer is no list of models", _SOMEBODY_ELSE)
    names = (row.get(key) for row in rows if is_table(row))
    return [name for name in names if isinstance(name, str)]


def ids_in(line: Line, answer: Mapping[str, object]) -> frozenset[str]:
    """Give the ids of a list as OpenAI writes it. Raises InvalidResponseError for an answer that is none."""
    return frozenset(names_in(line, answer, "data", "id"))


async def paged(
    line: Line, url: str, headers: Mapping[str, str], *, names: tuple[str, str, str, str]
) -> frozenset[str]:
    """Follow pages; `names` are those of the size, the page asked for, the next one, and the rows."""
    size, asked, after, rows = names
    found: set[str] = set()
    query = {size: PAGE}
    for _ in range(MOST_PAGES):
        answer = await line.get(url, headers, query)
        found.update(names_in(line, answer, rows, "name"))
        page = answer.get(after)
        if not isinstance(page, str) or not page:
            break
        query = {size: PAGE, asked: page}
    return frozenset(found)
