from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from adplatform.eventlog import consumer, ids, stream
from adplatform.eventlog.envelope import Event, Position
from adplatform.eventlog.partitions import days_around, ensure_partitions
from catalog.selectors import title_for_watching
from engagement.handler import PlaybackEvents
from engagement.models import DirectorDecision, PlaybackDay, PlaybackEvent, PlaybackHour, PlaybackMinute, PlaybackSession, Rating, Viewer
from engagement.playback.sessions import Opened, session_open
from tests.media import Films

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
Make = Callable[..., Event]


@pytest.fixture
def opened(films: Films) -> Opened:
    viewer = Viewer.objects.create(name="Ada", ads_consent=True)
    ensure_partitions(days_around(NOW.date()))
    return session_open(title=title_for_watching("test-pattern"), viewer=viewer, tab="one", device="tv", hour=20, now=NOW)


@pytest.fixture
def make(opened: Opened) -> Make:
    def event(kind: str, after: float = 1.0, *, scene: int | None = None, offset: float = 0.0, **data: Any) -> Event:
        at = NOW + timedelta(seconds=after)
        return Event(
            id=ids.new_id(at), type=kind, occurred_at=at, received_at=at, session=opened.session.pk, seq=round(after * 10),
            position=None if scene is None else Position(scene, offset), viewer=opened.session.viewer_id, title=opened.session.title_id, data=data,
        )  # fmt: skip

    return event


def whole_viewing(make: Make, scenes: list[int]) -> list[Event]:
    events = [make("playback.start")]
    for index, scene in enumerate(scenes):
        at = 2 + index * 5
        events += [
            make("playback.scene_start", at, scene=scene),
            make("playback.pause", at + 1, scene=scene, offset=1),
            make("playback.scene_end", at + 4, scene=scene, offset=4, watched=4.0, duration=4.0, completed=True),
        ]
    return events


def figures() -> dict[str, dict[tuple[int, int], dict[str, int]]]:
    found = {}
    for model in (PlaybackMinute, PlaybackHour, PlaybackDay):
        rows: dict[tuple[int, int], dict[str, int]] = {}
        for row in model.objects.all().values():
            into = rows.setdefault((row["title_id"], row["scene_id"]), {})
            for name in (
                "sessions", "finished", "scene_starts", "scene_ends", "pauses", "watch_milliseconds", "director_decisions", "director_changes",
                "rating_stars",
            ):  # fmt: skip
                into[name] = into.get(name, 0) + row[name]
        found[model.__name__] = rows
    return found


def test_a_viewing_moves_the_figures_the_resume_point_and_the_progress(opened: Opened, make: Make) -> None:
    scenes = [scene.id for scene in opened.state.plan.film]
    stream.append(whole_viewing(make, scenes[:3]))
    consumer.drain()
    minute = figures()["PlaybackMinute"]
    assert figures()["PlaybackDay"] == minute
    assert minute[opened.session.title_id, 0]["sessions"] == 1
    assert (
        minute[opened.session.title_id, scenes[1]] | {"watch_milliseconds": 4000, "pauses": 1, "scene_ends": 1}
        == minute[opened.session.title_id, scenes[1]]
    )
    session = PlaybackSession.objects.get()
    assert (session.resume_scene, session.resume_offset) == (scenes[2], 4.0)
    assert session.progress == 0.5
    assert session.last_seen_at == NOW + timedelta(seconds=16)
    assert session.ended_at is None
    assert PlaybackMinute.objects.filter(genre="drama", device="tv").exists()


def test_sending_every_event_twice_changes_nothing(opened: Opened, make: Make) -> None:
    events = [*whole_viewing(make, [scene.id for scene in opened.state.plan.film]), make("playback.rating", 40, stars=4), make("playback.end", 41)]
    stream.append(events)
    consumer.drain()
    before = (figures(), list(PlaybackSession.objects.values()), PlaybackEvent.objects.count(), list(Rating.objects.values()))
    stream.append([*events, *reversed(events)])
    consumer.drain()
    assert (figures(), list(PlaybackSession.objects.values()), PlaybackEvent.objects.count(), list(Rating.objects.values())) == before
    assert PlaybackSession.objects.get().ended_at == NOW + timedelta(seconds=41)
    assert PlaybackSession.objects.get().progress == 1.0
    assert before[0]["PlaybackHour"][opened.session.title_id, 0]["finished"] == 1


def test_a_scene_counts_as_seen_to_its_end_by_what_was_watched_of_it(opened: Opened, make: Make) -> None:
    first, second, third = (scene.id for scene in opened.state.plan.film[:3])
    stream.append(
        [
            make("playback.scene_end", 5, scene=first, offset=4, watched=4.0, cut="full"),
            make("playback.scene_end", 9, scene=second, offset=3, watched=3.0, cut="full"),
            make("playback.leave", 12, scene=third, offset=2.5, watched=2.5),
        ]
    )
    consumer.drain()
    day = {scene: row for (_, scene), row in figures()["PlaybackDay"].items()}
    assert [day[scene]["scene_ends"] for scene in (first, second, third)] == [1, 0, 0]
    assert [day[scene]["watch_milliseconds"] for scene in (first, second, third)] == [4000, 3000, 2500]
    assert PlaybackSession.objects.get().progress == pytest.approx(1 / 6)


def test_a_late_event_moves_no_resume_point_back(opened: Opened, make: Make) -> None:
    first, second = (scene.id for scene in opened.state.plan.film[:2])
    stream.append([make("playback.heartbeat", 20, scene=second, offset=3)])
    consumer.drain()
    stream.append([make("playback.heartbeat", 5, scene=first, offset=2)])
    consumer.drain()
    session = PlaybackSession.objects.get()
    assert (session.resume_scene, session.resume_offset) == (second, 3.0)
    assert session.last_seen_at == NOW + timedelta(seconds=20)


def test_what_cannot_be_true_is_stored_with_the_reason_and_counts_nowhere(opened: Opened, make: Make, films: Films) -> None:
    mine = opened.state.plan.film[0].id
    foreign = films.bars.scenes.all()[0].pk
    unknown = make("playback.pause", 5)
    wrong = [
        make("playback.scene_start", 1, scene=foreign),
        make("playback.scene_end", 2, scene=mine, watched=1e300, duration=1e300),
        make("playback.rating", 3, stars=9),
        Event(id=unknown.id, type=unknown.type, occurred_at=NOW, received_at=NOW, session=uuid.uuid4()),
        make("playback.scene_end", 4, scene=mine, watched="all of it", duration=None, completed="yes"),
    ]
    stream.append(wrong)
    consumer.drain()
    reasons = dict(PlaybackEvent.objects.values_list("id", "reason"))
    found = [reasons[event.id] for event in wrong]
    assert found == ["scene_of_another_title", "more_watched_than_shown", "no_stars", "unknown_session", ""]
    assert sum(row["watch_milliseconds"] + row["scene_ends"] + row["scene_starts"] for row in figures()["PlaybackDay"].values()) == 0
    assert PlaybackSession.objects.get().progress == 0


def test_a_director_decision_becomes_a_row_and_a_figure(opened: Opened, make: Make) -> None:
    scene = opened.state.plan.film[0].id
    told = {
        "action": "bring_forward",
        "applied": True,
        "reason": "Because.",
        "engagement": 0.4,
        "alternatives": [],
        "features": {},
        "milliseconds": 1.5,
    }
    decision = make("director.decision", 3, scene=scene, **told)
    stream.append([decision, decision])
    consumer.drain()
    stored = DirectorDecision.objects.get()
    assert (stored.action, stored.applied, stored.scene, stored.milliseconds) == ("bring_forward", True, scene, 1.5)
    assert figures()["PlaybackDay"][opened.session.title_id, scene]["director_changes"] == 1


def test_neither_a_suggestion_nor_a_plan_that_stays_is_counted_as_a_change_of_the_plan(opened: Opened, make: Make) -> None:
    scene = opened.state.plan.film[0].id
    told = {"reason": "Because.", "engagement": 0.4, "alternatives": [], "features": {}, "milliseconds": 1.5}
    shown = make("director.decision", 3, scene=scene, action="suggest", applied=True, suggested=opened.session.title_id, **told)
    stream.append([shown, make("director.decision", 4, scene=scene, action="keep", applied=False, **told)])
    consumer.drain()
    counted = figures()["PlaybackDay"][opened.session.title_id, scene]
    assert (counted["director_decisions"], counted["director_changes"]) == (2, 0)
    assert DirectorDecision.objects.get(applied=True).suggested == opened.session.title_id


def test_an_answer_counts_where_a_decision_of_its_session_made_the_suggestion(opened: Opened, make: Make) -> None:
    told = {"reason": "Because.", "alternatives": [], "features": {}, "milliseconds": 1.5, "applied": True}
    shown = make("director.decision", 3, action="suggest", suggested=opened.session.title_id, **told)
    kept = make("director.decision", 4, action="keep", **told)
    answers = [make("playback.suggestion", 5, decision=str(one), title=7, taken=True) for one in (shown.id, kept.id, uuid.uuid4())]
    again = make("playback.suggestion", 9, decision=str(shown.id), title=7, taken=True)
    stream.append([shown, kept, *answers])
    consumer.drain()
    stream.append([again])
    consumer.drain()
    reasons = dict(PlaybackEvent.objects.values_list("id", "reason"))
    assert [reasons[one.id] for one in [*answers, again]] == ["", "unknown_decision", "unknown_decision", ""]


def test_the_newest_stars_of_a_viewer_stand(opened: Opened, make: Make) -> None:
    stream.append([make("playback.rating", 9, stars=5), make("playback.rating", 4, stars=1)])
    consumer.drain()
    stream.append([make("playback.rating", 6, stars=2)])
    consumer.drain()
    assert Rating.objects.get().stars == 5


class CountingCursor:
    """The raw cursor, and how many statements were sent through it."""

    def __init__(self, cursor: Any) -> None:
        self.cursor, self.statements = cursor, 0

    def execute(self, *arguments: Any) -> Any:
        self.statements += 1
        return self.cursor.execute(*arguments)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)


def test_a_batch_costs_the_same_number_of_statements_whatever_its_size(opened: Opened, make: Make) -> None:
    scenes = [scene.id for scene in opened.state.plan.film]
    counts = []
    for repeats in (1, 30):
        with transaction.atomic(), connection.cursor() as wrapped:
            cursor = CountingCursor(wrapped.cursor)
            PlaybackEvents()(cursor, whole_viewing(make, scenes * repeats), now=NOW)
            counts.append(cursor.statements)
    assert counts[0] == counts[1]
