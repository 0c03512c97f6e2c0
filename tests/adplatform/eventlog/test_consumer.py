"""The consumer stores every event once, whatever happens around it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from adplatform.eventlog import consumer, handlers, health, ids, stream
from adplatform.eventlog.envelope import Event, decode
from adplatform.eventlog.partitions import ensure_partitions
from adplatform.eventlog.rollup import Rollup
from adplatform.models import DeadEvent, RollupState
from engagement.models import PlaybackDay, PlaybackEvent, PlaybackHour, PlaybackMinute
from tests.adplatform.eventlog.conftest import append_many, make_event
from tests.adplatform.eventlog.handler import PlaybackHandler

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("own_handler")]


def figures() -> tuple[int, ...]:
    counted = [sum(grain.objects.values_list("pauses", flat=True)) for grain in (PlaybackMinute, PlaybackHour, PlaybackDay)]
    return (PlaybackEvent.objects.count(), *counted)


def test_what_was_appended_is_in_the_tables_and_every_grain_of_the_rollup() -> None:
    events = append_many(5)
    assert consumer.drain() == 5
    assert figures() == (5, 5, 5, 5)
    state = RollupState.objects.get(name="playback")
    assert state.filled_to == max(event.occurred_at for event in events).replace(second=0, microsecond=0)
    assert health.snapshot() == {"lag": 0, "pending": 0, "oldest_pending_seconds": 0, "dead": 0}


def test_sending_every_event_twice_changes_no_figure() -> None:
    events = append_many(20)
    stream.append(events)
    consumer.drain()
    once = figures()
    stream.append(events)
    consumer.drain()
    assert figures() == once == (20, 20, 20, 20)


def test_partitions_are_made_for_the_days_in_the_batch() -> None:
    moment = datetime(2025, 2, 3, 12, tzinfo=UTC)
    append_many(1, now=moment)
    append_many(1, now=moment + timedelta(days=40))
    consumer.drain()
    assert PlaybackEvent.objects.count() == 2
    assert DeadEvent.objects.count() == 0


def test_a_poison_event_is_buried_with_its_reason_and_its_neighbours_are_stored() -> None:
    append_many(7)
    poison = make_event(7, data={"explode": "no such scene"}, request_id="r-1")
    stream.append([poison])
    append_many(9)
    assert consumer.drain() == 17
    assert figures() == (16, 16, 16, 16)
    dead = DeadEvent.objects.get()
    assert dead.reason == "ValueError: no such scene"
    assert dead.attempts == consumer.ATTEMPTS
    assert health.snapshot()["pending"] == 0


def test_what_the_database_refuses_is_poison_too() -> None:
    append_many(3)
    stream.append([make_event(type="playback.pause", data={"text": "\x00"})])
    consumer.drain()
    assert PlaybackEvent.objects.count() == 3
    assert "UntranslatableCharacter" in DeadEvent.objects.get().reason


@pytest.mark.parametrize("payload", [b"", b"\xc1garbage", b"\x80"])
def test_an_undecodable_payload_is_kept_as_received(payload: bytes) -> None:
    stream.append_payloads([payload])
    append_many(2)
    consumer.drain()
    assert PlaybackEvent.objects.count() == 2
    dead = DeadEvent.objects.get()
    assert bytes(dead.payload) == payload
    assert dead.reason.startswith("undecodable")


def test_an_event_no_room_wants_is_buried_at_once() -> None:
    stream.append([make_event(type="director.decision")])
    consumer.drain()
    assert DeadEvent.objects.get().reason == "no handler for director.decision"


def test_an_id_from_another_age_makes_no_partition() -> None:
    stream.append([make_event(id=ids.new_id(datetime(2099, 1, 1, tzinfo=UTC)))])
    consumer.drain()
    assert "lies outside" in DeadEvent.objects.get().reason


def test_who_writes_history_on_an_earlier_clock_buries_nothing_that_the_edge_receives_meanwhile() -> None:
    event = make_event()
    stream.append([event])
    consumer.drain(now=event.received_at - timedelta(days=6))
    assert not DeadEvent.objects.exists()
    assert PlaybackEvent.objects.get().id == event.id


def test_entries_another_consumer_read_and_left_are_taken_over() -> None:
    append_many(4)
    stream.ensure_group()
    assert len(stream.read("died", count=3, block_ms=None)) == 3
    assert consumer.drain() == 4
    assert figures()[0] == 4


def test_a_redelivered_batch_that_was_committed_changes_nothing(own_handler: PlaybackHandler) -> None:
    append_many(4)
    stream.ensure_group()
    entries = stream.read("died", count=10, block_ms=None)
    events = [decode(entry.payload or b"") for entry in entries]
    ensure_partitions({ids.day_of(event.id) for event in events})
    with connection.cursor() as wrapper:
        own_handler(wrapper.cursor, events, now=datetime.now(UTC))
    assert consumer.drain() == 4
    assert figures() == (4, 4, 4, 4)


def test_trimming_never_drops_an_unread_or_pending_entry() -> None:
    append_many(300)
    stream.ensure_group()
    stream.read("slow", count=100, block_ms=None)
    stream.trim()
    assert stream.client().xlen(stream.STREAM) == 300
    consumer.drain()
    append_many(2)
    stream.trim()
    assert health.snapshot()["lag"] == 2
    assert consumer.drain() == 2


def test_a_missing_table_is_waited_for_and_buries_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unmigrated(PlaybackHandler):
        def __call__(self, cursor: object, events: object, *, now: object) -> None:
            cursor.execute("INSERT INTO not_migrated_yet VALUES (1)")  # type: ignore[attr-defined]

    append_many(2)
    monkeypatch.setattr(handlers, "_handlers", {"x": Unmigrated()})
    with pytest.raises(consumer.Unavailable, match="UndefinedTable"):
        consumer.drain()
    assert DeadEvent.objects.count() == 0
    monkeypatch.setattr(handlers, "_handlers", {"x": PlaybackHandler()})
    assert consumer.drain() == 2
    assert figures()[0] == 2


def test_two_consumers_with_the_same_batch_store_it_once() -> None:
    append_many(6)
    stream.ensure_group()
    entries = stream.read("one", count=10, block_ms=None)
    consumer.process(entries)
    consumer.process(entries)
    assert figures() == (6, 6, 6, 6)


def test_a_rollup_whose_migration_is_missing_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ahead(PlaybackHandler):
        def __call__(self, cursor: Any, events: Sequence[Event], *, now: datetime) -> None:
            Rollup("ahead", "engagement_playback", ("title_id",), ("not_migrated_yet",)).add(cursor, [(now, (1,), (1,))])

    append_many(2)
    monkeypatch.setattr(handlers, "_handlers", {"x": Ahead()})
    with pytest.raises(consumer.Unavailable, match="UndefinedColumn"):
        consumer.drain()
    assert DeadEvent.objects.count() == 0
