"""The simulated model: plainly simulated text, JSON out of the prompt's own words, tool calls by name."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import orjson

from pipelex_like.sandbox.model.filling import fill
from pipelex_like.sandbox.model.labels import Labels, without_schemas
from pipelex_like.sandbox.model.question import EFFORTS
from pipelex_like.sandbox.model.tokens import count, pieces

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipelex_like.sandbox.model.question import Question, Tool

_FILLER = ["and", "so", "it", "goes", "on,", "word", "after", "word,", "as", "nobody", "thought", "about", "it"]


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A call of a tool; `arguments` is JSON text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the simulated model says: `pieces` of text, one per token, or calls, never both."""

    pieces: tuple[str, ...]
    calls: tuple[ToolUse, ...]
    finish: Literal["stop", "length", "tool_calls"]
    input_tokens: int
    output_tokens: int
    reasoning_tokens: int

    @property
    def text(self) -> str:
        """The whole text."""
        return "".join(self.pieces)


def answer_to(question: Question, index: int = 0) -> Answer:
    """Answer; the same question always gets the same answer, another `index` (from 0) another text.

    Input tokens: those of every message's text, 3 for each message, and `Picture.tokens` for each picture.
    """
    asked = sum(count(turn.text) + 3 for turn in question.turns) + sum(p.tokens for p in question.pictures)
    thought = EFFORTS[question.effort]
    calls = _calls(question)
    if calls:
        used = thought + sum(count(call.name) + count(call.arguments) for call in calls)
        return Answer(
            pieces=(),
            calls=calls,
            finish="tool_calls",
            input_tokens=asked,
            output_tokens=used,
            reasoning_tokens=thought,
        )
    said, finish = _cut(pieces(_words(question, index)), question, thought)
    thought = thought if question.limit is None else min(thought, question.limit)
    return Answer(
        pieces=tuple(said),
        calls=(),
        finish=finish,
        input_tokens=asked,
        output_tokens=thought + len(said),
        reasoning_tokens=thought,
    )


def _cut(said: list[str], question: Question, thought: int) -> tuple[list[str], Literal["stop", "length"]]:
    text = "".join(said)
    found = [at for at in (text.find(stop) for stop in question.stop if stop) if at >= 0]
    if found:
        said = pieces(text[: min(found)])
    room = len(said) if question.limit is None else max(0, question.limit - thought)
    return (said[:room], "length") if room < len(said) else (said, "stop")


def _calls(question: Question) -> tuple[ToolUse, ...]:
    """A tool is called when it must be, or when the last message is the user's and names it."""
    if not question.tools:
        return ()
    last = question.turns[-1]
    asked = last.text if last.role == "user" else ""
    chosen = sorted(
        ((at, tool) for tool in question.tools if (at := _mention(tool, asked)) is not None), key=lambda pair: pair[0]
    )
    tools = [tool for _, tool in chosen] or (list(question.tools[:1]) if question.must_call else [])
    if not tools:
        return ()
    labels = Labels(_texts(question, ("user", "system")))
    return tuple(
        ToolUse(tool.name, orjson.dumps(fill(tool.parameters, labels)).decode())
        for tool in (tools if question.parallel else tools[:1])
    )


def _mention(tool: Tool, text: str) -> int | None:
    name = r"[\s_-]".join(map(re.escape, re.split(r"[_\W]+", tool.name)))
    match = re.search(rf"(?<![^\W_]){name}(?![^\W_])", text, re.IGNORECASE)
    return match.start() if match else None


def _words(question: Question, index: int) -> str:
    if question.schema is not None:
        return _json(fill(question.schema, Labels(_texts(question, ("user", "tool", "system")))))
    if question.as_json:
        return _json(_some_object(question))
    text = _plain(question)
    if index:
        text += f" This is choice {index + 1}."
    missing = question.long - len(text.split())
    if missing > 0:
        text += " " + " ".join(_FILLER[at % len(_FILLER)] for at in range(missing))
    return text


def _some_object(question: Question) -> object:
    texts = _texts(question, ("user", "tool", "system"))
    for text in texts:
        _, schemas = without_schemas(text)
        if schemas:
            return fill(schemas[-1], Labels(texts))
    return Labels(texts[:1]).as_object() or {"answer": _plain(question)}


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


def _texts(question: Question, roles: Iterable[str]) -> list[str]:
    """The texts to read values from: by role in this order, the latest message first."""
    return [turn.text for role in roles for turn in reversed(question.turns) if turn.role == role]


def _plain(question: Question) -> str:
    everything = "\n".join(turn.text for turn in question.turns)
    users = _texts(question, ("user",))
    out = f'Simulated answer: you wrote "{_short(users[0] if users else everything)}".'
    if question.turns[-1].role == "tool":
        results: list[str] = []
        for turn in reversed(question.turns):
            if turn.role != "tool":
                break
            results.insert(0, f'"{_short(turn.text)}"')
        out += f" The tools answered {', '.join(results)}."
    if question.pictures:
        out += f" It came with {_some(len(question.pictures), 'picture')}: {', '.join(map(str, question.pictures))}."
    if question.files:
        out += f" It came with {_some(len(question.files), 'file')}: {', '.join(question.files)}."
    words = _some(len(everything.split()), "word")
    return f"{out} ({words} in all, checksum {zlib.crc32(everything.encode()):08x})"


def _some(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number} {noun}s"


def _short(text: str) -> str:
    words = text[:400].split()
    short = " ".join(words[:12])[:100]
    return f"{short} ..." if len(short) < len(" ".join(words)) else short
