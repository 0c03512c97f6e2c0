"""The figures of scenes and moments stay what the stored events say, however often, late or in pieces those arrive."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from adplatform.eventlog import consumer, ids, stream
from adplatform.eventlog.envelope import Event, Position
from adplatform.eventlog.partitions import days_around, ensure_partitions
from catalog.models import Title
from engagement.models import MomentDay, PlaybackSession, SceneDay, SessionTrace, TraceDue
from engagement.retention.rollup import forget_old_traces, take_traces
from tests.media import Films

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
BEGAN = NOW - timedelta(hours=2)
OTHER = ids.new_id(BEGAN)


def watched(title: Title, *, scenes: int, device: str = "tv", synthetic: bool = False) -> list[Event]:
    """A session that sees so many scenes whole, rewinds in the second and leaves in the next one."""
    ensure_partitions(days_around(NOW.date()))
    session = PlaybackSession.objects.create(
        id=ids.new_id(BEGAN), title=title, device=device, hour=20, started_at=BEGAN, last_seen_at=BEGAN, synthetic=synthetic
    )
    events: list[Event] = []

    def add(kind: str, after: float, scene: int, offset: float, **data: Any) -> None:
        at = BEGAN + timedelta(seconds=after)
        told = Event(
            id=ids.new_id(at), type=f"playback.{kind}", occurred_at=at, received_at=at, session=session.pk, seq=len(events) + 1,
            position=Position(scene, offset), title=title.pk, synthetic=synthetic, data=data,
        )  # fmt: skip
        events.append(told)

    film = list(title.scenes.select_related("asset").order_by("position"))
    at = 0.0
    for place, scene in enumerate(film[:scenes]):
        duration = scene.asset.duration if scene.asset else 0.0
        add("scene_start", at, scene.pk, 0.0)
        if place == 1:
            add("rewind", at + 4, scene.pk, 4.0, seconds=2.0)
        add("scene_end", at + duration, scene.pk, duration, watched=duration, duration=duration, completed=True)
        at += duration
    add("scene_start", at, film[scenes].pk, 0.0)
    add("leave", at + 2.5, film[scenes].pk, 2.5)
    return events


def store(events: Sequence[Event]) -> None:
    stream.append(list(events))
    consumer.drain(now=NOW)


def figures() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Every row that says something."""
    keys = {"id", "day", "title_id", "scene_id", "segment", "device", "synthetic"}
    tables: list[list[dict[str, Any]]] = [
        [dict(row) for row in SceneDay.objects.order_by("scene_id", "device").values()],
        [dict(row) for row in MomentDay.objects.order_by("scene_id", "device", "segment").values()],
    ]
    told = [[{name: row[name] for name in row if name != "id"} for row in rows if any(row[name] for name in row.keys() - keys)] for rows in tables]
    return told[0], told[1]


def test_a_silent_session_moves_the_figures_of_its_title_once(films: Films) -> None:
    store(watched(films.pattern, scenes=2))
    assert take_traces(now=NOW) == 1
    assert take_traces(now=NOW) == 0
    film = SceneDay.objects.get(scene_id=0)
    assert (film.day, film.device, film.starts, film.completed, film.left) == (BEGAN.date(), "tv", 1, 0, 1)
    second = films.pattern.scenes.get(position=2)
    assert list(MomentDay.objects.filter(scene_id=second.pk).order_by("segment").values_list("views", "rewound_to")) == [(1, 0), (2, 1), (1, 0)]


def test_what_is_still_being_watched_waits(films: Films) -> None:
    store(watched(films.pattern, scenes=2))
    assert take_traces(now=BEGAN + timedelta(minutes=10)) == 0
    assert TraceDue.objects.count() == 1


def test_redelivery_and_a_second_telling_change_nothing(films: Films) -> None:
    events = [*watched(films.pattern, scenes=2), *watched(films.pattern, scenes=3, device="mobile", synthetic=True)]
    store(events)
    take_traces(now=NOW)
    before = figures()
    store([*events, *reversed(events)])
    assert TraceDue.objects.count() == 0
    TraceDue.objects.bulk_create(TraceDue(session=one, touched_at=BEGAN) for one in PlaybackSession.objects.values_list("pk", flat=True))
    assert take_traces(now=NOW) == 2
    assert figures() == before
    assert {row["synthetic"] for row in before[0]} == {False, True}


def test_late_events_in_any_order_end_in_the_same_figures(films: Films) -> None:
    events = watched(films.pattern, scenes=3)
    store(events)
    take_traces(now=NOW)
    at_once = figures()
    for model in (SceneDay, MomentDay, SessionTrace):
        model.objects.all().delete()
    late = [_again(event) for event in events]
    PlaybackSession.objects.create(id=OTHER, title=films.pattern, device="tv", hour=20, started_at=BEGAN, last_seen_at=BEGAN)
    random.Random(3).shuffle(late)
    for piece in (late[:4], late[4:7], late[7:]):
        store(piece)
        take_traces(now=NOW)
    assert figures() == at_once


def _again(event: Event) -> Event:
    """The same, told by another session."""
    return msgspec.structs.replace(event, id=ids.derived_id(OTHER, str(event.id)), session=OTHER)


def test_traces_go_with_the_raw_events_and_leave_the_figures(films: Films) -> None:
    store(watched(films.pattern, scenes=2))
    take_traces(now=NOW)
    before = figures()
    much_later = NOW + timedelta(days=91)
    assert forget_old_traces(now=much_later) == 1
    TraceDue.objects.create(session=PlaybackSession.objects.get().pk, touched_at=NOW)
    assert take_traces(now=much_later) == 1
    assert figures() == before


def test_a_session_that_was_deleted_meanwhile_is_passed_over() -> None:
    TraceDue.objects.create(session=ids.new_id(BEGAN), touched_at=BEGAN)
    assert take_traces(now=NOW) == 1
    assert figures() == ([], [])
