"""Reports as files: CSV (RFC 4180) and XLSX, exact, a few rows at a time, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.conf import settings
from openpyxl import Workbook

from .delivery import every_row
from .figures import DIMENSIONS, MEASURES
from .query import Query
from .statement import KINDS, Statement

# A spreadsheet runs what begins so as a formula (OWASP, CSV injection); an apostrophe makes it text.
_RUNS = re.compile(r"^\s*[=+\-@\t\r\n]|^[\t\r]")
# Of an XLSX, which no cell may hold.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
IN_MEMORY = 4 * 2**20
MICRO = Decimal("0.000001")

Cell = str | int | float | Decimal | None


def amount(micros: float | None) -> Decimal | None:
    """Micros in the currency, with six decimals: nothing of them is lost."""
    return None if micros is None else (Decimal(round(micros)) * MICRO).quantize(MICRO)


def harmless(value: Any) -> Cell:
    """Figures as they are, days as ISO, text that no spreadsheet runs."""
    if value is None or isinstance(value, int | float | Decimal):
        return value
    text = value.isoformat() if isinstance(value, date) else str(value)
    return f"'{text}" if not isinstance(value, date) and _RUNS.match(text) else text


def csv_chunks(rows: Iterable[Sequence[Any]], *, at_once: int = 500) -> Iterator[bytes]:
    """The rows as UTF-8 CSV in pieces."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    for number, row in enumerate(rows, start=1):
        writer.writerow(["" if cell is None else cell for cell in map(harmless, row)])
        if number % at_once == 0:
            yield _taken(out)
    yield _taken(out)


def _taken(out: io.StringIO) -> bytes:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text.encode()


def xlsx(rows: Iterable[Sequence[Any]], *, title: str) -> IO[bytes]:
    """A workbook of one sheet, written row by row; beyond a few megabytes it lies on disk."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(title=title)
    for row in rows:
        sheet.append([_CONTROL.sub("", cell) if isinstance(cell, str) else cell for cell in map(harmless, row)])
    file: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 (closed with the response)
    book.save(file)
    file.seek(0)
    return file


def delivery_rows(query: Query) -> Iterator[list[Any]]:
    """A heading and all rows: ids beside names, money in the currency with six decimals, shares as 0-1."""
    yield [*(text for name in query.by for text in _headings(name)), *(heading(name) for name in query.show)]
    for row in every_row(query):
        keys = [cell for name, key, called in zip(query.by, row.keys, row.names, strict=True) for cell in _key(name, key, called)]
        yield [*keys, *(_figure(name, row.figures[name]) for name in query.show)]


def heading(measure: str) -> str:
    one = MEASURES[measure]
    return one.label + {"money": f" ({settings.CURRENCY})", "share": " (share of 1)", "count": ""}[one.unit]


def _headings(dimension: str) -> list[str]:
    one = DIMENSIONS[dimension]
    return [f"{one.label} id", one.label] if one.names else [one.label]


def _key(dimension: str, key: Any, called: str) -> list[Any]:
    one = DIMENSIONS[dimension]
    return [key, called] if one.names else [key if one.of_time else called]


def _figure(measure: str, value: float | None) -> Any:
    return amount(value) if MEASURES[measure].unit == "money" else value


def statement_rows(found: Statement) -> Iterator[list[Any]]:
    """One line for each line of the statement; the column of amounts adds up to its total. Amounts have six decimals."""
    yield [
        "Statement", "Advertiser id", "Advertiser", "Month", "State", "Line", "Campaign", "Flight", "Kind", "Quantity",
        f"Unit price ({settings.CURRENCY})", f"Amount ({settings.CURRENCY})", "Day", "Charged in", "Reason", "Note",
    ]  # fmt: skip
    head = [found.number, found.advertiser, found.advertiser_name, f"{found.month:%Y-%m}", found.state]
    for line in found.lines:
        # A price of its own for each impression has no unit price that its quantity could be multiplied with.
        unit = amount(line.lowest) if line.lowest == line.highest else None
        yield [*head, "charge", line.campaign_name, line.flight_name, _kind(line.kind), line.quantity, unit, amount(line.micros), None, None, "", ""]
    for free in found.uncharged:
        yield [
            *head, "not charged", free.campaign_name, free.flight_name, _kind(free.kind), free.quantity, amount(0), amount(0), None, None,
            free.reason, "",
        ]  # fmt: skip
    for back in found.given_back:
        yield [
            *head, "given back", back.campaign_name, back.flight_name, _kind(back.kind), back.quantity, None, amount(back.micros), back.day,
            f"{back.charged_in:%Y-%m}", back.reason, back.note,
        ]  # fmt: skip


def _kind(kind: str) -> str:
    return KINDS.get(kind, kind)
