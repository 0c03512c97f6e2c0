"""Files people send and get: CSV and XLSX as tables of text. Whatever is in them, reading ends soon and in a sentence."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

MOST_BYTES = 5 * 1024 * 1024
MOST_ROWS, MOST_COLUMNS, LONGEST_CELL = 1_000, 100, 10_000
# An XLSX is a zip archive: what it unfolds to is bounded before anything is unfolded.
MOST_UNFOLDED, MOST_PARTS = 60 * 1024 * 1024, 400
DELIMITERS = (",", ";", "\t")
# What a spreadsheet runs when a cell begins with it (OWASP, CSV injection); the apostrophe so that reading back takes off just one.
RUNS = ("=", "+", "-", "@", "\t", "\r", "'")


class WrongFile(ValueError):
    """The file cannot be read as a table; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Table:
    """``rows`` are as long as ``headers``; ``lines`` are their numbers in the file, counted from 1 with the headers. ``notes`` tell what
    was taken for granted while reading."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    notes: tuple[str, ...] = ()


def read_table(content: bytes) -> Table:
    """Raises WrongFile."""
    if not content.strip():
        raise WrongFile("The file is empty.")
    if len(content) > MOST_BYTES:
        raise WrongFile(f"The file is larger than {MOST_BYTES / 1e6:.0f} MB; send it in parts.")
    if content[:2] == b"PK":
        return _table(_xlsx(content), ())
    if content[:4] == b"\xd0\xcf\x11\xe0":
        raise WrongFile("This is an old Excel file (.xls) or one with a password; save it as .xlsx or .csv without a password.")
    text, notes = _decoded(content)
    return _table(_csv(text), notes)


def _decoded(content: bytes) -> tuple[str, tuple[str, ...]]:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        try:
            return content.decode("utf-16"), ()
        except UnicodeDecodeError:
            raise WrongFile("The file says it is UTF-16 and is not; save it as CSV in UTF-8.") from None
    if b"\0" in content:
        raise WrongFile("This is neither CSV nor XLSX; save the table as .csv or .xlsx.")
    try:
        return content.decode("utf-8-sig"), ()
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace"), (
            "It is not UTF-8, so it was read as Western European (Windows-1252): look at names with accents.",
        )


def _csv(text: str) -> Iterator[tuple[int, Sequence[Any]]]:
    head = text.lstrip("\r\n").split("\n", 1)[0]
    delimiter = max(DELIMITERS, key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    line = 1
    try:
        for row in reader:
            yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise WrongFile(f"Line {line} cannot be read as CSV: {error}. Is a quotation mark left open?") from error


def _xlsx(content: bytes) -> Iterator[tuple[int, Sequence[Any]]]:
    _check_archive(content)
    # A megabyte of code that only this needs.
    from openpyxl import load_workbook

    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        # Sizes that a sheet states are not believed.
        sheet.reset_dimensions()
        rows = sheet.iter_rows(max_col=MOST_COLUMNS + 1, max_row=2 * MOST_ROWS, values_only=True)
        yield from ((number, row) for number, row in enumerate(rows, 1))
    except WrongFile:
        raise
    except Exception as error:
        raise WrongFile("The workbook cannot be read; open it, save it again as .xlsx, or save the sheet as .csv.") from error


def _check_archive(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
            if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNFOLDED:
                raise WrongFile("The workbook unfolds to far more than it holds in rows; send the one sheet that is meant, as .csv.")
            if not any(part.filename == "xl/workbook.xml" for part in parts):
                raise WrongFile("This archive is no XLSX workbook; save the table as .csv or .xlsx.")
            for part in parts:
                if part.filename.endswith((".xml", ".rels")) and _declares(archive, part):
                    raise WrongFile("The workbook declares entities of its own, which no spreadsheet program writes; save it again as .xlsx.")
    except (zipfile.BadZipFile, RuntimeError, OSError, EOFError, NotImplementedError) as error:
        raise WrongFile("The file is damaged or has a password; save it again as .xlsx or .csv.") from error


def _declares(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    with archive.open(part) as opened:
        # A declaration stands before the first element.
        head = opened.read(4096)
    return b"<!DOCTYPE" in head or b"<!ENTITY" in head


def _table(rows: Iterable[tuple[int, Sequence[Any]]], notes: tuple[str, ...]) -> Table:
    headers: tuple[str, ...] = ()
    found: list[tuple[str, ...]] = []
    lines: list[int] = []
    for line, row in rows:
        cells = tuple(_text(cell, line) for cell in row)
        if not any(cells):
            continue
        if not headers:
            headers = _headers(cells)
            continue
        if len(found) >= MOST_ROWS:
            raise WrongFile(f"There are more than {MOST_ROWS:,} rows; send them in parts.")
        if any(cells[len(headers) :]):
            raise WrongFile(f"Line {line} has more cells than there are columns; is a comma inside a name that is not in quotation marks?")
        found.append((cells + ("",) * len(headers))[: len(headers)])
        lines.append(line)
    if not found:
        raise WrongFile("There are no rows below the headers.")
    return Table(headers, tuple(found), tuple(lines), notes)


def _headers(cells: tuple[str, ...]) -> tuple[str, ...]:
    while cells and not cells[-1]:
        cells = cells[:-1]
    if len(cells) > MOST_COLUMNS:
        raise WrongFile(f"There are more than {MOST_COLUMNS} columns.")
    lowered = [cell.lower() for cell in cells]
    if twice := sorted({cell for cell, low in zip(cells, lowered, strict=True) if low and lowered.count(low) > 1}):
        raise WrongFile(f"The column {', '.join(twice)} is there twice; which one is meant?")
    if not all(cells):
        raise WrongFile(f"Column {cells.index('') + 1} has no name.")
    return cells


def _text(cell: Any, line: int) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    if isinstance(cell, datetime | date):
        return cell.isoformat(sep=" ", timespec="minutes") if isinstance(cell, datetime) else cell.isoformat()
    text = str(cell).strip()
    if len(text) > LONGEST_CELL:
        raise WrongFile(f"Line {line} has a cell of {len(text):,} characters; {LONGEST_CELL:,} are the most.")
    if "\0" in text:
        raise WrongFile(f"Line {line} holds a character that no text has (NUL).")
    return text[1:] if text[:1] == "'" and text[1:2] in RUNS else text


# Written


def harmless(value: Any) -> Any:
    """Text that no spreadsheet runs; figures stay figures."""
    return f"'{value}" if isinstance(value, str) and value.startswith(RUNS) else value


def write_csv(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """With a byte order mark: without one spreadsheets take it for Western European."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(headers)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return file.getvalue().encode("utf-8-sig")


def write_xlsx(headers: Sequence[str], rows: Iterable[Sequence[Any]], title: str) -> bytes:
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    book = Workbook(write_only=True)
    sheet = book.create_sheet(title[:31])
    sheet.freeze_panes = "A2"

    def cell(value: Any) -> Any:
        value = harmless(value)
        made = WriteOnlyCell(sheet, value=ILLEGAL_CHARACTERS_RE.sub(" ", value) if isinstance(value, str) else value)
        if isinstance(value, str):
            made.data_type = "s"
        return made

    sheet.append([cell(header) for header in headers])
    for row in rows:
        sheet.append([cell(one) for one in row])
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
