"""What to say of a directory of Pipelex's that was carried over: what is unserved, and what we read otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.routing.patterns import Ranked
from pipelex_like.setup.migrate.migration import NOT_CARRIED, OTHERWISE, STAYS, note
from pipelex_like.types import is_table
from pipelex_like.workers.registry import NAMED_ONLY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from pipelex_like.deck import BoundDeck
    from pipelex_like.documents import Documents, SourceFile
    from pipelex_like.errors import Problem
    from pipelex_like.setup.editing.outlook import Outlook

_LEFT = frozenset({"kind-not-served", "no-spec-file", "no-backend", "unknown-file"})
_NOT_APPLIED: Mapping[tuple[str, ...], str] = {
    ("llm", "default_temperature"): "Write temperature in the presets that shall have it.",
    ("llm", "choice_defaults", "default_temperature"): "Write temperature in the presets that shall have it.",
    ("img_gen", "default_quality"): "Write quality in the presets that shall have it.",
}


def told(after: Outlook, own: frozenset[Path]) -> tuple[Problem, ...]:
    """Give the notes; `own` are the files that were carried over, of which alone something is said."""
    documents = after.loaded.documents
    files = {file.shown: file for file in documents.files if file.path in own}
    found = [
        note(STAYS, problem.file, problem.key, f"{problem.message} It stays as it is.", problem.hint, line=problem.line)
        for problem in after.problems
        if problem.code in _LEFT
    ]
    found += _unserved_sdks(documents, files)
    found += _not_applied(documents)
    if after.bound is not None:
        found += _other_winners(after.bound.deck, documents)
        found += _closed_order(after.bound.deck, documents)
    return tuple(found)


def _unserved_sdks(documents: Documents, files: Mapping[str, SourceFile]) -> Iterable[Problem]:
    names = {sdk.sdk for sdk in NAMED_ONLY}
    for document in documents.specs.values():
        tables = {name: table for name, table in document.data.items() if is_table(table)}
        keys = [(("default_sdk",), document.data.get("default_sdk"))]
        keys += [((name, "sdk"), table.get("sdk")) for name, table in tables.items()]
        for path, sdk in keys:
            origin = document.origin(path)
            if isinstance(sdk, str) and sdk in names and origin.file in files:
                line = documents.line(origin.file, origin.path)
                message = f'there is no worker for "{sdk}" here: its models load, and calling one says so.'
                yield note(NOT_CARRIED, origin.file, origin.key, message, line=line)


def _not_applied(documents: Documents) -> Iterable[Problem]:
    for path, hint in _NOT_APPLIED.items():
        table: object = documents.deck.data
        for key in path:
            table = table.get(key) if is_table(table) else None
        if table is not None:
            origin = documents.deck.origin(path)
            line = documents.line(origin.file, origin.path)
            message = "this is read and has no effect here."
            yield note(OTHERWISE, origin.file, origin.key, message, hint, line=line)


def _other_winners(bound: BoundDeck, documents: Documents) -> Iterable[Problem]:
    """Tell the models that the first pattern of the file gave to another backend than the most specific one does."""
    for profile in bound.deck.profiles.profiles.values():
        patterns = Ranked((rule.pattern, rule) for rule in profile.rules)
        places = {rule: place for place, rule in enumerate(profile.rules)}
        differing: dict[tuple[str, str], list[str]] = {}
        for handle in bound.handles:
            matches = patterns.matches(handle)
            if len(matches) < 2 or matches[0].literals is None:
                continue
            first = min(matches, key=lambda match: places[match.rule])
            if first.rule.backend != matches[0].rule.backend:
                differing.setdefault((first.text, matches[0].text), []).append(handle)
        for (first_text, best), handles in differing.items():
            origin = next(rule.origin for rule in profile.rules if rule.pattern == best)
            message = (
                f'of two patterns the more specific one decides here, "{best}", where Pipelex took the first of the '
                f'file, "{first_text}": {_some(handles)}.'
            )
            hint = "Write an exact route for a model that shall go where it went."
            yield note(OTHERWISE, origin.file, origin.key, message, hint, line=documents.line(origin.file, origin.path))


def _closed_order(bound: BoundDeck, documents: Documents) -> Iterable[Problem]:
    """Tell the models that only a backend outside a `fallback_order` has, which is closed here."""
    profile = bound.profile
    if profile.fallback_order is None:
        return
    asked = {*profile.fallback_order, profile.default, "internal"}
    rules = Ranked((rule.pattern, rule) for rule in profile.rules)
    lost: list[str] = []
    for handle, backends in bound.handles.items():
        served = [name for name in backends if bound.backends[name].spec.enabled is not False]
        routed = any(match.rule.backend in backends for match in rules.matches(handle))
        if served and not routed and asked.isdisjoint(served):
            lost.append(handle)
    if lost:
        origin = profile.where("fallback_order")
        message = f"a fallback_order is closed here: nobody in it serves {_some(lost)}."
        hint = "Add a backend that does, or a route, or pin the model where it is named."
        yield note(OTHERWISE, origin.file, origin.key, message, hint, line=documents.line(origin.file, origin.path))


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(f'"{name}"' for name in names[:5]) + more
