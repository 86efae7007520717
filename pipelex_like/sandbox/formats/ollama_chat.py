"""POST /api/chat, as https://docs.ollama.com/api/chat describes it: answers whole, or as lines of JSON.

As with the server itself, fields that it does not know are let pass, a stream is the default, and a prompt longer than
`options.num_ctx` is cut without a word, which only the count of its tokens shows. Other than the server, it knows every
model and wants a key.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

import orjson

from pipelex_like.sandbox.formats import checks
from pipelex_like.sandbox.formats.base import Dialect, Refusal, json_reply
from pipelex_like.sandbox.formats.openai_dialect import OPENAI
from pipelex_like.sandbox.formats.openai_parts import tool_of, unique
from pipelex_like.sandbox.formats.schemas import check_schema
from pipelex_like.sandbox.model import Picture, Question, Turn, answer_to, picture_of
from pipelex_like.sandbox.wire import Reply
from pipelex_like.types import is_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipelex_like.sandbox.formats.base import Call
    from pipelex_like.sandbox.formats.checks import Check
    from pipelex_like.sandbox.model import Answer, Tool

_ROLES = ("system", "user", "assistant", "tool")
_OPTIONS: Mapping[str, Check] = {
    "num_ctx": checks.integer(1),
    "num_predict": checks.integer(-2),
    "temperature": checks.number(0, 2),
    "top_p": checks.number(0, 1),
    "top_k": checks.integer(0),
    "seed": checks.integer(),
    "frequency_penalty": checks.number(-2, 2),
    "presence_penalty": checks.number(-2, 2),
}
_DAY = "2026-01-01T00:00:00Z"
_THOUGHT = "Simulated reasoning: nothing was thought about."

Line = dict[str, object]


def _error(refusal: Refusal) -> bytes:
    return orjson.dumps({"error": refusal.message})


OLLAMA = Dialect(credential=OPENAI.credential, error=_error, stream_error=lambda refusal: _error(refusal) + b"\n")


def answer_ollama(call: Call) -> Reply:
    """Answer, whole or as a stream, with the counts at its end."""
    body = call.body
    model = checks.string(body, "model", "")
    options = checks.table(body.get("options") or {}, "options")
    checks.check(options, _OPTIONS, "options")
    answer = answer_to(_question(call, options))
    window = options.get("num_ctx")
    asked = min(answer.input_tokens, window) if isinstance(window, int) else answer.input_tokens
    base: Line = {"model": model, "created_at": _DAY}
    counted = call.usage({"prompt_eval_count": asked, "eval_count": answer.output_tokens}) or {}
    done: Line = {"done": True, "done_reason": "length" if answer.finish == "length" else "stop", **counted}
    if body.get("stream") is not False:
        events = (*_lines(base, answer), _line({**base, "message": _message(""), **done}))
        return Reply(content_type="application/x-ndjson", events=events, tail=1)
    return json_reply({**base, "message": {**_message(answer.text), **_thought(answer), **_calls(answer)}, **done})


def _question(call: Call, options: Mapping[str, object]) -> Question:
    body = call.body
    turns, pictures = _messages(body.get("messages"))
    form = body.get("format")
    if form not in (None, "", "json") and not is_table(form):
        raise Refusal('invalid format: "format" is "json" or a JSON schema', param="format")
    think, limit, stop = body.get("think"), options.get("num_predict"), options.get("stop")
    return Question(
        turns=turns,
        pictures=pictures,
        tools=_tools(body.get("tools")),
        schema=check_schema(form, "format", "format", strict=False) if is_table(form) else None,
        as_json=form == "json",
        limit=limit if isinstance(limit, int) and limit > 0 else None,
        stop=tuple(map(str, checks.listed(stop or [], "options.stop", least=0))),
        effort=think if think in ("low", "medium", "high") else "medium" if think is True else "none",
        long=call.fault.long or 0,
    )


def _messages(value: object) -> tuple[tuple[Turn, ...], tuple[Picture, ...]]:
    turns: list[Turn] = []
    pictures: list[Picture] = []
    for at, item in enumerate(checks.listed(value, "messages")):
        where = f"messages[{at}]"
        message = checks.table(item, where)
        role = message.get("role")
        checks.one_of(*_ROLES)(role, f"{where}.role")
        content = message.get("content", "")
        checks.text(content, f"{where}.content")
        for picture in checks.listed(message.get("images") or [], f"{where}.images", least=0):
            pictures.append(_picture(picture, f"{where}.images"))
        for call in checks.listed(message.get("tool_calls") or [], f"{where}.tool_calls", least=0):
            function = checks.table(checks.table(call, where).get("function"), f"{where}.tool_calls.function")
            checks.string(function, "name", f"{where}.tool_calls.function")
            checks.table(function.get("arguments"), f"{where}.tool_calls.function.arguments")
        turns.append(Turn(next(known for known in _ROLES if known == role), str(content)))
    return tuple(turns), tuple(pictures)


def _picture(value: object, where: str) -> Picture:
    try:
        picture = picture_of(base64.b64decode(value, validate=True)) if isinstance(value, str) else None
    except binascii.Error:
        picture = None
    if picture is None:
        raise Refusal(f"{where}: illegal base64 data, or no picture", param=where)
    return picture


def _tools(value: object) -> tuple[Tool, ...]:
    found: list[Tool] = []
    for at, item in enumerate(checks.listed(value or [], "tools", least=0)):
        where = f"tools[{at}].function"
        found.append(tool_of(checks.table(checks.table(item, f"tools[{at}]").get("function"), where), where))
    return unique(tuple(found))


def _message(text: str) -> Line:
    return {"role": "assistant", "content": text}


def _thought(answer: Answer) -> Line:
    return {"thinking": _THOUGHT} if answer.reasoning_tokens else {}


def _calls(answer: Answer) -> Line:
    calls = [{"function": {"name": use.name, "arguments": orjson.loads(use.arguments)}} for use in answer.calls]
    return {"tool_calls": calls} if calls else {}


def _lines(base: Line, answer: Answer) -> Iterator[bytes]:
    if answer.reasoning_tokens:
        yield _line({**base, "message": {**_message(""), **_thought(answer)}, "done": False})
    for piece in answer.pieces:
        yield _line({**base, "message": _message(piece), "done": False})
    if answer.calls:
        yield _line({**base, "message": {**_message(""), **_calls(answer)}, "done": False})


def _line(value: Line) -> bytes:
    return orjson.dumps(value) + b"\n"
