"""The older words of one file, and today's in their place: keys, names of SDKs, ways to get an object."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelex_like.setup.migrate.spans import Edit, Span, spans_of, with_edits
from pipelex_like.specs import RENAMES
from pipelex_like.specs.words import method_of
from pipelex_like.types import is_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipelex_like.documents import DocumentName
    from pipelex_like.documents.locate import KeyPath

IGNORED = frozenset({"claude_4_tokens_limit", "model_specs_section"})
"""Keys of older backends.toml that nothing reads any more."""
_OUTER_FIRST = tuple(sorted(RENAMES, key=lambda rename: len(rename.table)))
_SDK_KEYS = ("sdk", "default_sdk")
_CHAINS = re.compile(r"^\[[ \t]*(?:[A-Za-z_]+\.)?waterfalls[ \t]*\][ \t]*(?:#[^\n]*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What is called differently today. `sdks` maps every accepted name of an SDK to ours; `whole` says that no
    other directory's files are merged with these, so that keys which add up here may become one."""

    sdks: Mapping[str, str] = field(default_factory=dict[str, str])
    whole: bool = True

    def in_text(self, text: str, document: DocumentName) -> str:
        """Give the text of a file in today's words. Raises ValueError for a text that cannot be followed."""
        found = spans_of(text)
        edits = [edit for span in found for edit in self._edits(span, found, text, document)]
        text = with_edits(text, edits)
        return _as_aliases(text) if document == "deck" else text

    def _edits(self, span: Span, found: list[Span], text: str, document: DocumentName) -> Iterable[Edit]:
        last = span.path[-1] if span.path else None
        if not isinstance(last, str):
            return
        if document == "backends" and span.what == "pair" and len(span.path) == 2 and last in IGNORED:
            yield _without(span, text)
        elif span.what == "key":
            new = self._key(span.path, found, document)
            if new is not None:
                yield Edit(span.start, span.end, new)
        elif span.what == "value" and document == "specs" and len(span.path) <= 2:
            new = self._value(last, text[span.start : span.end])
            if new is not None:
                yield Edit(span.start, span.end, f'"{new}"')

    def _key(self, path: KeyPath, found: list[Span], document: DocumentName) -> str | None:
        if document == "specs":
            return self._spec_key(path, found)
        if document != "deck":
            return None
        present = present_path(path)
        return str(present[-1]) if present[-1] != path[-1] else None

    def _spec_key(self, path: KeyPath, found: list[Span]) -> str | None:
        match path:
            case (_, "constraints") if self.whole and not _has(found, "listed_constraints"):
                return "listed_constraints"
            case (_, "provider") if self.whole and not _has(found, "variant"):
                return "variant"
            case (handle, "costs", "output_reasoning") if not _has(found, "reasoning", (handle, "costs")):
                return "reasoning"
            case _:
                return None

    def _value(self, key: str, raw: str) -> str | None:
        """Give the present word in a value's place, or None where it is present already."""
        if key not in (*_SDK_KEYS, "structure_method"):
            return None
        word = tomllib.loads(f"value = {raw}")["value"]
        if not isinstance(word, str):
            return None
        try:
            new = self.sdks.get(word, word) if key in _SDK_KEYS else method_of(word)
        except ValueError:
            return None
        return new if new != word else None


def present_path(path: KeyPath) -> KeyPath:
    """Give a deck's path with every key under its present name."""
    for rename in _OUTER_FIRST:
        depth = len(rename.table)
        inside = rename.document == "deck" and len(path) > depth and path[depth] == rename.old
        if inside and all(part in ("*", key) for part, key in zip(rename.table, path, strict=False)):
            path = (*path[:depth], rename.new, *path[depth + 1 :])
    return path


def _has(found: list[Span], key: str, beside: KeyPath | None = None) -> bool:
    """Whether the file has that key anywhere, or in the table `beside`."""
    return any(
        span.what == "key" and span.path[-1] == key and (beside is None or span.path[:-1] == beside) for span in found
    )


def _without(pair: Span, text: str) -> Edit:
    """Take a pair out: with its line, if nothing else stands on it."""
    start = text.rfind("\n", 0, pair.start) + 1
    end = text.find("\n", pair.end)
    end = len(text) if end < 0 else end + 1
    alone = not text[start : pair.start].strip() and not text[pair.end : end].strip()
    return Edit(start, end, "") if alone else Edit(pair.start, pair.end, "")


def _as_aliases(text: str) -> str:
    """Turn `[waterfalls]` tables into lists among the aliases: by their name, or moved to the aliases' table."""
    while (header := _CHAINS.search(text)) is not None:
        data: dict[str, object] = tomllib.loads(text)
        kind, _, _ = header.group().strip("[ \t").partition("waterfalls")
        kind = kind.rstrip(".")
        inner = data.get(kind) if kind else data
        aliases = inner.get("aliases") if is_table(inner) else None
        chains = inner.get("waterfalls") if is_table(inner) else None
        if aliases is not None and is_table(chains) and is_table(aliases) and not chains.keys().isdisjoint(aliases):
            return text
        moved = _moved(text, header, kind) if aliases is not None else _named(text, header)
        if moved is None:
            return text
        text = moved
    return text


def _named(text: str, header: re.Match[str]) -> str:
    start = text.index("waterfalls", header.start())
    return f"{text[:start]}aliases{text[start + len('waterfalls') :]}"


def _moved(text: str, header: re.Match[str], kind: str) -> str | None:
    """Move the lines of a table of chains, with the comment right above it, behind those of the aliases."""
    name = f"{kind}.aliases" if kind else "aliases"
    home = re.search(rf"^\[[ \t]*{re.escape(name)}[ \t]*\]", text, re.MULTILINE)
    if home is None:
        return None
    top = _comment_above(text, header.start())
    end = _end_of(text, header.end())
    _, sign, said = header.group().partition("#")
    beside = f"#{said}\n" if sign else ""
    lines = text[top : header.start()] + beside + text[header.end() + 1 : end]
    rest = text[:top] + text[end:]
    place = _end_of(rest, home.end() if home.start() < top else home.end() - (end - top))
    gap = "" if rest[:place].endswith("\n") or not place else "\n"
    return f"{rest[:place]}{gap}{lines}{rest[place:]}"


def _comment_above(text: str, start: int) -> int:
    while start:
        line = text.rfind("\n", 0, start - 1) + 1
        if not text[line:start].lstrip(" \t").startswith("#"):
            break
        start = line
    return start


def _end_of(text: str, start: int) -> int:
    """Where the lines of a table end: before the next header, and before what stands above that by itself."""
    pairs = [span for span in spans_of(text) if span.what in ("pair", "header") and span.start >= start]
    last = start
    for span in pairs:
        if span.what == "header":
            break
        last = max(last, span.end)
    end = text.find("\n", last)
    return len(text) if end < 0 else end + 1
