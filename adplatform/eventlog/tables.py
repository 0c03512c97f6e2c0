"""Set-based writing for event handlers: each row once, and additive folding into rollups."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import lru_cache
from itertools import islice
from typing import Any

import msgspec
from psycopg import sql

ROWS_AT_ONCE = 256

_json = msgspec.json.Encoder().encode


def insert_once(cursor: Any, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> set[uuid.UUID]:
    """COPY ``rows`` to a temporary table and insert those not there yet; returns the ids that are new.

    ``columns`` must hold ``id`` (and ``day`` when the table is partitioned). Dicts and lists become jsonb. Everything
    derived from an event (ledger, rollups, features) may use only the returned ids: that makes redelivery harmless.
    """
    prepare, copy_in, insert = _insert_statements(table, tuple(columns))
    cursor.execute(prepare)
    remaining = iter(rows)
    with cursor.copy(copy_in) as copy:
        # In pieces: the server reads one while the next is being written.
        while piece := "".join(map(copy_line, islice(remaining, ROWS_AT_ONCE))):
            copy.write(piece.encode())
    cursor.execute(insert)
    return {row[0] for row in cursor.fetchall()}


@lru_cache(maxsize=64)
def _insert_statements(table: str, columns: tuple[str, ...]) -> tuple[sql.Composed, ...]:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    target, staging = sql.Identifier(table), sql.Identifier(f"incoming_{table}")
    return (
        # The deletion is for a second use within one transaction; otherwise the table is empty already.
        sql.SQL("CREATE TEMPORARY TABLE IF NOT EXISTS {0} (LIKE {1}) ON COMMIT DELETE ROWS; DELETE FROM {0}").format(staging, target),
        sql.SQL("COPY {} ({}) FROM STDIN").format(staging, names),
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ON CONFLICT DO NOTHING RETURNING id").format(target, names, names, staging),
    )


def copy_line(row: Sequence[Any]) -> str:
    """One line of COPY's text format. Three times as fast as adapting each value for a statement.

    Raises TypeError for a value that has no text here.
    """
    return "\t".join([_TEXT[type(value)](value) for value in row]) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _json_text(value: Any) -> str:
    """JSON escapes control characters itself; only its backslashes need COPY's escaping."""
    return _json(value).decode().replace("\\", "\\\\")


class _TextOf(dict[type, Callable[[Any], str]]):
    """How each type is written; a subclass of one of them (a member of choices, a numpy float) is written as that one."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        parent = next((parent for parent in kind.__mro__ if parent in self), None)
        if parent is None:
            raise TypeError(f"cannot write a {kind.__name__} to a table")
        write = self[parent]
        return self.setdefault(kind, lambda value: write(parent(value)))


_TEXT = _TextOf(
    {
        type(None): lambda _: "\\N",
        str: _escaped,
        bool: lambda value: "t" if value else "f",
        int: repr,
        float: repr,
        uuid.UUID: lambda value: f"{value.int:032x}",
        datetime: datetime.isoformat,
        date: date.isoformat,
        dict: _json_text,
        list: _json_text,
        tuple: _json_text,
    }
)


def fold(cursor: Any, table: str, keys: Sequence[str], measures: Sequence[str], totals: Mapping[tuple[Any, ...], Sequence[int]]) -> None:
    """Add ``totals`` (key values -> measure values) to an additive rollup table whose unique key is ``keys``."""
    if not totals:
        return
    # Sorted, so that two consumers folding the same keys lock them in the same order.
    ordered = sorted(totals)
    columns = [*zip(*ordered, strict=True), *zip(*(totals[key] for key in ordered), strict=True)]
    cursor.execute(_fold_statement(cursor, table, tuple(keys), tuple(measures)), [list(column) for column in columns])


_types: dict[tuple[str, ...], tuple[str, ...]] = {}


def _fold_statement(cursor: Any, table: str, keys: tuple[str, ...], measures: tuple[str, ...]) -> sql.Composed:
    columns = (*keys, *measures)
    if (table, *columns) not in _types:
        # Asked of the table itself, so that a missing migration shows as what it is.
        cursor.execute(sql.SQL("SELECT {} FROM {} LIMIT 0").format(sql.SQL(", ").join(map(sql.Identifier, columns)), sql.Identifier(table)))
        codes = [column.type_code for column in cursor.description]
        cursor.execute("SELECT format_type(code, NULL) FROM unnest(%s::oid[]) WITH ORDINALITY AS c(code, place) ORDER BY place", [codes])
        _types[table, *columns] = tuple(name for (name,) in cursor.fetchall())
    return _compose_fold(table, keys, measures, _types[table, *columns])


@lru_cache(maxsize=64)
def _compose_fold(table: str, keys: tuple[str, ...], measures: tuple[str, ...], types: tuple[str, ...]) -> sql.Composed:
    names = sql.SQL(", ").join(map(sql.Identifier, (*keys, *measures)))
    return sql.SQL("INSERT INTO {} ({}) SELECT * FROM unnest({}) ON CONFLICT ({}) DO UPDATE SET {}").format(
        sql.Identifier(table),
        names,
        sql.SQL(", ").join(sql.SQL("%s::{}[]").format(sql.SQL(kind)) for kind in types),
        sql.SQL(", ").join(map(sql.Identifier, keys)),
        sql.SQL(", ").join(sql.SQL("{0} = {1}.{0} + EXCLUDED.{0}").format(sql.Identifier(m), sql.Identifier(table)) for m in measures),
    )
