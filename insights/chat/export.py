"""An answer's table as CSV (RFC 4180), exact, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

BOM = "\ufeff"
# A spreadsheet runs what begins so as a formula (OWASP, CSV injection); an apostrophe makes it text.
_RUNS = re.compile(r"^\s*[=+\-@\t\r\n]|^[\t\r]")


def table_csv(columns: Sequence[Mapping[str, Any]], rows: Sequence[Sequence[Any]], *, currency: str) -> str:
    """Figures as they were read, not as they were rounded for people: shares as 0-1, money in the currency. Empty where there is none."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([_text(_heading(column, currency)) for column in columns])
    writer.writerows([[_cell(value) for value in row] for row in rows])
    return out.getvalue()


def file_name(question: str) -> str:
    """Plain letters, so that no header and no file system reads anything into it."""
    return (re.sub(r"[^a-z0-9]+", "-", question.lower()).strip("-")[:60].rstrip("-") or "answer") + ".csv"


def _heading(column: Mapping[str, Any], currency: str) -> str:
    unit = column["unit"] if column["role"] == "measure" else ""
    said = {"": "", "count": "", "money": f" ({currency})", "share": " (share of 1)"}.get(unit, f" ({unit})")
    return f"{column['label']}{said}"


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    return _text(str(value))


def _text(value: str) -> str:
    return f"'{value}" if _RUNS.match(value) else value
