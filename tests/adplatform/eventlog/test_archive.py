"""A day in the archive is the day that was in the table; a partition drops only when that is so at this very moment."""

from __future__ import annotations

import resource
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from adplatform.eventlog import columns, days, ids, retention
from adplatform.eventlog.archive import ArchiveRefused, archive_day, drop_partition
from adplatform.eventlog.days import MissingDay, read_day
from adplatform.eventlog.partitions import ensure_partitions, live_days, partition_name
from adplatform.models import ArchivedDay
from ads.models import AdEvent

TABLE = "ads_adevent"
DAY = date(2026, 11, 10)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
ODD = 'tab\t newline\n backslash\\ quote" null\\u0000 emoji \U0001f600'

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_archive(settings: Any, tmp_path: Path) -> None:
    settings.ARCHIVE_DIR = tmp_path / "archive"
    ensure_partitions([DAY])


def make(number: int, *, minute: int = 0, **changes: Any) -> AdEvent:
    at = datetime(DAY.year, DAY.month, DAY.day, 10, minute, 0, number + 1, tzinfo=UTC)
    values: dict[str, Any] = {
        "id": ids.new_id(at), "day": DAY, "type": "ad.impression", "occurred_at": at, "received_at": at, "decision": uuid.UUID(int=number + 1),
        "slot": number % 3, "session": uuid.UUID(int=5), "ad": 7, "flight": 8, "campaign": 9, "price_micros": 2**40 + number,
        "data": {"text": ODD, "number": 0.1 + number, "deep": [None, True, {"a": []}]}, "viewer": uuid.UUID(int=3) if number % 2 else None,
        "title": None if number % 3 else -number,
    }  # fmt: skip
    return AdEvent.objects.create(**(values | changes))


def rows() -> list[dict[str, Any]]:
    return [row for batch in read_day(TABLE, DAY) for row in batch.to_pylist()]


def drop() -> bool:
    return drop_partition(TABLE, DAY, now=NOW)


def test_a_day_reads_alike_from_the_table_and_from_its_archive() -> None:
    for number in range(7):
        make(number)
    live = rows()
    assert len(live) == 7
    assert live == sorted(live, key=lambda row: row["id"].bytes)
    stored = {row.pk: row for row in AdEvent.objects.all()}
    for row in live:
        for name in columns.names_of(TABLE):
            if name != "data":
                assert row[name] == getattr(stored[row["id"]], name)
    done = archive_day(TABLE, DAY, now=NOW)
    assert (done.state, done.rows) == ("written", 7)
    assert drop()
    assert live_days(TABLE).count(DAY) == 0
    assert rows() == live
    chosen = list(read_day(TABLE, DAY, ["slot", "occurred_at"], only={"type": ["ad.click"]}))
    assert chosen == []
    (batch,) = read_day(TABLE, DAY, ["slot", "occurred_at"], only={"type": ["ad.click", "ad.impression"]})
    assert batch.schema.names == ["slot", "occurred_at"]
    assert batch.num_rows == 7


def test_every_partitioned_table_can_be_archived() -> None:
    for table in columns.tables():
        assert archive_day(table, DAY, now=NOW).state == "written"
        assert drop_partition(table, DAY, now=NOW)
        assert list(read_day(table, DAY)) == []


def test_the_hash_of_rows_does_not_depend_on_their_batches_and_tells_any_difference() -> None:
    whole = pa.RecordBatch.from_pydict({"a": pa.array([1, None, 3], pa.int64()), "b": pa.array(["x", "", None]), "c": pa.array([True, None, False])})
    parts = [whole.slice(0, 1), whole.slice(1, 0), whole.slice(1, 2)]
    assert columns.hash_of([whole]).hexdigest() == columns.hash_of(parts).hexdigest()
    others = [
        {"a": pa.array([1, 0, 3], pa.int64()), "b": whole.column("b"), "c": whole.column("c")},
        {"a": whole.column("a"), "b": pa.array(["", "x", None]), "c": whole.column("c")},
        {"a": whole.column("a"), "b": pa.array(["x", None, ""]), "c": whole.column("c")},
        {"a": whole.column("a"), "b": whole.column("b"), "c": pa.array([True, False, False])},
    ]
    hashes = {columns.hash_of([pa.RecordBatch.from_pydict(other)]).hexdigest() for other in others}
    assert len(hashes) == 4
    assert columns.hash_of([whole]).hexdigest() not in hashes


def test_pages_follow_each_other_without_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(days, "PAGE_ROWS", 3)
    made = {make(number).pk for number in range(7)}
    assert [batch.num_rows for batch in read_day(TABLE, DAY)] == [3, 3, 1]
    archive_day(TABLE, DAY, now=NOW)
    assert drop()
    assert {row["id"] for row in rows()} == made


def test_archiving_again_changes_nothing_until_something_came_since() -> None:
    make(0)
    first = archive_day(TABLE, DAY, now=NOW)
    kept = ArchivedDay.objects.get()
    assert archive_day(TABLE, DAY, now=NOW + timedelta(days=1)).state == "unchanged"
    assert ArchivedDay.objects.get().archived_at == kept.archived_at
    make(1)
    with pytest.raises(ArchiveRefused, match=r"has changed since it was archived \(2 rows now, 1 in the archive\)"):
        drop()
    again = archive_day(TABLE, DAY, now=NOW)
    assert (first.rows, again.state, again.rows) == (1, "written", 2)
    AdEvent.objects.filter(slot=1).update(valid=False, reason="late")
    with pytest.raises(ArchiveRefused, match="has changed"):
        drop()


@pytest.mark.django_db(transaction=True)
def test_the_file_of_an_earlier_archive_goes_when_the_new_one_is_told_of() -> None:
    make(0)
    archive_day(TABLE, DAY, now=NOW)
    make(1)
    archive_day(TABLE, DAY, now=NOW)
    row = ArchivedDay.objects.get()
    files = [path.name for path in days.check_file(row).parent.iterdir()]
    assert files == [Path(row.path).name]


def test_a_day_that_is_not_over_or_not_archived_or_still_open_stays() -> None:
    make(0)
    with pytest.raises(ArchiveRefused, match="is not over yet"):
        archive_day(TABLE, NOW.date(), now=NOW)
    with pytest.raises(ArchiveRefused, match=r"it is not archived\. Run manage.py archive_day --table ads_adevent 2026-11-10 first"):
        drop()
    archive_day(TABLE, DAY, now=NOW)
    with pytest.raises(ArchiveRefused, match="events of it may still arrive"):
        drop_partition(TABLE, DAY, now=datetime(2026, 11, 12, 23, tzinfo=UTC))
    assert archive_day(TABLE, date(2026, 1, 1), now=NOW).state == "empty"
    with pytest.raises(columns.UnknownTable, match="'ads_ad' is not partitioned by day; these tables are: ads_adevent"):
        archive_day("ads_ad", DAY, now=NOW)


@pytest.mark.parametrize("fault", ["gone", "damaged"])
def test_a_file_that_is_not_what_was_written_keeps_the_partition(fault: str) -> None:
    make(0)
    archive_day(TABLE, DAY, now=NOW)
    path = days.check_file(ArchivedDay.objects.get())
    if fault == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-9] + b"x" * 9)
    with pytest.raises(MissingDay, match=f"ads_adevent of 2026-11-10 .* is {fault}"):
        drop()
    assert len(rows()) == 1
    # The table is still there, so a new archive heals it.
    assert archive_day(TABLE, DAY, now=NOW).state == "written"
    assert drop()
    days.check_file(ArchivedDay.objects.get()).unlink()
    with pytest.raises(MissingDay, match="is gone: bring the file back from a backup"):
        rows()


@contextmanager
def no_more_than(size: int) -> Iterator[None]:
    """No file of this process grows beyond so many bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_without_room_loses_nothing(settings: Any) -> None:
    for number in range(30):
        make(number, data={"text": uuid.uuid4().hex * 20})
    with no_more_than(2_000), pytest.raises(ArchiveRefused, match=r"cannot be archived .*: File too large. Nothing was lost"):
        archive_day(TABLE, DAY, now=NOW)
    assert list((settings.ARCHIVE_DIR / TABLE).iterdir()) == []
    assert not ArchivedDay.objects.exists()
    assert archive_day(TABLE, DAY, now=NOW).rows == 30


def test_an_event_that_comes_after_the_drop_is_read_with_the_archive_and_archived_anew() -> None:
    made = [make(number, minute=number * 10) for number in range(3)]
    archive_day(TABLE, DAY, now=NOW)
    assert drop()
    ensure_partitions([DAY])
    late = make(9, minute=15)
    # The same event once more: the unique key that knew it is gone.
    again = make(1, id=made[1].pk, valid=False, reason="late")
    assert [row["id"] for row in rows()] == [made[0].pk, again.pk, late.pk, made[2].pk]
    assert [row["valid"] for row in rows()] == [True, False, True, True]
    with pytest.raises(ArchiveRefused, match="4 rows now, 3 in the archive"):
        drop()
    assert archive_day(TABLE, DAY, now=NOW).rows == 4
    expected = rows()
    assert drop()
    assert rows() == expected


@pytest.mark.django_db(transaction=True)
def test_nothing_is_written_between_the_comparison_and_the_drop() -> None:
    """A writer that comes while the partition is being dropped waits, and its event is kept in a new one."""
    make(0)
    archive_day(TABLE, DAY, now=NOW)
    locked, written = threading.Event(), threading.Event()

    def write() -> None:
        locked.wait(10)
        try:
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '300ms'")
            with pytest.raises(Exception, match="lock timeout"):
                make(1)
        finally:
            connection.close()
            written.set()

    writer = threading.Thread(target=write)
    writer.start()
    with transaction.atomic():
        assert drop()
        locked.set()
        written.wait(10)
    writer.join()
    ensure_partitions([DAY])
    make(1)
    assert len(rows()) == 2


@pytest.mark.django_db(transaction=True)
def test_a_partition_that_is_in_use_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adplatform.eventlog.archive.LOCK_WAIT", "100ms")
    make(0)
    archive_day(TABLE, DAY, now=NOW)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(f'SELECT count(*) FROM "{TABLE}"')
            with pytest.raises(ArchiveRefused, match="somebody is reading or writing it"):
                drop()
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert drop()


def test_the_nightly_task_archives_what_is_over_and_drops_what_is_old() -> None:
    young, today = NOW.date() - timedelta(days=3), NOW.date()
    for day in live_days(TABLE):
        for table in columns.tables():
            with connection.cursor() as cursor:
                cursor.execute(f'DROP TABLE IF EXISTS "{partition_name(table, day)}"')
    ensure_partitions([DAY, young, today])
    make(0)
    assert retention.keep_up(now=NOW, keep_days=10) == []
    assert live_days(TABLE) == [young, today]
    assert sorted(ArchivedDay.objects.filter(table=TABLE).values_list("day", "rows", "dropped_at")) == [(DAY, 1, NOW), (young, 0, None)]
    assert retention.keep_up(now=NOW, keep_days=10) == []


def test_the_commands_say_what_was_done_and_what_stands_in_the_way() -> None:
    make(0)
    out = StringIO()
    call_command("archive_day", str(DAY), "--table", TABLE, stdout=out)
    assert out.getvalue().startswith("ads_adevent of 2026-11-10: 1 rows written and checked")
    with pytest.raises(CommandError, match="at least 3 days"):
        call_command("drop_partitions", "--keep-days", "1")
    with pytest.raises(CommandError, match="is not partitioned by day"):
        call_command("archive_day", "--table", "nothing")
    out = StringIO()
    call_command("drop_partitions", "--keep-days", "999999999999", stdout=out)
    assert "ads_adevent: 0 days dropped" in out.getvalue()
    with pytest.raises(CommandError, match="not both"):
        call_command("archive_day", str(DAY), "--all-before", "2026-11-12")
