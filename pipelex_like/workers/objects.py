"""How typed objects are asked for, whatever the wire format."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from pipelex_like.deck import Candidate, StructureMethod
    from pipelex_like.types import ObjectSchema

_NOT_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")


def method_of(candidate: Candidate) -> StructureMethod:
    """Say how objects are asked for: as the spec says, else by a schema."""
    return candidate.spec.structure_method or "schema"


def schema_name(schema: ObjectSchema) -> str:
    """Give the schema's name in the letters that the protocols allow, 64 of them at most."""
    return _NOT_A_NAME.sub("_", schema.name)[:64] or "answer"


def schema_prompt(schema: ObjectSchema) -> str:
    """Ask in words for an object of this schema."""
    wanted = orjson.dumps(schema.schema).decode()
    return f"Answer with one JSON object and nothing else. It keeps to this JSON Schema:\n{wanted}"
