"""What is asked, in no provider's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.sandbox.model.pictures import Picture

EFFORTS = {"none": 0, "minimal": 16, "low": 64, "medium": 256, "high": 1024, "xhigh": 2048, "max": 4096}
"""Reasoning tokens that the simulated model counts for each effort."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One message's text."""

    role: Literal["system", "user", "assistant", "tool"]
    text: str


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that may be called; `parameters` is a JSON Schema of an object."""

    name: str
    parameters: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request to the simulated model.

    `tools` are those that may be called now, `must_call` whether one has to be. `schema` asks for JSON that fits
    it, `as_json` for any JSON object. `limit` is the most tokens to answer with, reasoning included; `long` the
    least number of words of a text answer.
    """

    turns: tuple[Turn, ...]
    pictures: tuple[Picture, ...] = ()
    files: tuple[str, ...] = ()
    tools: tuple[Tool, ...] = ()
    must_call: bool = False
    parallel: bool = True
    schema: object = None
    as_json: bool = False
    limit: int | None = None
    stop: tuple[str, ...] = ()
    effort: str = "none"
    long: int = 0
