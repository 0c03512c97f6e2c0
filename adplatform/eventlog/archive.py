"""A day of a partitioned table as a Parquet file, and the dropping of what was archived.

A file is written under a passing name, read again, and compared with what was read from the table, before it gets its name
and a row in ArchivedDay points at it. Its name holds its hash, so a day that is archived anew never overwrites what a row
still points at. A partition drops only in the transaction that has locked it against writing and found its rows to be
those of the file.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import structlog
from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg import sql

from adplatform.models import ArchivedDay

from .columns import ContentHash, hash_of, model_of, names_of, schema_of
from .days import Day, MissingDay, check_file, file_batches, find_days, read
from .partitions import partition_name

log = structlog.get_logger(__name__)

# Rows are gathered into groups of about this size: large enough to compress, small enough to be read piece by piece.
GROUP_BYTES = 32 * 1024 * 1024
GROUP_ROWS = 100_000
# The edge takes events for a day after the decision, so a day stays live for two more.
LEAST_KEEP_DAYS = 3
# Whoever waits behind a lock that we wait for waits too: better to give up and try again later.
LOCK_WAIT = "3s"

Progress = Callable[[int, int], None]


class ArchiveRefused(ValueError):
    """Nothing was written or dropped; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Archived:
    """``state``: ``written``, ``unchanged`` (the file is still right), or ``empty`` (there never was such a day)."""

    table: str
    day: date
    state: str
    rows: int = 0
    size: int = 0

    @property
    def words(self) -> str:
        told = {
            "written": f"{self.rows:,} rows written and checked, {self.size / 1e6:,.1f} MB",
            "unchanged": f"{self.rows:,} rows, archived already and unchanged",
            "empty": "nothing was ever stored of this day",
        }
        return f"{self.table} of {self.day}: {told[self.state]}"


def _silent(done: int, rows: int) -> None:
    """Progress that nobody watches."""


def archive_day(table: str, day: date, *, now: datetime, progress: Progress = _silent) -> Archived:
    """Write ``day`` to its file, unless the file there is right. ``progress`` hears (rows done, rows in all).

    Safe to run twice and in two processes: both would write the same file. Raises ArchiveRefused, MissingDay, UnknownTable.
    """
    model_of(table)
    if day >= now.astimezone(UTC).date():
        raise ArchiveRefused(f"{table} of {day} is not over yet: days end at midnight UTC and are archived from {day + timedelta(days=1)} on")
    (found,) = find_days(table, [day])
    if not found.there:
        return Archived(table, day, "empty")
    before = ArchivedDay.objects.filter(table=table, day=day).first()
    total = _count(found)
    if before is not None and not found.live:
        check_file(before)
        return Archived(table, day, "unchanged", before.rows, before.size)
    if before is not None and _is_right(before, hash_of(_counted(read(found), total, progress))):
        return Archived(table, day, "unchanged", before.rows, before.size)
    row = _write(found, _counted(read(found), total, progress), now)
    log.info("day_archived", table=table, day=str(day), rows=row.rows, bytes=row.size)
    return Archived(table, day, "written", row.rows, row.size)


def _is_right(row: ArchivedDay, found: ContentHash) -> bool:
    """Whether these are the rows that the file holds, and the file is still what it was."""
    if (row.rows, row.content_hash) != (found.rows, found.hexdigest()):
        return False
    try:
        check_file(row)
    except MissingDay as error:
        log.warning("archive_written_again", reason=str(error))
        return False
    return True


def _count(found: Day) -> int:
    rows = found.archived.rows if found.archived else 0
    if found.live:
        with connection.cursor() as wrapper:
            wrapper.cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(partition_name(found.table, found.day))))
            rows += wrapper.cursor.fetchone()[0]
    return rows


def _counted(batches: Iterator[pa.RecordBatch], total: int, progress: Progress) -> Iterator[pa.RecordBatch]:
    done = 0
    for batch in batches:
        done += batch.num_rows
        progress(done, max(done, total))
        yield batch


def _write(found: Day, batches: Iterator[pa.RecordBatch], now: datetime) -> ArchivedDay:
    folder = Path(settings.ARCHIVE_DIR) / found.table
    what = f"{found.table} of {found.day}"
    with _told(what, folder):
        folder.mkdir(parents=True, exist_ok=True)
    passing = folder / f".{found.day}-{os.getpid()}-{secrets.token_hex(4)}.part"
    try:
        with _told(what, folder):
            written = _write_file(passing, found.table, batches)
            again = hash_of(file_batches(passing, found.table, names_of(found.table), {}))
            if (again.rows, again.hexdigest()) != (written.rows, written.hexdigest()):
                raise ArchiveRefused(
                    f"{what} was written and read again differently ({written.rows:,} rows written, {again.rows:,} read):"
                    f" nothing was changed; check the disk below {folder} and run it again"
                )
            return _keep(found, passing, written, now)
    finally:
        passing.unlink(missing_ok=True)


@contextmanager
def _told(what: str, folder: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, pa.ArrowInvalid) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error).splitlines()[0]
        raise ArchiveRefused(
            f"{what} cannot be archived below {folder}: {reason}. Nothing was lost or changed; make room there and run it again"
        ) from error


def _write_file(path: Path, table: str, batches: Iterator[pa.RecordBatch]) -> ContentHash:
    written = ContentHash()
    schema = schema_of(table)
    with path.open("xb") as file:
        with pq.ParquetWriter(file, schema, compression="zstd", version="2.6") as writer:
            for group in _groups(batches):
                for batch in group:
                    written.update(batch)
                writer.write_table(pa.Table.from_batches(group, schema=schema), row_group_size=GROUP_ROWS)
        file.flush()
        os.fsync(file.fileno())
    return written


def _groups(batches: Iterator[pa.RecordBatch]) -> Iterator[list[pa.RecordBatch]]:
    group: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        group.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows >= GROUP_ROWS or size >= GROUP_BYTES:
            yield group
            group, rows, size = [], 0, 0
    if group:
        yield group


def _keep(found: Day, passing: Path, written: ContentHash, now: datetime) -> ArchivedDay:
    """Give the file its name, and tell of it. Whoever reads the row before or after finds a whole file."""
    with passing.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    name = f"{found.table}/{found.day}-{digest[:16]}.parquet"
    target, size = Path(settings.ARCHIVE_DIR) / name, passing.stat().st_size
    passing.replace(target)
    _sync_folder(target.parent)
    values = {"rows": written.rows, "sha256": digest, "content_hash": written.hexdigest(), "path": name, "size": size, "archived_at": now}
    with transaction.atomic():
        old = ArchivedDay.objects.select_for_update().filter(table=found.table, day=found.day).values_list("path", flat=True).first()
        row, _ = ArchivedDay.objects.update_or_create(table=found.table, day=found.day, defaults=values)
        if old and old != name:
            transaction.on_commit(lambda: (Path(settings.ARCHIVE_DIR) / old).unlink(missing_ok=True))
    return row


def _sync_folder(folder: Path) -> None:
    """So that the new name is on the disk before a row tells of it."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def drop_partition(table: str, day: date, *, now: datetime) -> bool:
    """Drop one day's partition, of which the archive holds every row; False when there was none to drop.

    Nothing can be written to the day from before the comparison until it is gone: such an event waits, and is stored in a
    partition of its own after. Raises ArchiveRefused, MissingDay, UnknownTable.
    """
    model_of(table)
    what = f"{table} of {day}"
    if day > now.astimezone(UTC).date() - timedelta(days=LEAST_KEEP_DAYS):
        raise ArchiveRefused(f"{what} stays: events of it may still arrive. Days are kept for at least {LEAST_KEEP_DAYS} days")
    leaf = sql.Identifier(partition_name(table, day))
    try:
        with transaction.atomic(), connection.cursor() as wrapper:
            cursor = wrapper.cursor
            cursor.execute(sql.SQL("SET LOCAL lock_timeout = {}").format(sql.Literal(LOCK_WAIT)))
            row = ArchivedDay.objects.select_for_update().filter(table=table, day=day).first()
            if not find_days(table, [day])[0].live:
                return False
            cursor.execute(sql.SQL("LOCK TABLE {} IN SHARE MODE").format(leaf))
            _must_hold_all(what, day, row)
            cursor.execute(sql.SQL("DROP TABLE {}").format(leaf))
            ArchivedDay.objects.filter(table=table, day=day, dropped_at=None).update(dropped_at=now)
    except (OperationalError, psycopg.OperationalError) as error:
        raise ArchiveRefused(f"{what} stays: somebody is reading or writing it at this moment. Try again later") from error
    log.info("partition_dropped", table=table, day=str(day))
    return True


def _must_hold_all(what: str, day: date, row: ArchivedDay | None) -> None:
    """Raises ArchiveRefused unless the archive is whole and holds the live rows as they are now."""
    if row is None:
        raise ArchiveRefused(f"{what} stays: it is not archived. Run manage.py archive_day --table {what.split()[0]} {day} first")
    check_file(row)
    (found,) = find_days(row.table, [day])
    now_there = hash_of(read(found))
    if (now_there.rows, now_there.hexdigest()) != (row.rows, row.content_hash):
        raise ArchiveRefused(
            f"{what} stays: it has changed since it was archived ({now_there.rows:,} rows now, {row.rows:,} in the archive)."
            f" Run manage.py archive_day --table {row.table} {day} again"
        )
