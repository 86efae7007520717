"""`usage`: what the ledger says was used, and what it cost."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipelex_like.cli import options as opt
from pipelex_like.cli.console import note, out, say_json, table
from pipelex_like.cli.failures import answering, refuse
from pipelex_like.cli.session import usage_errors
from pipelex_like.errors import ConfigError, Problem
from pipelex_like.usage.reading import Reading, read_ledger
from pipelex_like.usage.summary import GROUPINGS, Grouping, Totals

if TYPE_CHECKING:
    from collections.abc import Mapping

_NUMBERS: Mapping[str, str] = {
    "requests": "requests",
    "failed": "failed",
    "from_cache": "from cache",
    "input_tokens": "input",
    "output_tokens": "output",
    "cached_tokens": "cached",
    "cache_write_tokens": "cache writes",
    "reasoning_tokens": "reasoning",
    "pages": "pages",
    "images": "images",
    "estimated": "estimated",
    "unpriced": "no price",
}
"""Totals -> the column that shows it; `requests` always stands there, another where it is not zero throughout."""

_SHORTEST, _LONGEST = 10, 80


def usage(
    *,
    by: Annotated[str, typer.Option("--by", help=f"What to group by: {', '.join(GROUPINGS)}.")] = "day",
    since: Annotated[str | None, typer.Option("--since", metavar="DAY", help="First day, as 2026-11-01 (UTC).")] = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DAY", help="Last day, included.")] = None,
    ledger: Annotated[
        Path | None,
        typer.Option(
            "--ledger", help="The file to read; else the one that the configuration names, else $PIPELEX_LEDGER."
        ),
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the cost of each group as a bar.")] = False,
    as_json: opt.Json = False,
    config_dir: opt.ConfigDir = None,
    env_file: opt.EnvFile = None,
) -> None:
    """Tell what was used and what it cost, from the ledger.

    Example: pipelex-like usage --by model --since 2026-11-01
    """
    if plot and as_json:
        refuse("--plot draws and --json does not: give one of them")
    grouping, first, last = _grouping(by), _day("--since", since), _day("--until", until)
    with answering(as_json=as_json), usage_errors():
        path = ledger or _configured(config_dir, env_file)
        if ledger is None and not path.exists():
            reading = Reading(groups={}, total=Totals())
        else:
            reading = read_ledger(path, by=grouping, since=first, until=last)
    if as_json:
        say_json(_record(reading, path, {"by": by, "since": since, "until": until}))
    elif plot:
        _draw(reading)
    elif reading.groups:
        _tabulate(reading, by)
    if not reading.groups and not as_json:
        note(f"{path}: nothing was written for these days", style="dim")
    if reading.unreadable:
        left_out = f"{reading.unreadable} records cannot be read and are left out"
        note(f"{path}: {left_out}, the first of them: {reading.first_unreadable}", style="yellow")


def _configured(config_dir: Path | None, env_file: Path | None) -> Path:
    """The ledger that the configuration writes to; it need not be without faults for that."""
    from pipelex_like.engine.load import Source, read
    from pipelex_like.usage.ledger import ledger_path

    loaded = read(Source(config_dir=config_dir, env_file=env_file, lenient=True))
    kept = loaded.deck.profiles.ledger
    path = ledger_path(None if kept is None else kept.path, loaded.variables, loaded.place.root)
    if path is None:
        message = (
            "no ledger is kept, so there is nothing to read. To keep one from now on, write\n"
            '  [ledger]\n  path = ".pipelex/usage.sqlite"\n'
            "into this file, or set PIPELEX_LEDGER to such a path. To read another, give it as --ledger FILE."
        )
        raise ConfigError([Problem(severity="error", code="no-ledger", file="routing_profiles.toml", message=message)])
    return path


def _grouping(word: str) -> Grouping:
    for grouping in GROUPINGS:
        if word == grouping:
            return grouping
    refuse(f"--by wants {', '.join(GROUPINGS)}, not {word!r}")


def _day(option: str, text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        refuse(f"{option} wants a day such as 2026-11-01, not {text!r}")


def _record(reading: Reading, path: Path, asked: Mapping[str, object]) -> dict[str, object]:
    return {
        "ledger": str(path),
        **asked,
        "groups": [{"name": name, **_numbers(totals)} for name, totals in reading.groups.items()],
        "total": _numbers(reading.total),
        "unreadable": reading.unreadable,
    }


def _numbers(totals: Totals) -> dict[str, object]:
    """Totals as plain values; a cost that is known for none of the requests is null, not zero."""
    record = asdict(totals)
    cost, seconds = record.pop("cost"), record.pop("seconds")
    return {**record, "cost_usd": None if _unknown(totals) else cost, "seconds": round(seconds, 3)}


def _unknown(totals: Totals) -> bool:
    return totals.unpriced > 0 and totals.unpriced == totals.requests


def _tabulate(reading: Reading, by: str) -> None:
    shown = [name for name in _NUMBERS if name == "requests" or getattr(reading.total, name)]
    columns = [by, *(_NUMBERS[name] for name in shown), "cost (USD)"]
    rows = [_row(name, totals, shown) for name, totals in reading.groups.items()]
    table("", columns, [*rows, _row("total", reading.total, shown)])
    if by == "tag":
        note("a request counts for each of its tags, and in the total once", style="dim")


def _row(name: str, totals: Totals, shown: list[str]) -> list[str]:
    return [_shown(name), *(f"{getattr(totals, number):,}" for number in shown), _cost(totals)]


def _shown(name: str) -> str:
    """A name as it may go to a terminal: tags are anybody's words."""
    return name if name.isprintable() else repr(name)


def _cost(totals: Totals) -> str:
    """What is known of the cost: cents, and as many more places as a small sum needs to be seen."""
    cost = totals.cost
    if _unknown(totals):
        return "unknown"
    return f"{cost:,.2f}" if cost >= 1 or not cost else f"{cost:,.{max(2, 1 - cost.adjusted())}f}"


def _draw(reading: Reading) -> None:
    from rich.text import Text

    most = max((totals.cost for totals in reading.groups.values()), default=0)
    lines = [(_shown(name), totals.cost, _with_unknown(totals)) for name, totals in reading.groups.items()]
    widest = max((len(name) for name, _, _ in lines), default=0)
    taken = widest + max((len(cost) for _, _, cost in lines), default=0) + len("   ")
    room = max(_SHORTEST, min(_LONGEST, out().width - taken))
    for name, cost, told in lines:
        length = round(room * cost / most) if most else 0
        bar = "#" * (length or bool(cost))
        out().print(Text(f"{name.ljust(widest)}  {bar} {told}"))


def _with_unknown(totals: Totals) -> str:
    """The cost, and how many requests are not in it: `0.0123 + 2 unknown`."""
    return f"{_cost(totals)} + {totals.unpriced} unknown" if totals.unpriced and not _unknown(totals) else _cost(totals)
