"""One day of a partitioned table, in order of its ids, from wherever it lies: the live partition, the archive, or both.

What is live is read page by page, without a transaction that would stay open. A day whose partition was dropped comes to life
again by an event that arrives much too late: then its archive and its new partition are read as one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.conf import settings
from django.db import connection
from psycopg import sql

from adplatform.models import ArchivedDay

from .columns import batch_of, expressions, names_of, schema_of
from .partitions import live_days, partition_name

PAGE_ROWS = 2_000
# Keeps the rows whose text column has one of the values.
Only = Mapping[str, Sequence[str]]


class MissingDay(LookupError):
    """A day that was stored can be read neither from the database nor from the archive; the message names it and says what to do."""


@dataclass(frozen=True, slots=True)
class Day:
    """Where one day of one table lies; in neither place when nothing of it was ever stored. An archive counts once its
    partition was dropped: until then the partition is the truth."""

    table: str
    day: date
    live: bool
    archived: ArchivedDay | None

    @property
    def there(self) -> bool:
        return self.live or self.archived is not None


def days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def find_days(table: str, days: Iterable[date]) -> list[Day]:
    """In order, by two queries."""
    wanted = sorted(set(days))
    dropped = ArchivedDay.objects.filter(table=table, day__in=wanted, dropped_at__isnull=False)
    archived = {row.day: row for row in dropped}
    live = set(live_days(table))
    return [Day(table, day, day in live, archived.get(day)) for day in wanted]


def read_day(table: str, day: date, columns: Sequence[str] | None = None, *, only: Only | None = None) -> Iterator[pa.RecordBatch]:
    """The rows of ``day`` in order of their ids, live or archived alike; none when there never were any.

    ``columns`` default to all. Raises MissingDay, UnknownTable, and KeyError for a column the table has not.
    """
    (found,) = find_days(table, [day])
    yield from read(found, columns, only=only)


def read(found: Day, columns: Sequence[str] | None = None, *, only: Only | None = None) -> Iterator[pa.RecordBatch]:
    """`read_day` of a day that was looked up already."""
    wanted = list(columns or names_of(found.table))
    # Pages follow each other by id, and so do the two parts of a day that lies in both places.
    with_id = list(dict.fromkeys(["id", *wanted]))
    for batch in _batches(found, with_id, only or {}):
        if batch.num_rows:
            yield batch.select(wanted)


def _batches(found: Day, columns: Sequence[str], only: Only) -> Iterator[pa.RecordBatch]:
    if found.archived is None:
        return live_batches(found.table, found.day, columns, only) if found.live else iter(())
    if not found.live:
        return archived_batches(found.archived, columns, only)
    return _both(found, found.archived, columns, only)


def live_batches(table: str, day: date, columns: Sequence[str], only: Only) -> Iterator[pa.RecordBatch]:
    """Of the partition itself. ``columns`` begin with ``id``. Raises MissingDay when it is dropped meanwhile."""
    parts = [sql.SQL(one) for one in expressions(table, columns)]
    statement = sql.SQL("SELECT {} FROM {} WHERE id > %s::uuid {} ORDER BY id LIMIT {}").format(
        sql.SQL(", ").join(parts),
        sql.Identifier(partition_name(table, day)),
        sql.SQL(" ").join(sql.SQL("AND {} = ANY(%s)").format(sql.Identifier(name)) for name in only),
        sql.Literal(PAGE_ROWS),
    )
    last = bytes(16)
    while True:
        rows = _page(statement, [last.hex(), *map(list, only.values())], f"{table} of {day}")
        if rows:
            last = bytes(rows[-1][0])
            yield batch_of(table, columns, rows)
        if len(rows) < PAGE_ROWS:
            return


def _page(statement: sql.Composed, values: list[Any], what: str) -> list[tuple[Any, ...]]:
    try:
        with connection.cursor() as wrapper:
            cursor: psycopg.Cursor[tuple[Any, ...]] = wrapper.cursor
            cursor.execute(statement, values)
            return cursor.fetchall()
    except psycopg.errors.UndefinedTable as error:
        raise MissingDay(f"{what} was dropped while it was being read; its archive has it now: run this again") from error


def check_file(archived: ArchivedDay) -> Path:
    """The archive's file, when it is byte for byte what was written. Raises MissingDay."""
    path = Path(settings.ARCHIVE_DIR) / archived.path
    where = f"The archive of {archived.table} of {archived.day} ({path})"
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise MissingDay(f"{where} is gone: bring the file back from a backup") from error
    except OSError as error:
        raise MissingDay(f"{where} cannot be read ({error.strerror}): make it readable, or bring it back from a backup") from error
    if digest != archived.sha256:
        raise MissingDay(f"{where} is damaged, its hash is not the one that was recorded: bring the file back from a backup")
    return path


def archived_batches(archived: ArchivedDay, columns: Sequence[str], only: Only) -> Iterator[pa.RecordBatch]:
    """Raises MissingDay, before the first batch, for a file that is gone or damaged."""
    return file_batches(check_file(archived), archived.table, columns, only)


def file_batches(path: Path, table: str, columns: Sequence[str], only: Only) -> Iterator[pa.RecordBatch]:
    """Of a Parquet file as the archive writes it. A column that the table got later is empty in it."""
    schema = schema_of(table, columns)
    with pq.ParquetFile(path) as file:
        there = set(file.schema_arrow.names)
        wanted = [name for name in dict.fromkeys([*columns, *only]) if name in there]
        for batch in file.iter_batches(batch_size=PAGE_ROWS, columns=wanted):
            for name, values in only.items():
                batch = batch.filter(pc.is_in(batch.column(name), pa.array(list(values), pa.string())))
            arrays = [batch.column(field.name) if field.name in there else pa.nulls(batch.num_rows, field.type) for field in schema]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _both(found: Day, archived: ArchivedDay, columns: Sequence[str], only: Only) -> Iterator[pa.RecordBatch]:
    """In order of ids. Whatever came so late is little, so it is held in memory; a row that lies in both is taken as it is live."""
    late = pa.Table.from_batches(live_batches(found.table, found.day, columns, only), schema=schema_of(found.table, columns))
    known = _ids(late)
    for batch in archived_batches(archived, columns, only):
        part = pa.Table.from_batches([batch])
        part = part.filter(pc.invert(pc.is_in(_ids(part), known)))
        upto = pc.max(_ids(pa.Table.from_batches([batch]))) if batch.num_rows else None
        if upto is not None:
            before = pc.less_equal(_ids(late), upto)
            part, late = pa.concat_tables([part, late.filter(before)]), late.filter(pc.invert(before))
        yield from _in_order(part)
    yield from _in_order(late)


def _in_order(table: pa.Table) -> Iterator[pa.RecordBatch]:
    order = pc.sort_indices(_ids(table))
    yield from table.take(order).to_batches()


def _ids(table: pa.Table) -> pa.ChunkedArray:
    chunks = [chunk.storage.cast(pa.binary()) for chunk in table.column("id").chunks]
    return pa.chunked_array(chunks, pa.binary())
