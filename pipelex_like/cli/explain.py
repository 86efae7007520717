"""`explain`: where references lead and why, one by one, all at once, or under two profiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from pipelex_like.cli import completion
from pipelex_like.cli import options as opt
from pipelex_like.cli.console import note, say, say_json, table
from pipelex_like.cli.failures import answering, refuse
from pipelex_like.cli.looking import KindOption, kind_of
from pipelex_like.cli.session import parse_settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipelex_like.engine.load import Bound, Loaded
    from pipelex_like.routing.survey import Change, Row
    from pipelex_like.setup.explain.example_cost import Sample
    from pipelex_like.types import Kind

EXAMPLE = "The call"
_TURNS = {
    "elsewhere": "goes elsewhere",
    "begins": "begins to resolve",
    "stops": "stops resolving",
    "fallbacks": "other fallbacks",
    "settings": "other settings",
}


Reference = Annotated[
    str | None,
    typer.Argument(
        help="preset:x, alias:x, a model's name, or backend/model.",
        metavar="REFERENCE",
        autocompletion=completion.references,
    ),
]
All = Annotated[bool, typer.Option("--all", help="Every default choice, preset and alias, in a table.")]
Diff = Annotated[
    tuple[str, str] | None,
    typer.Option("--diff", metavar="PROFILE PROFILE", help="What changes from one profile to another."),
]
Models = Annotated[bool, typer.Option("--models", help="With --all and --diff: the models' own names, too.")]
Tokens = Annotated[
    str | None,
    typer.Option("--tokens", metavar="IN,OUT", help="Of the example call; else 1000,500.", rich_help_panel=EXAMPLE),
]
Pages = Annotated[int, typer.Option("--pages", min=1, help="Of the example call.", rich_help_panel=EXAMPLE)]
Images = Annotated[int, typer.Option("--images", min=1, help="Of the example call.", rich_help_panel=EXAMPLE)]


def explain(
    reference: Reference = None,
    *,
    every: All = False,
    diff: Diff = None,
    models: Models = False,
    kind: KindOption = None,
    tokens: Tokens = None,
    pages: Pages = 1,
    images: Images = 1,
    settings: opt.Set = None,
    provider: opt.Provider = None,
    only: opt.Only = None,
    exclude: opt.Exclude = None,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    profile: opt.Profile = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Tell how a reference is resolved: every step with file and line, what lost, what is sent, and what it costs.

    Example: pipelex-like explain preset:llm_to_extract_invoice --profile hybrid
    """
    from pipelex_like.engine.load import Source, read

    if (reference is not None) + every > 1 or (reference is None and not every and diff is None):
        refuse("say what to explain: a reference such as preset:x, or --all, or --diff PROFILE PROFILE")
    wanted, sample = kind_of(kind), _sample(tokens, pages, images)
    call = Call(parse_settings(settings), provider, only or None, exclude or ())
    with answering(as_json=as_json):
        loaded = read(Source(config_dir=config_dir, env_file=env_file, lenient=True))
        if diff is not None:
            _diff(loaded, diff, Names(reference, wanted, models), as_json=as_json)
        elif reference is not None:
            _one(loaded, profile, Names(reference, wanted), sample=sample, call=call, as_json=as_json)
        else:
            _all(loaded, profile, Names(None, wanted, models), as_json=as_json)


@dataclass(frozen=True, slots=True)
class Call:
    """The options of the call that is explained."""

    settings: Mapping[str, object]
    provider: str | None
    only: Sequence[str] | None
    exclude: Sequence[str]


@dataclass(frozen=True, slots=True)
class Names:
    """Which references are asked about: one, or all of the deck (`models`: with the models' own names)."""

    reference: str | None
    kind: Kind | None
    models: bool = False

    def rows(self, bound: Bound) -> tuple[Row, ...]:
        """Where each of them leads."""
        from pipelex_like.routing.survey import survey

        named = None if self.reference is None else [self.reference]
        return survey(bound.router, kind=self.kind, models=self.models, references=named)


def _sample(tokens: str | None, pages: int, images: int) -> Sample:
    from pipelex_like.setup.explain.example_cost import Sample

    if tokens is None:
        return Sample(pages=pages, images=images)
    numbers = tokens.split(",")
    if len(numbers) != 2 or not all(number.strip().isdecimal() for number in numbers):
        refuse(f"--tokens wants two numbers, tokens in and tokens out, for example 1000,500, not {tokens!r}")
    return Sample(input_tokens=int(numbers[0]), output_tokens=int(numbers[1]), pages=pages, images=images)


def _bound(loaded: Loaded, profile: str | None) -> Bound:
    from pipelex_like.engine.load import bind_to, log_warnings

    bound = bind_to(loaded, profile)
    log_warnings(bound.loaded.warnings)
    return bound


def _one(loaded: Loaded, profile: str | None, names: Names, *, sample: Sample, call: Call, as_json: bool) -> None:
    from pipelex_like.setup.explain.explaining import completed

    told = _bound(loaded, profile).router.explain(
        names.reference or "",
        names.kind,
        settings=call.settings,
        provider=call.provider,
        only=call.only,
        exclude=call.exclude,
    )
    told = completed(told, loaded.documents, sample)
    if as_json:
        say_json(told.to_dict())
    else:
        say(str(told))
    if told.error is not None:
        raise typer.Exit(1)


def _all(loaded: Loaded, profile: str | None, names: Names, *, as_json: bool) -> None:
    bound = _bound(loaded, profile)
    rows = names.rows(bound)
    if as_json:
        lines = (loaded.documents.line(row.origin.file, row.origin.path) for row in rows)
        say_json([{**row.to_dict(), "line": line} for row, line in zip(rows, lines, strict=True)])
        return
    table("", ["reference", "what", "kind", "first candidate", "more", "why not"], map(_cells, rows))
    served = sum(bool(row.candidates) for row in rows)
    profile_said = f'under the profile "{bound.deck.profile.name}"' if bound.deck.profile.name else "without a profile"
    note(f"{served} of {len(rows)} lead somewhere {profile_said}; explain REFERENCE tells more")


def _cells(row: Row) -> tuple[str, ...]:
    first = row.candidates[0] if row.candidates else None
    more = len(row.candidates) - 1
    what = f"{row.what} {row.slot}".strip() if row.slot != "default" else row.what
    return (
        row.reference,
        what,
        row.kind or "",
        f"{first.handle} at {first.backend}" if first else "-",
        str(more) if more > 0 else "",
        row.why or (f"{first.backend} is broken: {first.broken}" if first and first.broken else ""),
    )


def _diff(loaded: Loaded, profiles: tuple[str, str], names: Names, *, as_json: bool) -> None:
    from pipelex_like.routing.survey import compare

    first, second = (_bound(loaded, profile) for profile in profiles)
    rows = names.rows(first)
    changes = compare(rows, names.rows(second))
    states = [
        {"name": name, "before": held.state, "after": second.deck.backends[name].state}
        for name, held in first.deck.backends.items()
        if held.state != second.deck.backends[name].state
    ]
    if as_json:
        record = {"profiles": list(profiles), "changes": [change.to_dict() for change in changes]}
        say_json({**record, "unchanged": len(rows) - len(changes), "backends": states})
        return
    for state in states:
        say(f"backend {state['name']}: {state['before']} -> {state['after']}")
    if changes:
        titles = ["reference", "kind", "change", *profiles]
        table("", titles, map(_sides, changes))
    unchanged = len(rows) - len(changes)
    note(f"{len(changes)} of {len(rows)} references change from {profiles[0]} to {profiles[1]}; {unchanged} stay")


def _sides(change: Change) -> tuple[str, ...]:
    before, after = change.before, change.after
    name = f"{before.reference} ({before.slot})" if before.slot not in ("", "default") else before.reference
    return name, before.kind or "", _TURNS[change.turn], _way(change, before), _way(change, after)


def _way(change: Change, row: Row) -> str:
    """Who is asked, as far as it matters for the change."""
    if not row.candidates:
        return "-"
    named = [f"{made.handle} at {made.backend}" for made in row.candidates]
    if change.turn == "fallbacks":
        return ", then ".join(named)
    if change.turn == "settings":
        return "; ".join(f"{key} = {value}" for key, value in row.candidates[0].settings.items()) or "none"
    return named[0] + (f", then {len(named) - 1} more" if len(named) > 1 else "")
