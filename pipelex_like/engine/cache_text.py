"""Values as JSON and back, without pickle: whoever writes into a cache file can give wrong answers, but run no code."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from pipelex_like.types import (
    ExtractReply,
    FrozenDict,
    Image,
    ImageReply,
    LlmReply,
    OpaquePart,
    Page,
    ToolCall,
    Usage,
    is_list,
    is_table,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelex_like.engine.replies import Reply

# The only classes that reading can make.
_CLASSES: tuple[type, ...] = (LlmReply, ExtractReply, ImageReply, Usage, ToolCall, OpaquePart, Page, Image)


def written(value: object, *, binary: Callable[[bytes], str] | None = None) -> bytes:
    """Give the one text of a value: no two values share one, and mappings keep their order. `binary` names bytes,
    which are written out in full without it.

    Raises TypeError, ValueError or RecursionError for what cannot be written.
    """
    plain = _plain(value, binary or _in_full)
    # Escaped, a pair of lone surrogates would read as the one character that they make up.
    text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def read(text: bytes) -> Reply:
    """Give the reply that was written; mappings are FrozenDicts. Raises ValueError for anything else."""
    try:
        value = _rebuilt(json.loads(text.decode("utf-8", "surrogatepass")))
    except (TypeError, LookupError, ArithmeticError, RecursionError) as error:
        raise ValueError("no reply can be read from this") from error
    if not isinstance(value, LlmReply | ExtractReply | ImageReply):
        raise ValueError(f"a reply was looked for, not {type(value).__name__}")  # noqa: TRY004 - one error for all
    return value


def _in_full(data: bytes) -> str:
    return b64encode(data).decode("ascii")


def _plain(value: object, binary: Callable[[bytes], str]) -> object:
    """Tag all that JSON does not know, and all that holds other values, so that nothing looks like anything else."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case bytes():
            return ["bytes", binary(value)]
        case Decimal():
            return ["decimal", str(value)]
        case list() | tuple():
            tag = "list" if isinstance(value, list) else "tuple"
            return [tag, *(_plain(item, binary) for item in cast("list[object] | tuple[object, ...]", value))]
        case Mapping():
            pairs = cast("Mapping[object, object]", value).items()
            return ["dict", *([_plain(key, binary), _plain(item, binary)] for key, item in pairs)]
        case frozenset():
            return ["set", *sorted((_plain(item, binary) for item in cast("frozenset[object]", value)), key=json.dumps)]
        case _ if is_dataclass(value) and not isinstance(value, type):
            parts = {field.name: _plain(getattr(value, field.name), binary) for field in fields(value)}
            return ["object", type(value).__name__, parts]
        case _:
            raise TypeError(f"a value of {type(value).__name__} cannot be written")


def _rebuilt(plain: object) -> object:
    if is_table(plain):
        raise ValueError("a table without a tag")
    if not is_list(plain):
        return plain
    tag, *rest = plain
    match tag:
        case "bytes":
            return b64decode(cast("str", rest[0]), validate=True)
        case "decimal":
            return Decimal(cast("str", rest[0]))
        case "list":
            return [_rebuilt(item) for item in rest]
        case "tuple":
            return tuple(_rebuilt(item) for item in rest)
        case "dict":
            return FrozenDict({_rebuilt(key): _rebuilt(item) for key, item in cast("list[list[object]]", rest)})
        case "set":
            return frozenset(_rebuilt(item) for item in rest)
        case "object":
            return _object(rest[0], cast("dict[str, object]", rest[1]))
        case _:
            raise ValueError("an unknown tag")


def _object(name: object, parts: dict[str, object]) -> object:
    made = next((known for known in _CLASSES if known.__name__ == name), None)
    if made is None or not is_table(parts):
        raise ValueError("an unknown class")
    return made(**{key: _rebuilt(item) for key, item in parts.items()})
