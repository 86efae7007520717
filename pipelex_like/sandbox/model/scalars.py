"""Text, numbers and yes or no for a JSON Schema: read from words, or a placeholder that is valid."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import TYPE_CHECKING

from pipelex_like.sandbox.model import coercing
from pipelex_like.sandbox.model.samples import sample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Schema = Mapping[str, object]


def read_scalar(kind: str, text: str, schema: Schema) -> object:
    """Read a `string`, `number`, `integer` or `boolean` that the schema allows; None if the words hold none."""
    match kind:
        case "boolean":
            return coercing.boolean(text)
        case "integer":
            value = coercing.integer(text)
            return value if value is not None and _in_bounds(value, schema) else None
        case "number":
            value = coercing.number(text)
            return value if value is not None and _in_bounds(value, schema) else None
        case _:
            return _read_text(text, schema)


def _read_text(text: str, schema: Schema) -> str | None:
    if not text or coercing.is_null(text):
        return None
    known = coercing.FORMATS.get(str(schema.get("format")))
    found = known[0](text) if known else text
    if found is None or fits_text(found, schema):
        return found
    return next((word for word in re.split(r"[\s,;]+", text) if word and fits_text(word, schema)), None)


def fits_text(text: str, schema: Schema) -> bool:
    """Whether length and pattern allow this text."""
    low, high = _count(schema, "minLength", 0), _count(schema, "maxLength", len(text))
    return low <= len(text) <= high and _found(schema.get("pattern"), text)


def _found(pattern: object, text: str) -> bool:
    if not isinstance(pattern, str):
        return True
    try:
        return re.search(pattern, text) is not None
    except (re.error, RecursionError, OverflowError):
        return True


def _in_bounds(value: float, schema: Schema) -> bool:
    low, high = _bounds(schema)
    step = _number(schema.get("multipleOf"))
    return (
        (low is None or value > low[0] or (value == low[0] and not low[1]))
        and (high is None or value < high[0] or (value == high[0] and not high[1]))
        and (not step or Fraction(str(value)) % Fraction(str(step)) == 0)
    )


def _bounds(schema: Schema) -> tuple[tuple[float, bool] | None, tuple[float, bool] | None]:
    """The lower and the upper bound, each with whether it is excluded itself."""
    lows = [(n, False) for n in [_number(schema.get("minimum"))] if n is not None]
    lows += [(n, True) for n in [_number(schema.get("exclusiveMinimum"))] if n is not None]
    highs = [(n, False) for n in [_number(schema.get("maximum"))] if n is not None]
    highs += [(n, True) for n in [_number(schema.get("exclusiveMaximum"))] if n is not None]
    low = max(lows) if lows else None
    high = min(highs, key=lambda bound: (bound[0], not bound[1])) if highs else None
    return low, high


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _count(schema: Schema, key: str, otherwise: int) -> int:
    value = schema.get(key)
    return value if isinstance(value, int) else otherwise


def placeholder(kind: str, schema: Schema, name: str) -> object:
    """Give a value of this kind that the schema allows; texts say `simulated` and the field's name."""
    match kind:
        case "boolean":
            return False
        case "null":
            return None
        case "integer" | "number":
            return _placeholder_number(schema, whole=kind == "integer")
        case "object":
            return {}
        case "array":
            return []
        case _:
            return _placeholder_text(schema, name)


def _placeholder_number(schema: Schema, *, whole: bool) -> float:
    low, high = _bounds(schema)
    step = Fraction(str(_number(schema.get("multipleOf")) or 1))
    candidates: list[Fraction] = [Fraction(0)]
    for bound, direction in ((low, 1), (high, -1)):
        if bound is not None:
            at = Fraction(str(bound[0]))
            whole_step = math.ceil(at / step) if direction > 0 else math.floor(at / step)
            candidates += [at, whole_step * step, (whole_step + direction) * step]
    if low is not None and high is not None:
        candidates.append((Fraction(str(low[0])) + Fraction(str(high[0]))) / 2)
    for candidate in candidates:
        if (not whole or candidate.denominator == 1) and _in_bounds(float(candidate), schema):
            return int(candidate) if candidate.denominator == 1 else float(candidate)
    return 0


def _placeholder_text(schema: Schema, name: str) -> str:
    known = coercing.FORMATS.get(str(schema.get("format")))
    first = known[1] if known else " ".join(filter(None, ["simulated", *re.findall(r"[^\W_]+", name)]))
    if known and fits_text(first, schema):
        return first
    return fit_text(first, schema) or first


def fit_text(text: str, schema: Schema) -> str | None:
    """Lengthen, shorten or replace a text until the schema allows it; None if nothing was hit upon."""
    low, high = _count(schema, "minLength", 0), _count(schema, "maxLength", 1_000_000)
    fitted = text[:high].ljust(low, ".")
    if fits_text(fitted, schema):
        return fitted
    pattern = schema.get("pattern")
    return sample(pattern, low, high) if isinstance(pattern, str) else None


def choose(options: Sequence[object], text: str) -> int | None:
    """Give the position of the option that the words name: all of them, or as one word among others."""
    word = _folded(text)
    for at, option in enumerate(options):
        if option is None:
            same = coercing.is_null(text)
        elif isinstance(option, bool):
            same = coercing.boolean(text) is option
        elif isinstance(option, int | float):
            same = coercing.number(text) == option
        else:
            same = bool(word) and _folded(str(option)) == word
        if same:
            return at
    padded = f" {word} "
    inside = [at for at, option in enumerate(options) if isinstance(option, str) and f" {_folded(option)} " in padded]
    return inside[0] if inside else None


def _folded(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.lower()))
