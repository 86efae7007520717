"""Failures on demand.

A fault is asked for in three ways, looked at in this order; the first one that is due acts:

- by the header `x-sandbox-fault: status=500; times=1`,
- by the model's name: `fault-` and options, each followed by its value: `fault-status-500`,
  `fault-status-429-after-2`, `fault-stall-3`; several are joined by `+` or `-`: `fault-delay-0.2+status-503+times-1`,
- by a TOML file: `[[fault]]` tables with the same option names, and `model` and `path` (patterns with `*`, `?`,
  `[...]`; absent means all).

| option        | value (default in a name)  | what happens                                                  |
|---------------|---------------------------------|---------------------------------------------------------------|
| `status`      | 300 to 599                      | this HTTP status, with an error in the provider's form        |
| `after`       | seconds, or any text in header, TOML| with `status`: the header `retry-after`                       |
| `code`        | a word                          | with `status`, `error`: the error's code (`insufficient_quota`)|
| `redirect`    | an address (link-local metadata)| a 307 to it                                                   |
| `delay`       | seconds                         | waits before anything is sent                                 |
| `first`       | seconds                         | sends the headers, waits before the first event               |
| `between`     | seconds                         | waits before every further event                              |
| `slow`        | bytes per second (1)            | sends the body at that speed                                  |
| `stall`       | N (0)                           | after N events nothing more comes; the connection stays open  |
| `cut`         | N (0)                           | after N events the connection closes, the body unfinished     |
| `reset`       | N (0)                           | after N events the connection is reset                        |
| `cutjson`     | N (1)                           | after N events half of the next one, then a clean end         |
| `error`       | N (0)                           | after N events an error in a 200, then a clean end            |
| `noend`       | no value                        | a stream without its end marker, the connection half-closed   |
| `badjson`     | no value                        | malformed JSON under a 200 (in a stream: one event)           |
| `html`        | no value                        | an HTML page, under a 200 or the given status                 |
| `empty`       | no value                        | no body, under a 200 or the given status                      |
| `usage`       | `missing`, `negative` or `text` | the counted tokens are left out, below zero, or words         |
| `huge`        | MiB (1024)                      | that much filler in the body (in a stream: in one event)      |
| `long`        | N words                         | a text answer of at least N words                             |
| `queued`      | N looks (for ever)              | a job waits in its queue for that many looks at it            |
| `failed`      | no value                        | a job ends in failure                                         |
| `times`       | K                               | acts on K requests, then the provider works again             |
| `skip`        | K                               | lets K requests pass first                                    |

With `stall`, `cut` and `reset`, N = 0 means that nothing at all is sent. An answer that is no stream counts as two
events, its halves. `times` and `skip` count per model.
"""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pipelex_like.deck import dotted
from pipelex_like.errors import ConfigError, Problem, did_you_mean
from pipelex_like.types import is_list, is_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX = "fault-"
METADATA = "http://169.254.169.254/latest/meta-data/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong with one answer; the module's table says what each field does."""

    status: int | None = None
    after: str | None = None
    code: str | None = None
    redirect: str | None = None
    delay: float = 0
    first: float = 0
    between: float = 0
    slow: float | None = None
    stall: int | None = None
    cut: int | None = None
    reset: int | None = None
    cutjson: int | None = None
    error: int | None = None
    noend: bool = False
    badjson: bool = False
    html: bool = False
    empty: bool = False
    usage: str | None = None
    huge: int | None = None
    long: int | None = None
    queued: int | None = None
    failed: bool = False
    times: int | None = None
    skip: int = 0


NO_FAULT = Fault()


@dataclass(frozen=True, slots=True)
class _Option:
    """`read` takes text or a TOML value and raises ValueError with what was wanted; `alone` stands for no value."""

    read: Callable[[object], object]
    alone: object = None


def _whole(low: int, high: int) -> Callable[[object], int]:
    def read(value: object) -> int:
        number = int(value) if isinstance(value, str) and re.fullmatch(r"\d{1,9}", value) else value
        if not isinstance(number, int) or isinstance(number, bool) or not low <= number <= high:
            raise ValueError(f"a whole number from {low} to {high}")
        return number

    return read


def _amount(value: object) -> float:
    if isinstance(value, str) and re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0:
        return float(value)
    raise ValueError("a number from 0")


def _speed(value: object) -> float:
    if speed := _amount(value):
        return speed
    raise ValueError("a number above 0")


def _text(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str) and value.isprintable():
        return value
    raise ValueError("text on one line")


def _flag(value: object) -> bool:
    words = {"true": True, "false": False, "": True, True: True, False: False}
    if isinstance(value, bool | str) and value in words:
        return words[value]
    raise ValueError("true or false")


def _spoilt(value: object) -> str:
    if value in ("missing", "negative", "text"):
        return str(value)
    raise ValueError('"missing", "negative" or "text"')


_COUNT = _whole(0, 999_999_999)
OPTIONS: Mapping[str, _Option] = {
    "status": _Option(_whole(300, 599)),
    "after": _Option(_text),
    "code": _Option(_text),
    "redirect": _Option(_text, METADATA),
    "delay": _Option(_amount),
    "first": _Option(_amount),
    "between": _Option(_amount),
    "slow": _Option(_speed, 1.0),
    "stall": _Option(_COUNT, 0),
    "cut": _Option(_COUNT, 0),
    "reset": _Option(_COUNT, 0),
    "cutjson": _Option(_COUNT, 1),
    "error": _Option(_COUNT, 0),
    "noend": _Option(_flag, True),
    "badjson": _Option(_flag, True),
    "html": _Option(_flag, True),
    "empty": _Option(_flag, True),
    "usage": _Option(_spoilt, "missing"),
    "huge": _Option(_whole(1, 100_000), 1024),
    "long": _Option(_whole(1, 1_000_000)),
    "queued": _Option(_COUNT, 999_999_999),
    "failed": _Option(_flag, True),
    "times": _Option(_whole(1, 999_999_999)),
    "skip": _Option(_COUNT),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRule:
    """A `[[fault]]` table: which requests it meets (patterns over model and path), and what then goes wrong."""

    model: str = "*"
    path: str = "*"
    fault: Fault

    def meets(self, model: str, path: str) -> bool:
        """Whether a request for this model at this path is meant."""
        return fnmatchcase(model, self.model) and fnmatchcase(path, self.path)


@dataclass(frozen=True, slots=True)
class FaultTable:
    """The rules of a file, in its order."""

    rules: tuple[FaultRule, ...] = ()


def fault_of_model(model: str) -> Fault | None:
    """Read the fault out of a model's name; None where the name asks for none. Raises ValueError."""
    if not model.startswith(PREFIX):
        return None
    words = re.split(r"[-+]", model.removeprefix(PREFIX))
    given: dict[str, object] = {}
    while words:
        name = words.pop(0)
        if name not in OPTIONS:
            raise ValueError(_unknown(name, f'the model name "{model}"'))
        takes_value = words and words[0] not in OPTIONS
        given[name] = words.pop(0) if takes_value else None
    return _fault(given, f'the model name "{model}"')


def fault_of_header(text: str) -> Fault:
    """Read the header `x-sandbox-fault`. Raises ValueError."""
    given: dict[str, object] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if name not in OPTIONS:
            raise ValueError(_unknown(name, "the header x-sandbox-fault"))
        given[name] = value if equals else None
    return _fault(given, "the header x-sandbox-fault")


def _fault(given: Mapping[str, object], where: str) -> Fault:
    fields: dict[str, object] = {}
    for name, value in given.items():
        option = OPTIONS[name]
        if value is None and option.alone is None:
            raise ValueError(f'{where}: the option "{name}" needs a value.')
        try:
            fields[name] = option.alone if value is None else option.read(value)
        except ValueError as wanted:
            raise ValueError(f'{where}: the option "{name}" takes {wanted}, not "{value}".') from None
    return replace(NO_FAULT, **fields)


def _unknown(name: str, where: str) -> str:
    hint = did_you_mean(name, OPTIONS)
    return f'{where}: there is no fault option "{name}". {hint or "Known are: " + ", ".join(OPTIONS) + "."}'


@dataclass(slots=True)
class _Reading:
    file: str
    problems: list[Problem] = field(default_factory=list[Problem])

    def report(self, code: str, path: tuple[str | int, ...], message: str, hint: str = "") -> None:
        key = dotted(path)
        self.problems.append(
            Problem(severity="error", code=code, file=self.file, message=message, key=key, hint=hint, path=path)
        )


def parse_faults(text: str, *, file: str = "faults.toml") -> FaultTable:
    """Read the text of a fault file; `file` names it in messages. Raises ConfigError with every problem in it."""
    reading = _Reading(file)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        reading.report("bad-toml", (), f"this is no valid TOML: {error}.")
        raise ConfigError(reading.problems) from None
    for key in data.keys() - {"fault"}:
        reading.report("unknown-key", (key,), f'there is no key "{key}" here.', "Write [[fault]] tables.")
    tables: object = data.get("fault", [])
    if not is_list(tables):
        reading.report("wrong-type", ("fault",), "this must be a list of tables.", "Write [[fault]] above each one.")
        tables = []
    rules = tuple(_rule(reading, table, ("fault", index)) for index, table in enumerate(tables))
    if reading.problems:
        raise ConfigError(reading.problems)
    return FaultTable(rules)


def _rule(reading: _Reading, table: object, path: tuple[str | int, ...]) -> FaultRule:
    if not is_table(table):
        reading.report("wrong-type", path, "this must be a table.", "Write [[fault]] above it.")
        return FaultRule(fault=NO_FAULT)
    patterns: dict[str, str] = {}
    fields: dict[str, object] = {}
    for key, value in table.items():
        if key in ("model", "path"):
            if isinstance(value, str) and value:
                patterns[key] = value
            else:
                reading.report("wrong-type", (*path, key), 'this must be a pattern in quotes, as "gpt-*".')
        elif option := OPTIONS.get(key):
            try:
                fields[key] = option.read(value)
            except ValueError as wanted:
                reading.report("wrong-value", (*path, key), f"this must be {wanted}.")
        else:
            hint = did_you_mean(key, [*OPTIONS, "model", "path"])
            reading.report("unknown-key", (*path, key), f'there is no fault option "{key}".', hint)
    return FaultRule(**patterns, fault=replace(NO_FAULT, **fields))
