"""A record as the flat row that both forms of the ledger keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelex_like.types import Usage
from pipelex_like.usage.summary import day_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipelex_like.types import UsageRecord

Cell = str | int | float | list[str] | None

COUNTS = tuple(name for name in Usage.__dataclass_fields__ if name != "estimated")
COLUMNS: Mapping[str, str] = {
    "at": "REAL",
    "day": "TEXT",
    "request_id": "TEXT NOT NULL",
    "attempt": "INTEGER NOT NULL",
    "kind": "TEXT",
    "reference": "TEXT",
    "preset": "TEXT",
    "profile": "TEXT",
    "backend": "TEXT",
    "handle": "TEXT",
    "model_id": "TEXT",
    "sdk": "TEXT",
    "outcome": "TEXT",
    "error": "TEXT",
    "status": "INTEGER",
    **dict.fromkeys(COUNTS, "INTEGER"),
    "cost": "TEXT",
    "cost_note": "TEXT",
    "measured": "INTEGER",
    "latency": "REAL",
    "first_token": "REAL",
    "streamed": "INTEGER",
    "cached": "INTEGER",
    "over_limit": "TEXT",
    "simulated": "INTEGER",
    "provider_request_id": "TEXT",
    "tags": "TEXT",
}
"""The columns by name, with the types that SQLite gives them."""

_LARGEST = 2**63 - 1


def row_of(record: UsageRecord) -> dict[str, Cell]:
    """Give a record's cells in the order of COLUMNS; `cost` is exact decimal text."""
    usage = record.usage
    row: dict[str, Cell] = {
        "at": record.at,
        "day": day_of(record.at),
        "request_id": record.request_id,
        "attempt": record.attempt,
        "kind": record.kind,
        "reference": record.reference,
        "preset": record.preset,
        "profile": record.profile,
        "backend": record.backend,
        "handle": record.handle,
        "model_id": record.model_id,
        "sdk": record.sdk,
        "outcome": record.outcome,
        "error": record.error,
        "status": record.status,
        **{name: getattr(usage, name) for name in COUNTS},
        "cost": None if record.cost is None else f"{record.cost:f}",
        "cost_note": record.cost_note,
        "measured": record.measured and not usage.estimated,
        "latency": record.latency,
        "first_token": record.first_token,
        "streamed": record.streamed,
        "cached": record.cached,
        "over_limit": record.over_limit,
        "simulated": record.simulated,
        "provider_request_id": record.provider_request_id,
        "tags": list(record.tags),
    }
    return {name: _storable(cell) for name, cell in row.items()}


def _storable(cell: Cell) -> Cell:
    """Make of a cell what every form can hold: whole numbers of 64 bits, and text without half characters."""
    if isinstance(cell, str):
        return cell if cell.isascii() else cell.encode("utf-8", "replace").decode("utf-8")
    if isinstance(cell, list):
        return [text.encode("utf-8", "replace").decode("utf-8") for text in cell]
    if isinstance(cell, int) and not isinstance(cell, bool):
        return max(-_LARGEST, min(cell, _LARGEST))
    return cell
