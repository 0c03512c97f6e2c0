"""Figures of watching counted anew are those that the consumer folded, whatever it stored and in whatever order."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from adplatform.eventlog import consumer, ids, rebuild, stream
from adplatform.eventlog.envelope import Event, Position
from adplatform.eventlog.partitions import days_around, ensure_partitions
from catalog.models import Genre
from catalog.selectors import title_for_watching
from engagement.models import PlaybackDay, PlaybackEvent, PlaybackMinute, PlaybackSession, Viewer
from engagement.playback.sessions import Opened, session_open
from engagement.recounts import RECOUNTS
from tests.media import Films

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 6, 1, 22, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=27)
(RECOUNT,) = RECOUNTS
KINDS = (
    "playback.start", "playback.scene_start", "playback.scene_end", "playback.leave", "playback.rewind", "playback.skip_scene", "playback.pause",
    "playback.stall", "playback.rating", "playback.end", "playback.heartbeat", "director.decision",
)  # fmt: skip
DATA = {
    "watched": st.sampled_from([0, 1.2345, 3, 4.0005, 99, -1, "long", True]), "milliseconds": st.sampled_from([0.5, 1.5, 800, 700_000, None]),
    "stars": st.sampled_from([1, 5, 0, 2.5, "five"]), "duration": st.sampled_from([4.0, 0, None]), "completed": st.sampled_from([True, False, None]),
    "action": st.sampled_from(["keep", "tighten", "suggest"]), "applied": st.booleans(),
}  # fmt: skip
# Whose session (two viewers', or none), which event, seconds after the start, which scene, whether the edge knew it to be wrong.
HAPPENED = st.tuples(
    st.integers(0, 2), st.sampled_from(KINDS), st.sampled_from([1, 40, 7_300]), st.integers(0, 3), st.booleans(), st.fixed_dictionaries(DATA)
)


@pytest.fixture
def opened(films: Films) -> list[Opened]:
    ensure_partitions(days_around(NOW.date(), back=2, ahead=2))
    title = title_for_watching("test-pattern")
    viewer = Viewer.objects.create(name="Ada", ads_consent=True)
    return [session_open(title=title, viewer=viewer, tab=device, device=device, hour=20, now=NOW) for device in ("tv", "mobile")]


def event(opened: list[Opened], told: tuple[Any, ...]) -> Event:
    who, kind, after, place, wrong, data = told
    at = NOW + timedelta(seconds=after)
    scenes = [*PlaybackSession.objects.get(pk=opened[0].session.pk).title.scenes.values_list("pk", flat=True)[:2], 10**9]
    if kind == "director.decision":
        data = {**data, "reason": "", "alternatives": [], "features": {}, "milliseconds": 1.0}
    return Event(
        id=ids.new_id(at), type=kind, occurred_at=at, received_at=at, session=opened[who].session.pk if who < 2 else uuid.uuid4(), seq=after,
        position=Position(scenes[place - 1], 1.0) if place and not (kind == "director.decision" and place == 3) else None,
        title=opened[0].session.title_id, synthetic=who == 1, invalid="clock_skew" if wrong and kind != "director.decision" else "",
        data={name: value for name, value in data.items() if value is not None},
    )  # fmt: skip


def differences() -> list[str]:
    return [
        found.line for found in (rebuild.check(RECOUNT, day, now=LATER) for day in (NOW.date(), NOW.date() + timedelta(days=1))) if found.differences
    ]


def test_whatever_is_stored_counted_anew_it_is_what_was_folded(opened: list[Opened]) -> None:
    consumer.drain(now=NOW)

    @settings(max_examples=10)
    @given(batches=st.lists(st.lists(HAPPENED, min_size=1, max_size=20), min_size=1, max_size=3))
    def folded(batches: list[list[Any]]) -> None:
        with transaction.atomic():
            for batch in batches:
                events = [event(opened, told) for told in batch]
                stream.append([*events, *events[:3]])
                consumer.drain(now=NOW + timedelta(hours=3))
            assert differences() == []
            transaction.set_rollback(True)

    folded()
    assert list(PlaybackDay.objects.values_list("sessions", flat=True)) == [1, 1]


def test_what_is_spoilt_is_set_right_under_the_genre_of_that_day(opened: list[Opened]) -> None:
    told = [(0, "playback.scene_start", 1, 1, False, {}), (0, "playback.leave", 40, 1, False, {"watched": 3})]
    stream.append([event(opened, one) for one in told])
    consumer.drain(now=NOW + timedelta(minutes=1))
    before = list(PlaybackMinute.objects.order_by("bucket", "scene_id", "device").values_list("genre", "watch_milliseconds", "sessions", "exits"))
    assert differences() == []
    title = opened[0].session.title
    title.genres.set([Genre.objects.create(name="Aaa", slug="aaa")])
    assert differences() == []
    PlaybackMinute.objects.update(watch_milliseconds=1)
    PlaybackDay.objects.all().delete()
    rebuild.rebuild(RECOUNT, NOW.date(), now=LATER)
    assert differences() == []
    assert before == list(
        PlaybackMinute.objects.order_by("bucket", "scene_id", "device").values_list("genre", "watch_milliseconds", "sessions", "exits")
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT late FROM adplatform_rollupday")
        assert cursor.fetchall() == [(False,)]
    assert PlaybackEvent.objects.filter(valid=True).count() == 4
