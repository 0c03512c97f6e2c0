"""Set-based writing for event handlers: each row once, and additive folding into rollups."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb


def insert_once(cursor: Any, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> set[uuid.UUID]:
    """COPY ``rows`` to a temporary table and insert those not there yet; returns the ids that are new.

    ``columns`` must hold ``id`` (and ``day`` when the table is partitioned). Dicts and lists become jsonb. Everything
    derived from an event (ledger, rollups, features) may use only the returned ids: that makes redelivery harmless.
    """
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    target, staging = sql.Identifier(table), sql.Identifier(f"incoming_{table}")
    cursor.execute(sql.SQL("CREATE TEMPORARY TABLE IF NOT EXISTS {} (LIKE {} INCLUDING DEFAULTS) ON COMMIT DELETE ROWS").format(staging, target))
    cursor.execute(sql.SQL("TRUNCATE {}").format(staging))
    with cursor.copy(sql.SQL("COPY {} ({}) FROM STDIN").format(staging, names)) as copy:
        for row in rows:
            copy.write_row([Jsonb(value) if isinstance(value, dict | list) else value for value in row])
    cursor.execute(sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {} ON CONFLICT DO NOTHING RETURNING id").format(target, names, names, staging))
    return {row[0] for row in cursor.fetchall()}


def fold(cursor: Any, table: str, keys: Sequence[str], measures: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Add ``rows`` (key values, then measure values) to an additive rollup table whose unique key is ``keys``.

    Rows with the same key are summed first: one INSERT may not touch a row twice.
    """
    totals: dict[tuple[Any, ...], list[int]] = {}
    width = len(keys)
    for row in rows:
        into = totals.setdefault(tuple(row[:width]), [0] * len(measures))
        for index, value in enumerate(row[width:]):
            into[index] += value
    if not totals:
        return
    columns = [*keys, *measures]
    statement = sql.SQL("INSERT INTO {} ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, columns)),
        sql.SQL(", ").join(sql.Placeholder() * len(columns)),
        sql.SQL(", ").join(map(sql.Identifier, keys)),
        sql.SQL(", ").join(sql.SQL("{0} = {1}.{0} + EXCLUDED.{0}").format(sql.Identifier(m), sql.Identifier(table)) for m in measures),
    )
    # Sorted, so that two consumers folding the same keys lock them in the same order.
    cursor.executemany(statement, [(*key, *totals[key]) for key in sorted(totals, key=repr)])
