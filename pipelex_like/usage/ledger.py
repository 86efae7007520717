"""The ledger: a file that keeps every record, in one of two forms."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.usage.sinks import Sink

VARIABLE = "PIPELEX_LEDGER"
_FORMS: Mapping[str, Literal["jsonl", "sqlite"]] = {
    ".jsonl": "jsonl",
    ".sqlite": "sqlite",
    ".sqlite3": "sqlite",
    ".db": "sqlite",
}


def open_ledger(path: Path) -> Sink:
    """Give the sink that appends to a file: `.jsonl` a line for each record, `.sqlite`, `.sqlite3` or `.db` a row.

    The file and its folder are made with the first record. Raises ValueError for any other suffix.
    """
    # Each form's modules are loaded when it is used.
    from pipelex_like.usage.writing import LedgerSink

    if form_of(path) == "jsonl":
        from pipelex_like.usage.ledger_jsonl import JsonLines

        return LedgerSink(path, lambda: JsonLines(path))
    from pipelex_like.usage.ledger_sqlite import Table

    return LedgerSink(path, lambda: Table(path))


def form_of(path: Path) -> Literal["jsonl", "sqlite"]:
    """Tell what a ledger's suffix stands for; raises ValueError for one that stands for nothing."""
    form = _FORMS.get(path.suffix)
    if form is None:
        raise ValueError(f"{path}: a ledger's name ends in {', '.join(_FORMS)}, which says how it is written")
    return form


def ledger_path(written: str | None, variables: Mapping[str, str], root: Path) -> Path | None:
    """Tell where the ledger stands: where the configuration says, else where PIPELEX_LEDGER says, else nowhere.

    A relative path starts at `root`, the project's folder.
    """
    place = written or variables.get(VARIABLE, "").strip()
    return root / Path(place).expanduser() if place else None
