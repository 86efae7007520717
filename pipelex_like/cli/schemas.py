"""The shape of an object, from a file, a Python type, or fields named on the command line."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import orjson

from pipelex_like.cli.failures import refuse
from pipelex_like.types import is_table

FIELD_TYPES: dict[str, dict[str, object]] = {
    "text": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "flag": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
}


def schema_from(file: Path | None, type_name: str | None, fields: list[str] | None) -> type | dict[str, object]:
    """Give what `generate_object` takes; exactly one of the three must be given."""
    if (file is not None) + (type_name is not None) + bool(fields) != 1:
        refuse("say what the object looks like, in one way: --schema FILE, --type MODULE:NAME, or --field NAME[:TYPE]")
    if file is not None:
        return _from_file(file)
    if type_name is not None:
        return _from_type(type_name)
    return _from_fields(fields or [])


def _from_file(file: Path) -> dict[str, object]:
    try:
        schema: object = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as error:
        refuse(f"{file}:{error.lineno}: this is not JSON: {error.msg}")
    if not is_table(schema):
        refuse(f'{file}: a JSON Schema is an object, like {{"type": "object", "properties": {{...}}}}')
    return schema


def _from_type(name: str) -> type:
    module_name, colon, attribute = name.partition(":")
    if not colon:
        refuse(f"--type wants MODULE:NAME, for example shop.models:Invoice, not {name!r}")
    sys.path.insert(0, str(Path.cwd()))
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        refuse(f"--type {name}: {error}")
    finally:
        sys.path.pop(0)
    found: object = getattr(module, attribute, None)
    if not isinstance(found, type):
        refuse(f"--type {name}: {module_name} has no type named {attribute}")
    return found


def _from_fields(fields: list[str]) -> dict[str, object]:
    properties: dict[str, object] = {}
    for field in fields:
        name, _, word = field.partition(":")
        if not name or (word or "text") not in FIELD_TYPES:
            refuse(f"--field wants NAME[:TYPE] with a type of {', '.join(FIELD_TYPES)}, not {field!r}")
        if name in properties:
            refuse(f'--field names "{name}" twice')
        properties[name] = FIELD_TYPES[word or "text"]
    return {
        "title": "Answer",
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
