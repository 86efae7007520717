"""What a small model needs besides the schema to fill an object: pure functions from a job to a job.

A model of a hundred million parameters copies what stands beside a label; it neither reorders nor rephrases well.
So fields are asked for in the order of the document, what is written beside labels is repeated as JSON and is all
that a labelled field may hold, and no text can ramble. All of it is told in `notes`, and nothing here knows what the
document is about.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import orjson

from pipelex_like.types import (
    DocumentPart,
    FrozenDict,
    LlmJob,
    Message,
    TextPart,
    freeze,
    is_list,
    is_table,
    thaw,
)
from pipelex_like.workers.capability import is_text
from pipelex_like.workers.local.labels import labelled
from pipelex_like.workers.local.schema import arranged, bounded, resolved

if TYPE_CHECKING:
    from pipelex_like.types import ObjectSchema
    from pipelex_like.workers.local.schema import Arranged

SYSTEM = "You extract data from documents. Copy the values exactly from the document. Answer with JSON."
MOST_TOKENS = 1024
MOST_CHOICES = 20


@dataclass(frozen=True, slots=True)
class Prompted:
    """The job as the model gets it, and what was changed, a line each."""

    job: LlmJob
    notes: tuple[str, ...] = ()


def prompted(job: LlmJob, *, temperature: float | None = None) -> Prompted:
    """Give the job with an end to every answer and, where an object is wanted, in the form a small model copes with.

    `temperature` is the model's own for text, where the caller gave none; objects get 0.
    """
    settings: dict[str, object] = dict(job.settings)
    notes: list[str] = []
    if "max_tokens" not in settings:
        settings["max_tokens"] = MOST_TOKENS
        notes.append(f"max_tokens: none was given, so {MOST_TOKENS} for the local model")
    temperature = temperature if job.schema is None else 0
    if "temperature" not in settings and temperature is not None:
        settings["temperature"] = temperature
        notes.append(f"temperature: none was given, so {temperature:g} for the local model")
    if job.schema is None:
        return Prompted(replace(job, settings=FrozenDict(settings)), tuple(notes))
    fitted = arranged(cast("dict[str, object]", thaw(job.schema.schema)), labelled(_document(job.messages)))
    if fitted.held:
        notes.append(f"schema: held to what stands beside labels in the prompt: {', '.join(fitted.held)}")
    schema = cast("FrozenDict[str, object]", freeze(bounded(fitted.schema)))
    settings["extra"] = freeze({"response_format": _response_format(job.schema, schema), **_extra(settings)})
    messages = _framed(job.messages, "\n\n".join(filter(None, (_pairs(fitted), _fields(fitted)))))
    job = replace(job, messages=messages, schema=replace(job.schema, schema=schema), settings=FrozenDict(settings))
    return Prompted(job, tuple(notes))


def _response_format(asked: ObjectSchema, schema: FrozenDict[str, object]) -> dict[str, object]:
    """Written here, because OpenAI's strict form has no lengths, and these are what ends a small model's answer."""
    return {"type": "json_schema", "json_schema": {"name": asked.name, "schema": schema, "strict": True}}


def _extra(settings: dict[str, object]) -> dict[str, object]:
    extra = settings.get("extra")
    return extra if is_table(extra) else {}


def _document(messages: tuple[Message, ...]) -> str:
    """Everything of the user's that may be the document: the prompt, and files that are plain text."""
    texts: list[str] = []
    for part in (part for message in messages if message.role == "user" for part in message.parts):
        if isinstance(part, TextPart):
            texts.append(part.text)
        elif isinstance(part, DocumentPart) and part.media.data and is_text(part.media):
            texts.append(part.media.data.decode("utf-8", "replace"))
    return "\n".join(texts)


def _framed(messages: tuple[Message, ...], end: str) -> tuple[Message, ...]:
    framed = list(messages)
    last = next((at for at in reversed(range(len(framed))) if framed[at].role == "user"), None)
    if last is not None and end:
        framed[last] = _ending_with(framed[last], end)
    if not any(message.role == "system" for message in framed):
        framed.insert(0, Message("system", (TextPart(SYSTEM),)))
    return tuple(framed)


def _ending_with(message: Message, text: str) -> Message:
    *before, last = message.parts or (TextPart(""),)
    if isinstance(last, TextPart):
        return Message(message.role, (*before, TextPart(f"{last.text}\n\n{text}".lstrip())))
    return Message(message.role, (*message.parts, TextPart(text)))


def _pairs(fitted: Arranged) -> str:
    """Write the labelled values once more, in JSON's spelling: a small model copies token by token, and tokens differ
    between `Vendor: Maple` and `"vendor": "Maple"`."""
    return "\n".join(f"{_quoted(item.label)}: {_quoted(item.value)}" for item in fitted.meant)


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def _fields(fitted: Arranged) -> str:
    """List the fields, with their choices where the document does not offer them."""
    properties = fitted.schema.get("properties")
    if not is_table(properties) or not properties:
        return ""
    listed = (
        name if name in fitted.held else name + _choices(resolved(value, fitted.schema))
        for name, value in properties.items()
    )
    return f"Fields: {', '.join(listed)}"


def _choices(schema: dict[str, object]) -> str:
    words = schema.get("enum")
    if not is_list(words) or len(words) > MOST_CHOICES:
        return ""
    return f" (one of {', '.join(map(str, words))})"
