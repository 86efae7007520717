"""Typed answers: the schema to send, and the check of what came back."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from pipelex_like.engine.schemas import misfits, references, resolve
from pipelex_like.types import (
    ExtractJob,
    FrozenDict,
    ImageJob,
    LlmJob,
    Message,
    ObjectSchema,
    TextPart,
    freeze,
    is_table,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import ValidationError

    from pipelex_like.types import LlmReply

J = TypeVar("J", LlmJob, ExtractJob, ImageJob)
T = TypeVar("T")

WRAP = "value"
_SHOWN_MISFITS = 3
_FENCED = re.compile(r"\s*```(?:json)?\s*\n(.*)\n\s*```\s*", re.DOTALL | re.IGNORECASE)


class MisfitError(ValueError):
    """An answer that is no JSON, or does not fit the type; the message says where."""


def repaired(job: J, reply: LlmReply, misfit: MisfitError) -> J | None:
    """Go on with the conversation: the answer that did not fit, then what is wrong with it.

    Both are plain text, however the object was asked for, so that every protocol takes them.
    """
    if not isinstance(job, LlmJob):
        return None
    complaint = (
        f"Your answer does not fit what was asked for: {misfit}. "
        "Give the whole answer once more, corrected, as one JSON object and nothing else."
    )
    said = Message("assistant", (TextPart(reply.text if reply.text.strip() else "(nothing)"),))
    return replace(job, messages=(*job.messages, said, Message("user", (TextPart(complaint),))))


@dataclass(frozen=True, slots=True)
class ObjectShape(Generic[T]):
    """What is asked for: `schema` goes to the provider, `validate` turns its JSON into the object."""

    schema: ObjectSchema
    validate: Callable[[str], T]

    def partial(self, text: str) -> object | None:
        """Give what a beginning of the JSON holds already, unwrapped, or None while it holds nothing."""
        from pydantic_core import from_json

        try:
            value: object = from_json(text, allow_partial="trailing-strings")
        except ValueError:
            return None
        if self.schema.wrapped:
            value = value.get(WRAP) if is_table(value) else None
        return None if value in ("", {}, []) else value


def shape_of(wanted: object) -> ObjectShape[object]:
    """Give the shape of a JSON Schema dict, a TypeAdapter, or anything that TypeAdapter takes.

    Raises TypeError for what can be no type of an answer, ValueError for a schema that refers to nothing.
    """
    if is_table(wanted):
        return _by_schema(wanted)
    return _by_type(wanted)


def _by_type(wanted: object) -> ObjectShape[object]:
    from pydantic import TypeAdapter, ValidationError
    from pydantic.errors import PydanticUserError
    from pydantic_core import to_json

    name = _schema_name(wanted)
    try:
        adapter = cast(
            "TypeAdapter[object]",
            wanted if isinstance(wanted, TypeAdapter) else TypeAdapter[object](cast("type[object]", wanted)),
        )
        shape = _schema(name, adapter.json_schema())
    except (PydanticUserError, NameError) as error:
        raise TypeError(f"{name}: no JSON Schema can be made of this type: {error}") from error

    def validate(text: str) -> object:
        text = _bare(text)
        try:
            return adapter.validate_json(to_json(_unwrapped(_parsed(text))) if shape.wrapped else text)
        except ValidationError as error:
            raise MisfitError(_told(error)) from error

    return ObjectShape(shape, validate)


def _by_schema(wanted: dict[str, object]) -> ObjectShape[object]:
    for reference in references(wanted):
        resolve(reference, wanted)
    title = wanted.get("title")
    shape = _schema(_word(title) if isinstance(title, str) else "answer", wanted)

    def validate(text: str) -> object:
        parsed = _parsed(_bare(text))
        value = _unwrapped(parsed) if shape.wrapped else parsed
        faults = list(misfits(value, wanted, wanted))
        if faults:
            raise MisfitError("; ".join(faults[:_SHOWN_MISFITS]))
        return value

    return ObjectShape(shape, validate)


def _bare(text: str) -> str:
    """Take the JSON out of the fence in which models like to show it."""
    fenced = _FENCED.fullmatch(text)
    return fenced[1] if fenced else text


def _parsed(text: str) -> object:
    from pydantic_core import from_json

    try:
        return from_json(text, allow_inf_nan=False)
    except ValueError as error:
        raise MisfitError(f"the answer is no JSON: {error}") from error


def _unwrapped(value: object) -> object:
    if not is_table(value) or WRAP not in value:
        raise MisfitError(f'the answer has no "{WRAP}"')
    return value[WRAP]


def _schema(name: str, schema: dict[str, object]) -> ObjectSchema:
    top = _unfolded(schema)
    if top.get("type") == "object":
        return ObjectSchema(name=name, schema=_frozen(top))
    shared = {key: top[key] for key in ("$defs", "definitions") if key in top}
    inner = {key: value for key, value in top.items() if key not in shared}
    wrapper = {"type": "object", "properties": {WRAP: inner}, "required": [WRAP], "additionalProperties": False}
    return ObjectSchema(name=name, schema=_frozen({**wrapper, **shared}), wrapped=True)


def _unfolded(schema: dict[str, object]) -> dict[str, object]:
    # Providers want an object at the top: a type that refers to itself has only a $ref there.
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    target = resolve(reference, schema)
    rest = {key: value for key, value in schema.items() if key != "$ref"}
    return {**target, **rest} if is_table(target) else schema


def _told(error: ValidationError) -> str:
    faults = [
        f"{'.'.join(str(part) for part in fault['loc']) or 'the answer'}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    more = f" (and {len(faults) - _SHOWN_MISFITS} more)" if len(faults) > _SHOWN_MISFITS else ""
    return "; ".join(faults[:_SHOWN_MISFITS]) + more


def _schema_name(wanted: object) -> str:
    name = getattr(wanted, "__name__", None)
    return _word(name) if isinstance(name, str) else "answer"


def _word(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")[:64] or "answer"


def _frozen(schema: dict[str, object]) -> FrozenDict[str, object]:
    return cast("FrozenDict[str, object]", freeze(schema))
