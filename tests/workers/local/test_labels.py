from __future__ import annotations

import pytest

from pipelex_like.workers.local.labels import labelled, positions
from pipelex_like.workers.local.readings import dates, numbers


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Vendor: Maple & Finch Ltd", [("Vendor", "Maple & Finch Ltd")]),
        ("Total due:   12.50     Currency: EUR", [("Total due", "12.50"), ("Currency", "EUR")]),
        ("**Vendor:** Maple", [("Vendor", "Maple")]),
        ("- Date:\n\n3 May 2026\nmore", [("Date", "3 May 2026")]),
        ("Tel. = 55 | Fax: 7", [("Tel", "55"), ("Fax", "7")]),
        ("Balance:-5", [("Balance", "-5")]),
        ("Time: 12:30", [("Time", "12:30")]),
        ("see http://example.org/x", []),
        ("12:30 lunch", []),
        ("nothing here\nDescription  Amount", []),
        ("Note: " + "long " * 100, []),
    ],
)
def test_a_label_and_what_stands_beside_it(text: str, found: list[tuple[str, str]]) -> None:
    assert [(item.label, item.value) for item in labelled(text)] == found


@pytest.mark.parametrize(
    ("name", "place"),
    [("invoice_number", 0), ("invoiceNumber", 0), ("date", 2), ("due_date", 1), ("total", 3), ("vendor", None)],
)
def test_a_field_is_matched_by_its_words(name: str, place: int | None) -> None:
    labels = labelled("Invoice number: 7\nDue date: 2026-02-01\nDate: 2026-01-01\nTotal due: 5")
    assert next(iter(positions((name,), labels)), None) == place


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("1,284.50", (1284.5,)),
        ("58 400,00", (58400,)),
        ("7.815,66", (7815.66,)),
        ("2'340.00", (2340,)),
        ("742,000", (742000, 742)),
        ("1,000,000.00", (1_000_000,)),
        ("EUR 12", (12,)),
        ("-5", (-5,)),
        ("2026-03-14", ()),
        ("none", ()),
    ],
)
def test_a_number_in_every_reading(text: str, readings: tuple[float, ...]) -> None:
    assert numbers(text) == readings


@pytest.mark.parametrize(
    ("text", "readings"),
    [
        ("2026-03-14", ("2026-03-14",)),
        ("2026/04/30", ("2026-04-30",)),
        ("20260611", ("2026-06-11",)),
        ("02.05.2026", ("2026-05-02",)),
        ("28/02/2026", ("2026-02-28",)),
        ("05/12/2025", ("2025-12-05", "2025-05-12")),
        ("17 June 2026", ("2026-06-17",)),
        ("March 3rd, 2026", ("2026-03-03",)),
        ("22-Jul-26", ("2026-07-22",)),
        ("31.02.2026", ()),
        ("INV-20871", ()),
        ("Maple and Finch", ()),
    ],
)
def test_a_date_in_every_reading(text: str, readings: tuple[str, ...]) -> None:
    assert dates(text) == readings
