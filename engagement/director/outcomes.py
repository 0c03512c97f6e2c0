"""What came of the Director's decisions, judged once a session has been silent for a quarter of an hour.

A decision is about the next place of the film that was not published. It can only make a difference to who comes there, so an outcome
says first whether the viewer did. A suggestion that was taken leads to another film: then its outcome is what was watched there.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from django.db import connection

from engagement.models import DirectorOutcome
from engagement.playback.plan import Plan, from_json

from . import dataset
from .dataset import IDLE, LONGEST_SESSION
from .story import Story, Visit

BATCH = 500
# Decisions are logged with the server's clock, what viewers do with the player's.
CLOCK_SECONDS = 5.0
# A scene that was watched to within so much of its end was watched to its end.
END_SECONDS = 1.0

WAITING = """
SELECT d.id, d.session, d.decided_at, d.epoch, d.place, d.following, d.suggested, s.plan
FROM engagement_directordecision d JOIN engagement_playbacksession s ON s.id = d.session AND s.last_seen_at < %(silent)s
WHERE d.decided_at >= %(since)s AND d.decided_at < %(silent)s AND NOT EXISTS (SELECT 1 FROM engagement_directoroutcome o WHERE o.decision = d.id)
  AND NOT EXISTS (SELECT 1 FROM engagement_playbacksession t WHERE t.came_from = d.id AND t.last_seen_at >= %(silent)s)
ORDER BY d.decided_at, d.id LIMIT %(most)s
"""
LED_TO = """
SELECT came_from, id, title_id, started_at FROM engagement_playbacksession
WHERE last_seen_at >= %(since)s AND came_from = ANY(%(decisions)s) ORDER BY started_at DESC
"""
CHARGED = """
SELECT d.session, e.occurred_at, e.amount_micros FROM ads_decision d JOIN ads_ledgerentry e ON e.decision = d.id
WHERE d.session = ANY(%(sessions)s) AND d.day BETWEEN %(first_day)s AND %(last_day)s
"""


@dataclass(frozen=True, slots=True)
class Place:
    """What a decision was about, ``at`` Unix seconds: the scene that plays at its place, and the one before it where that is known."""

    at: float
    scene: int | None
    before: int | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """As `DirectorOutcome` has it; shares are None for a place that the viewer did not come to."""

    reached: bool
    watched: float | None = None
    coming: float | None = None
    stayed_seconds: float | None = None


NOT_REACHED = Outcome(reached=False)
NOTHING_WATCHED = Outcome(reached=True, watched=0.0, coming=0.0, stayed_seconds=0.0)


def place_of(at: float, epoch: int, place: int, following: int | None, plan: Plan | None) -> Place:
    """Where the plan came to in the end. In the epoch of the decision it knows which scene played there, whatever was decided after."""
    played = plan.played if plan is not None else ()
    same = plan is not None and plan.epoch == epoch and 0 < place <= len(played)
    return Place(at, played[place - 1] if same else following, played[place - 2] if 2 <= place <= len(played) + 1 else None)


def outcome_at(place: Place, story: Story) -> Outcome:
    """Of a playback that was told to its end. The viewer came to the place when its scene began, or the one before it was over: who
    leaves in the ads between the two has come there and watched nothing. Pure."""
    stretch = next((number for number, last in sorted(story.last.items()) if last >= place.at - CLOCK_SECONDS), None)
    later = [(index, one) for index, one in enumerate(story.visits) if one.stretch == stretch and _goes_on_after(story, index, place.at)]
    found = next((index for index, one in later if one.scene == place.scene and one.at >= place.at - CLOCK_SECONDS), None)
    if found is not None:
        return _watched_from(found, story)
    over = any(one.scene == place.before and one.furthest >= one.duration - END_SECONDS for _, one in later)
    return NOTHING_WATCHED if over else NOT_REACHED


def _goes_on_after(story: Story, index: int, at: float) -> bool:
    """Whether a visit was not over yet at that time."""
    following = story.visits[index + 1] if index + 1 < len(story.visits) else None
    return following is None or following.at >= at - CLOCK_SECONDS


def _watched_from(index: int, story: Story) -> Outcome:
    first: Visit = story.visits[index]
    stayed = sum(one.seconds() for one in story.visits[index:] if one.stretch == first.stretch)
    return Outcome(True, first.share(), story.coming(index), stayed)


def judge(*, now: datetime, since: datetime, most: int = BATCH) -> int:
    """Judge the oldest decisions from ``since`` on that wait for it, ``most`` at once; returns how many. Running it twice, or two at
    once, changes nothing."""
    with connection.cursor() as cursor:
        cursor.execute(WAITING, {"silent": now - IDLE, "since": since, "most": most})
        waiting = [_Waiting(*row) for row in cursor.fetchall()]
    if waiting:
        DirectorOutcome.objects.bulk_create(_judged(waiting, now), ignore_conflicts=True)
    return len(waiting)


def judge_all(*, now: datetime, since: datetime) -> int:
    """`judge` until nothing waits any more; returns how many were judged."""
    total = 0
    while found := judge(now=now, since=since):
        total += found
    return total


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A decision, the plan of its session as it came to be, and the session that its suggestion led to."""

    id: uuid.UUID
    session: uuid.UUID
    decided_at: datetime
    epoch: int
    place: int
    following: int | None
    suggested: int | None
    plan: str


@dataclass(frozen=True, slots=True)
class _Led:
    """The session that a suggestion led to."""

    session: uuid.UUID
    title: int
    started_at: datetime


def _judged(waiting: Sequence[_Waiting], now: datetime) -> list[DirectorOutcome]:
    led = _led_to(waiting)
    sessions = {one.session for one in waiting} | {one.session for one in led.values()}
    since = min(one.decided_at for one in waiting) - LONGEST_SESSION
    stories = {told.session.id: told.story() for told in dataset.read_of(sessions, since=since, as_of=now)}
    charged, plans = _charged(sessions, since=since, until=now), {}
    for one in waiting:
        if one.session not in plans:
            plans[one.session] = _plan(one.plan)
    return [_row(one, led.get(one.id), _outcome(one, led.get(one.id), stories, plans[one.session]), charged, now) for one in waiting]


def _led_to(waiting: Sequence[_Waiting]) -> dict[uuid.UUID, _Led]:
    """By decision; where a link was opened again, the first session. Players say what they came from: it counts for the title suggested."""
    suggested = {one.id: one.suggested for one in waiting if one.suggested is not None}
    if not suggested:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(LED_TO, {"since": min(one.decided_at for one in waiting), "decisions": list(suggested)})
        return {decision: _Led(session, title, at) for decision, session, title, at in cursor.fetchall() if suggested[decision] == title}


def _outcome(one: _Waiting, led: _Led | None, stories: Mapping[uuid.UUID, Story], plan: Plan | None) -> Outcome:
    story = stories.get(one.session if led is None else led.session)
    if story is None:
        return NOT_REACHED
    if led is not None:
        return _watched_from(0, story) if story.visits else NOTHING_WATCHED
    return outcome_at(place_of(one.decided_at.timestamp(), one.epoch, one.place, one.following, plan), story)


def _row(
    one: _Waiting, led: _Led | None, outcome: Outcome, charged: Mapping[uuid.UUID, Sequence[tuple[datetime, int]]], now: datetime
) -> DirectorOutcome:
    where, since = (one.session, one.decided_at) if led is None else (led.session, led.started_at)
    return DirectorOutcome(
        decision=one.id, decided_at=one.decided_at, session=one.session, reached=outcome.reached, watched=outcome.watched, coming=outcome.coming,
        stayed_seconds=outcome.stayed_seconds, revenue_micros=sum(micros for at, micros in charged.get(where, ()) if at >= since),
        taken=led is not None, judged_at=now,
    )  # fmt: skip


def _plan(stored: str) -> Plan | None:
    """None where it cannot be read: then the decision's own word for the scene at its place has to do."""
    try:
        return from_json(msgspec.json.decode(stored)) if stored else None
    except msgspec.MsgspecError:
        return None


def _charged(sessions: Collection[uuid.UUID], *, since: datetime, until: datetime) -> dict[uuid.UUID, list[tuple[datetime, int]]]:
    """What was charged for the ads of each session, reversals with it."""
    found: defaultdict[uuid.UUID, list[tuple[datetime, int]]] = defaultdict(list)
    days: dict[str, Any] = {"first_day": since.astimezone(UTC).date(), "last_day": (until + timedelta(days=1)).astimezone(UTC).date()}
    with connection.cursor() as cursor:
        cursor.execute(CHARGED, {**days, "sessions": list(sessions)})
        for session, at, micros in cursor.fetchall():
            found[session].append((at, micros))
    return found
