"""Set-based writing for event handlers: each row once, and additive folding into rollups."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from psycopg import sql
from psycopg.types.json import Jsonb

_to_json = msgspec.json.Encoder().encode


def insert_once(cursor: Any, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> set[uuid.UUID]:
    """COPY ``rows`` to a temporary table and insert those not there yet; returns the ids that are new.

    ``columns`` must hold ``id`` (and ``day`` when the table is partitioned). Dicts and lists become jsonb. Everything
    derived from an event (ledger, rollups, features) may use only the returned ids: that makes redelivery harmless.
    """
    create, copy_in, insert, truncate = _insert_statements(table, tuple(columns))
    cursor.execute(create)
    with cursor.copy(copy_in) as copy:
        for row in rows:
            copy.write_row([Jsonb(value, _to_json) if isinstance(value, dict | list) else value for value in row])
    cursor.execute(insert)
    new = {row[0] for row in cursor.fetchall()}
    cursor.execute(truncate)
    return new


@lru_cache(maxsize=64)
def _insert_statements(table: str, columns: tuple[str, ...]) -> tuple[sql.Composed, ...]:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    target, staging = sql.Identifier(table), sql.Identifier(f"incoming_{table}")
    return (
        sql.SQL("CREATE TEMPORARY TABLE IF NOT EXISTS {} (LIKE {} INCLUDING DEFAULTS) ON COMMIT DELETE ROWS").format(staging, target),
        sql.SQL("COPY {} ({}) FROM STDIN").format(staging, names),
        sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ON CONFLICT DO NOTHING RETURNING id").format(target, names, names, staging),
        sql.SQL("TRUNCATE {}").format(staging),
    )


def fold(cursor: Any, table: str, keys: Sequence[str], measures: Sequence[str], totals: Mapping[tuple[Any, ...], Sequence[int]]) -> None:
    """Add ``totals`` (key values -> measure values) to an additive rollup table whose unique key is ``keys``."""
    if not totals:
        return
    # Sorted, so that two consumers folding the same keys lock them in the same order.
    ordered = sorted(totals)
    columns = [*zip(*ordered, strict=True), *zip(*(totals[key] for key in ordered), strict=True)]
    cursor.execute(_fold_statement(cursor, table, tuple(keys), tuple(measures)), [list(column) for column in columns])


_types: dict[str, dict[str, str]] = {}


def _fold_statement(cursor: Any, table: str, keys: tuple[str, ...], measures: tuple[str, ...]) -> sql.Composed:
    if table not in _types:
        cursor.execute("SELECT attname, format_type(atttypid, NULL) FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0", [table])
        _types[table] = dict(cursor.fetchall())
    return _compose_fold(table, keys, measures, tuple(_types[table][column] for column in (*keys, *measures)))


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
