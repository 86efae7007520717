"""What every wire format is made of: a call, a refusal, a dialect for errors, routes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.accounts import Accounts
from pipelex_like.sandbox.jobs import Jobs
from pipelex_like.sandbox.prompts import Prompts
from pipelex_like.sandbox.wire import Reply

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Mapping

    from pipelex_like.sandbox.faults import Fault

CREATED = 1_767_225_600
"""The time that every answer tells (2026-01-01): the same request gets the same answer."""


class Refusal(Exception):
    """The request is refused; a dialect writes it in its own form."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        param: str | None = None,
        code: str | None = None,
        kind: str = "invalid_request_error",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.param = param
        self.code = code
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that was let in.

    `number` counts the requests, `body` is the JSON object, `parts` those of the path, `query` what stands behind it,
    `jobs`, `prompts` and `accounts` those of this sandbox, `origin` its address as the client wrote it; header names
    are in lower case.
    """

    number: int
    body: Mapping[str, object]
    parts: Mapping[str, str]
    headers: Mapping[str, str]
    fault: Fault
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    jobs: Jobs = field(default_factory=Jobs)
    prompts: Prompts = field(default_factory=Prompts)
    accounts: Accounts = field(default_factory=lambda: Accounts(""))
    origin: str = ""

    def usage(self, counted: dict[str, object]) -> dict[str, object] | None:
        """Give the counted tokens as the fault wants them: as they are, below zero, as words, or None."""
        match self.fault.usage:
            case "missing":
                return None
            case "negative":
                return _each_number(counted, lambda number: -abs(number) - 1)
            case "text":
                return _each_number(counted, lambda number: f"about {number}")
            case _:
                return counted


def _each_number(counted: Mapping[str, object], change: Callable[[int], object]) -> dict[str, object]:
    out: dict[str, object] = {}
    for key, value in counted.items():
        out[key] = change(value) if isinstance(value, int) else value
        if isinstance(value, dict):
            out[key] = _each_number(value, change)  # pyright: ignore[reportUnknownArgumentType]
    return out


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How a format is asked for its key and says that something is wrong, in a body and inside a stream."""

    credential: Callable[[Mapping[str, str]], str | None]
    error: Callable[[Refusal], bytes]
    stream_error: Callable[[Refusal], bytes]

    def refuse(self, refusal: Refusal, headers: tuple[tuple[str, str], ...] = ()) -> Reply:
        """Write a refusal as a reply."""
        return Reply(status=refusal.status, body=self.error(refusal), headers=headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One address of a format; `path` matches the whole path, its named groups become `Call.parts`.

    A group named `model` names the model where the body does not.
    """

    method: str
    path: re.Pattern[str]
    dialect: Dialect
    answer: Callable[[Call], Reply]
    open: bool = False
    """Whether it is answered without a key."""
    form: bool = False
    """Whether the body is a form (`a=1&b=2`) in the place of JSON."""
    files: bool = False
    """Whether the body may be a form with files in the place of JSON."""
    agent: str = ""
    """How the client's `user-agent` begins, where two formats share an address."""
    scheme: str = ""
    """How the header `authorization` begins, in lower case, where an address is too wide to be one format's alone."""
    header: str = ""
    """A header that has to be there, where two formats share an address."""


def json_reply(value: object) -> Reply:
    """Write a value as the body."""
    return Reply(body=orjson.dumps(value))
