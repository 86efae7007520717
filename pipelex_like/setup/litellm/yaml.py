"""A YAML file, read so that no bytes harm: plain values, with the line of each."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from pipelex_like.documents.read import read_text
from pipelex_like.errors import ConfigError, Problem

if TYPE_CHECKING:
    from pathlib import Path

    from yaml import Node

KeyPath = tuple[str | int, ...]

_MOST_NODES = 200_000
_DEEPEST = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Yaml:
    """What a file says (texts, numbers, flags, None, lists, dicts with text keys) and the lines of its keys and
    list elements. `twice` are the paths of keys that stand in one mapping twice, of which the last counts."""

    shown: str
    data: dict[str, object] = field(repr=False)
    lines: dict[KeyPath, int] = field(repr=False)
    twice: tuple[KeyPath, ...] = ()

    def line(self, *path: str | int) -> int | None:
        """Give the line of what stands at the path, or of what is around it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return None


def read_yaml(path: Path, shown: str) -> Yaml:
    """Read a YAML file of at most 5 MB.

    Raises ConfigError, with the line, for what is no UTF-8, no YAML, no mapping, or grows without measure (aliases
    within aliases), and where PyYAML is not installed.
    """
    text = read_text(path, shown)
    if isinstance(text, Problem):
        raise ConfigError([text])
    try:
        import yaml
    except ImportError:
        message = 'reading YAML needs: pip install "pipelex-like[migrate]"'
        raise _error("needs-extra", shown, message) from None
    try:
        # The loader of libyaml is faster, and has no bound of its own on depth.
        loader: Any = yaml.SafeLoader(text)
        root: Node | None = loader.get_single_node()
        if root is None:
            return Yaml(shown=shown, data={}, lines={})
        walk = _Walk(shown)
        walk.measure(root, 0)
        walk.note(root, ())
        data = _plain(loader.construct_document(root))
    except yaml.MarkedYAMLError as error:
        raise _bad_yaml(shown, text, error) from None
    except yaml.YAMLError:
        raise _error("bad-yaml", shown, "this file has a character that YAML does not allow", _odd_line(text)) from None
    except ValueError:
        message = "a value looks like a date or a number and is none; put it in quotes"
        raise _error("bad-yaml", shown, message) from None
    except RecursionError:
        raise _too_deep(shown) from None
    if not isinstance(data, dict):
        message = "this is no mapping: a config.yaml of LiteLLM begins with `model_list:`"
        raise _error("bad-yaml", shown, message, 1)
    return Yaml(shown=shown, data=cast("dict[str, object]", data), lines=walk.lines, twice=tuple(walk.twice))


class _Walk:
    """Goes through nodes: measures what aliases would make of them, then notes lines."""

    def __init__(self, shown: str) -> None:
        self.shown = shown
        self.lines: dict[KeyPath, int] = {}
        self.twice: list[KeyPath] = []
        self._sizes: dict[int, int] = {}
        self._open: set[int] = set()

    def measure(self, node: Node, depth: int) -> int:
        """Count the nodes, those behind aliases as often as they are used."""
        known = self._sizes.get(id(node))
        if known is not None:
            return known
        line = node.start_mark.line + 1
        if depth > _DEEPEST:
            raise _too_deep(self.shown, line)
        if id(node) in self._open:
            raise _error("bad-yaml", self.shown, "an anchor stands inside of itself here", line)
        self._open.add(id(node))
        size = 1 + sum(self.measure(child, depth + 1) for _, _, child in _children(node))
        self._open.discard(id(node))
        if size > _MOST_NODES:
            message = f"the aliases of this file stand for more than {_MOST_NODES} values, so it was not read"
            raise _error("too-large", self.shown, message, line)
        self._sizes[id(node)] = size
        return size

    def note(self, node: Node, path: KeyPath) -> None:
        """Note the line of every key and list element; what `<<` brings in keeps the line where it was written."""
        seen: set[str | int] = set()
        for key, line, child in _children(node):
            if key == "<<":
                for inner in _merged(child):
                    self._under(inner, path)
            if key is None or key == "<<":
                continue
            if key in seen:
                self.twice.append((*path, key))
            seen.add(key)
            self.lines[(*path, key)] = line
            self.note(child, (*path, key))

    def _under(self, node: Node, path: KeyPath) -> None:
        for key, line, child in _children(node):
            if isinstance(key, str):
                self.lines.setdefault((*path, key), line)
                self.note(child, (*path, key))


def _children(node: Node) -> list[tuple[str | int | None, int, Node]]:
    """Give the values inside, each with its key and the line of that; also keys that are no scalars (None)."""
    held: Any = node.value
    if isinstance(held, str):
        return []
    if not (held and isinstance(held[0], tuple)):
        return [(place, child.start_mark.line + 1, child) for place, child in enumerate(held)]
    found: list[tuple[str | int | None, int, Node]] = []
    for key, value in held:
        plain = isinstance(key.value, str)
        if not plain:
            found.append((None, key.start_mark.line + 1, key))
        found.append((str(key.value) if plain else None, key.start_mark.line + 1, value))
    return found


def _merged(node: Node) -> list[Node]:
    """Give the mappings that a `<<` brings in."""
    children = _children(node)
    listed = all(isinstance(key, int) for key, _, _ in children)
    return [inner for _, _, inner in children] if listed else [node]


def _plain(value: object) -> object:
    """Give dates as they were written, keys as texts."""
    if isinstance(value, dict):
        return {str(key): _plain(inner) for key, inner in cast("dict[object, object]", value).items()}
    if isinstance(value, list | tuple | set):
        return [_plain(inner) for inner in cast("list[object]", value)]
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _bad_yaml(shown: str, text: str, error: Any) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    line: int | None = None if mark is None else mark.line + 1
    lines = text.split("\n")
    here: str = lines[line - 1] if line is not None and line <= len(lines) else ""
    if "\t" in here[: len(here) - len(here.lstrip())] or "'\\t'" in str(error.problem):
        return _error("bad-yaml", shown, "a tab stands here; YAML is indented by spaces alone", line)
    # Parts of the line stay out of the message: it may hold a key.
    what = str(error.problem or error.context or "it cannot be read").split("'")[0].strip() or "it cannot be read"
    return _error("bad-yaml", shown, f"this is not valid YAML: {what}", line)


def _odd_line(text: str) -> int | None:
    odd = next((place for place, sign in enumerate(text) if ord(sign) < 32 and sign not in "\t\n\r"), None)
    return None if odd is None else text.count("\n", 0, odd) + 1


def _too_deep(shown: str, line: int | None = None) -> ConfigError:
    return _error("too-deep", shown, f"values are nested more than {_DEEPEST} deep", line)


def _error(code: str, shown: str, message: str, line: int | None = None) -> ConfigError:
    return ConfigError([Problem(severity="error", code=code, file=shown, line=line, message=message)])
