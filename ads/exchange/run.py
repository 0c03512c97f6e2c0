"""A table read into rows: first a dry run that names every bad line, then for good. Both run the same code; the dry run is taken back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import tablib
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from import_export.results import RowResult

from ads.scope import EVERYBODY, advertiser_of

from . import files
from .resources import TABLES
from .resources import Table as Resource

NO_FIELD = "__all__"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong in a line of the file; ``column`` is empty where it is the row as a whole."""

    line: int
    column: str
    words: str


@dataclass(frozen=True, slots=True)
class Change:
    """A row that is new, or whose cells differ: ``cells`` are (column, before, after) as they are written in tables."""

    line: int
    name: str
    new: bool
    cells: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """``written`` says whether anything was: never in a dry run, and not when a bad line stops all of it."""

    changes: tuple[Change, ...]
    unchanged: int
    problems: tuple[Problem, ...]
    written: bool = False
    ignored: tuple[str, ...] = ()

    @property
    def bad_lines(self) -> int:
        return len({problem.line for problem in self.problems})

    @property
    def new(self) -> int:
        return sum(change.new for change in self.changes)

    @property
    def changed(self) -> int:
        return len(self.changes) - self.new


def examine(kind: str, table: files.Table, *, user: Any) -> Outcome:
    """What reading ``table`` would do, with every bad line; nothing stays. Raises files.WrongFile for columns that cannot be right."""
    return _run(kind, table, user=user, dry_run=True, skip_bad=True)


def carry_out(kind: str, table: files.Table, *, user: Any, skip_bad: bool) -> Outcome:
    """Write the rows, all or none of them unless ``skip_bad``. Safe to run twice: what is written already is unchanged."""
    return _run(kind, table, user=user, dry_run=False, skip_bad=skip_bad)


def _run(kind: str, table: files.Table, *, user: Any, dry_run: bool, skip_bad: bool) -> Outcome:
    resource = TABLES[kind](user)
    headers, ignored = _matched(resource, table.headers)
    twice = _twice(resource, headers, table)
    lines = [line for line in table.lines if line not in twice]
    dataset = tablib.Dataset(*(row for row, line in zip(table.rows, table.lines, strict=True) if line not in twice), headers=headers)
    kept = twice and not skip_bad
    result = resource.import_data(
        dataset, dry_run=dry_run or bool(kept), raise_errors=False, use_transactions=True, rollback_on_validation_errors=not skip_bad,
        retain_instance_in_row_result=True,
    )  # fmt: skip
    problems = [Problem(line, "", words) for line, words in twice.items()]
    changes, unchanged = [], 0
    for line, row in zip(lines, result.rows, strict=True):
        if row.validation_error is not None:
            problems += _told(resource, line, row.validation_error)
        elif row.errors:
            problems.append(Problem(line, "", _unforeseen(row.errors[0].error)))
        elif row.import_type == RowResult.IMPORT_TYPE_SKIP:
            unchanged += 1
        else:
            changes.append(_change(resource, line, row))
    stopped = bool(problems) and not skip_bad
    written = not dry_run and not stopped and bool(changes)
    return Outcome(tuple(changes), unchanged, tuple(sorted(problems, key=lambda one: one.line)), written, ignored)


def _matched(resource: Resource, headers: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """The file's headers as they are spelled here, and those that are only told and so are not read."""
    known = {column.lower(): column for column in resource.columns()}
    unknown = [header for header in headers if header.lower() not in known]
    if unknown:
        raise files.WrongFile(f"There is no column {', '.join(unknown[:10])}; there are {', '.join(resource.columns())}.")
    spelled = [known[header.lower()] for header in headers]
    missing = [column for column in resource.keys if column not in spelled]
    if missing:
        raise files.WrongFile(f"The column {' and '.join(missing)} is missing: rows are found by it.")
    readonly = {field.column_name for field in resource.fields.values() if field.readonly and field.column_name not in resource.keys}
    return spelled, tuple(column for column in spelled if column in readonly)


def _twice(resource: Resource, headers: Sequence[str], table: files.Table) -> dict[int, str]:
    """Line -> words, for rows whose names stood in a line above."""
    places = [headers.index(column) for column in resource.keys]
    first: dict[tuple[str, ...], int] = {}
    found = {}
    for line, row in zip(table.lines, table.rows, strict=True):
        names = tuple(row[place] for place in places)
        if names in first:
            found[line] = f"{' / '.join(names)} stands in line {first[names]} already; one row says one thing."
        first.setdefault(names, line)
    return found


def _told(resource: Resource, line: int, error: ValidationError) -> list[Problem]:
    if not hasattr(error, "error_dict"):
        return [Problem(line, "", words) for words in error.messages]
    return [
        Problem(line, "" if attribute == NO_FIELD else resource.column_of(attribute) or attribute.replace("_", " "), words)
        for attribute, found in error.error_dict.items()
        for one in found
        for words in one.messages
    ]


def _unforeseen(error: Exception) -> str:
    if isinstance(error, ValueError):
        return str(error)
    # What nobody foresaw is no secret from who may write these rows, and helps who mends it.
    return f"This line could not be read ({type(error).__name__}); mend or remove it."


def _change(resource: Resource, line: int, row: Any) -> Change:
    new = row.import_type == RowResult.IMPORT_TYPE_NEW
    cells = []
    for field in resource.get_import_fields():
        if field.readonly:
            continue
        after = str(field.export(row.instance))
        before = "" if new else str(field.export(row.original))
        if before != after:
            cells.append((field.column_name, before, after))
    return Change(line, str(row.instance), new, tuple(cells))


def exported(kind: str, rows: QuerySet[Any], *, user: Any) -> tuple[list[str], list[list[Any]]]:
    """Headers and cells of ``rows``, as `examine` reads them back."""
    resource = TABLES[kind](user)
    # What staff note of a campaign is for staff.
    fields = [field for field in resource.get_export_fields() if field.column_name != "Notes" or advertiser_of(user) is EVERYBODY]
    listed = rows.select_related(*resource.related)
    return [field.column_name for field in fields], [[field.export(row) for field in fields] for row in listed]
