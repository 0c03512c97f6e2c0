"""Writes history: a synthetic audience's sessions on a clock of their own, behind the edge, through the same plan, ad server and log as live traffic.

Sessions run one after the other in the order they began, so budgets, caps and learned rates meet them in time order.
The log is drained as it fills; until then the holds of what was shown are kept, so that each decision sees what came before it.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import redis
from django.db.models import Max, prefetch_related_objects
from numpy.random import Generator

from adplatform.eventlog import consumer, ids, stream
from adplatform.eventlog.envelope import Event
from adplatform.eventlog.partitions import ensure_partitions
from ads.reservation import HOLD_SECONDS, Operation, forget, settle
from catalog.models import Title
from catalog.selectors import WatchableTitle
from engagement.models import PlaybackSession, Viewer
from engagement.playback import clips
from engagement.segmenting import sort_viewers

from . import behaviour, invalid, world
from .arrivals import session_starts
from .audience import Audience
from .directing import Directing
from .loyalty import Loyalty
from .people import Person
from .playing import Playback
from .truth import TruthFile
from .walk import Suggested, satisfaction

SESSIONS_BETWEEN_DRAINS = 40
# Sessions begin so long before the end of the stretch that all of them are over by then: nothing is written ahead of the clock.
LONGEST_SESSION = timedelta(minutes=30)
TAB = "history"

Progress = Callable[[int, int], None]


@dataclass
class Report:
    """What was written. ``invalid`` counts the ads in playbacks of invalid traffic."""

    sessions: int = 0
    breaks: int = 0
    ads: int = 0
    clicks: int = 0
    invalid: int = 0
    events: int = 0
    finished: int = 0
    first: datetime | None = None
    last: datetime | None = None


@dataclass
class History:
    """One run. Who comes and what they open is drawn from ``casting``, what they do from ``rng``: how a playback went moves who comes
    again, and nothing else of who comes. Everything timed comes from the sessions' own clock."""

    audience: Audience
    place: world.World
    rng: Generator
    casting: Generator
    truth: TruthFile
    persons: list[Person] = field(default_factory=list)
    views: behaviour.Views = field(init=False)
    report: Report = field(default_factory=Report)
    waiting: list[Event] = field(default_factory=list)
    unsaved: list[PlaybackSession] = field(default_factory=list)
    going_over: list[tuple[datetime, int, Suggested]] = field(default_factory=list)
    sorted_on: date | None = None
    stored_by: float = 0.0

    def __post_init__(self) -> None:
        self.views = behaviour.Views(self.audience.clicking.weary_hours)

    def settle(self) -> None:
        # Written again over itself, the same history is another one.
        self.before = PlaybackSession.objects.filter(tab=TAB).count()
        self.persons = world.settle_people(self.audience, self.place, rng=self.casting)
        self.loyalty = Loyalty(self.audience, self.persons)
        self.viewers = {viewer.pk: viewer for viewer in Viewer.objects.filter(pk__in=[person.id for person in self.persons])}
        prefetch_related_objects(list(self.viewers.values()), "favourite_genres")
        self.rows = {title.pk: title for title in Title.objects.filter(pk__in=[title.id for title in self.place.titles]).prefetch_related("genres")}
        self.titles = {title.id: title for title in self.place.titles}
        self.directing = Directing({title.id: frozenset(title.genres) for title in self.place.titles})
        self.films = {title.id: clips.film_of(title) for title in self.place.titles}

    def write(self, *, days: float, sessions: int, until: datetime, progress: Progress) -> Report:
        share = self.loyalty.hours / self.loyalty.hours.sum()
        zones = [self.persons[index].zone for index in self.casting.choice(len(self.persons), size=sessions, p=share)]
        drawn = session_starts(self.audience.rhythm, until=until, days=days, zones=zones, rng=self.casting)
        starts = [start for start, _ in drawn]
        ensure_partitions({(start + timedelta(days=extra)).date() for start in starts for extra in (0, 1)})
        if starts:
            self.directing.midnight(starts[0])
        for number, (start, place) in enumerate(drawn, start=1):
            if number % SESSIONS_BETWEEN_DRAINS == 1:
                self.stored_by = (starts[min(number + SESSIONS_BETWEEN_DRAINS, len(starts)) - 1] + LONGEST_SESSION).timestamp()
            self._go_over(start)
            self._one_session(zones[place], start)
            if number % SESSIONS_BETWEEN_DRAINS == 0:
                self._flush(start)
            progress(number, len(starts))
        if starts:
            self._go_over(until)
            self._flush(starts[-1])
            self._sort(until)
            self.report.first, self.report.last = starts[0], starts[-1]
        return self.report

    def _flush(self, now: datetime) -> None:
        PlaybackSession.objects.bulk_create(self.unsaved)
        stream.append(self.waiting)
        self.report.events += len(self.waiting)
        self.unsaved, self.waiting = [], []
        consumer.drain(now=now)
        if now.date() != self.sorted_on:
            self._sort(now)

    def keep(self, shown: list[Operation], now: datetime) -> None:
        """Events are stored long after their holds would have expired on the sessions' clock: the next decision would forget these ads."""
        expires = max(self.stored_by, now.timestamp() + HOLD_SECONDS)
        settle(stream.client(), [replace(one, expires=expires) for one in shown], [], now=now)

    def _sort(self, now: datetime) -> None:
        """Once a day, so that what is asked for a viewer knows the segments of those days, and the Director their prices."""
        self.sorted_on = now.date()
        sort_viewers(now=now)
        self.directing.midnight(now)
        for pk, segments in Viewer.objects.filter(pk__in=list(self.viewers)).values_list("pk", "segments"):
            self.viewers[pk].segments = segments

    def _one_session(self, zone: str, start: datetime) -> None:
        """Somebody comes and opens a title, in a zone where anybody would."""
        index = self.loyalty.comes(zone, start, rng=self.casting)
        if index is None:
            return
        person = self.persons[index]
        chosen = behaviour.choose_title(person, [(title.id, title.genres) for title in self.place.titles], rng=self.casting)
        kind = invalid.draw(self.audience.invalid_traffic, self.casting)
        for number in range(invalid.BURST_SESSIONS if kind == "burst" else 1):
            self._play(index, self.titles[chosen], start + timedelta(seconds=number * invalid.BURST_STEP_SECONDS), kind)

    def _go_over(self, until: datetime) -> None:
        """Playbacks of suggested titles that began before ``until``."""
        while self.going_over and self.going_over[0][0] <= until:
            start, index, suggested = self.going_over.pop(0)
            self._play(index, self.titles[suggested.title], start, "", came_from=uuid.UUID(suggested.decision))

    def _play(self, index: int, title: WatchableTitle, start: datetime, kind: str, *, came_from: uuid.UUID | None = None) -> None:
        person = self.persons[index]
        session = self._session(person, title, start, consent=person.consent and kind != "burst")
        session.came_from, session.arms = came_from, self.directing.arms(session, start)
        playback = Playback(self, person, title, session, kind)
        walk = playback.play(start)
        session.plan, session.as_edited, session.last_seen_at = walk.plan.as_json(), walk.plan.as_edited, walk.clock
        self.unsaved.append(session)
        self.report.sessions += 1
        self.report.finished += walk.finished
        self.directing.watched(session, walk)
        if kind not in invalid.HONEST_BEHAVIOUR:
            return
        self.loyalty.watched(index, satisfaction(self.audience, walk.sitting, finished=walk.finished), until=walk.clock, rng=self.rng)
        if walk.switched is not None:
            self.going_over.append((walk.clock, index, walk.switched))
            self.going_over.sort(key=lambda one: one[0])

    def new_id(self, now: datetime) -> uuid.UUID:
        """Drawn with who comes: what hangs on a session's id is the same for the same seed."""
        begun = uuid.UUID(int=round(now.timestamp() * 1000) << 80 | 0x7 << 76 | 0x2 << 62)
        return ids.derived_id(begun, self.before, *self.casting.integers(0, 2**63, size=2).tolist())

    def _session(self, person: Person, title: WatchableTitle, start: datetime, *, consent: bool) -> PlaybackSession:
        return PlaybackSession(
            id=self.new_id(start),
            viewer=self.viewers[person.id],
            title=self.rows[title.id],
            device=person.device,
            hour=person.local(start).hour,
            tab=TAB,
            consent=consent,
            started_at=start,
            last_seen_at=start,
            synthetic=True,
        )


def still_to_write(*, days: float, sessions: int, until: datetime) -> tuple[float, int]:
    """The days before ``until`` that come after the last session of history, and their part of ``sessions``; (0, 0) when none are left."""
    first = until - LONGEST_SESSION - timedelta(days=days)
    last = PlaybackSession.objects.filter(tab=TAB, synthetic=True).aggregate(last=Max("started_at"))["last"]
    left = (until - LONGEST_SESSION - max(first, last or first)) / timedelta(days=1)
    part = round(sessions * left / days)
    return (left, part) if part >= 1 else (0.0, 0)


def write_history(
    *,
    audience: Audience,
    days: float,
    sessions: int,
    seed: int,
    until: datetime,
    truth_folder: Path,
    progress: Progress,
    goes_on: bool = False,
) -> Report:
    """Write ``sessions`` sessions of the ``days`` before ``until``. The same seed draws the same people, times and choices; history
    that ``goes_on`` is that of the same people at other times.

    The Director of those days has no model, since today's has seen what came after: it explores, see `directing`.
    Raises NothingToWatch, LogUnavailable, and consumer.Unavailable.
    """
    rng, casting = np.random.default_rng(seed).spawn(2)
    place = world.survey()
    with TruthFile(truth_folder, f"history-{until:%Y%m%dT%H%M%S}-{seed}") as truth:
        history = History(audience, place, rng, casting, truth)
        history.settle()
        if goes_on:
            history.rng, history.casting = np.random.default_rng([seed, int(until.timestamp())]).spawn(2)
        try:
            return history.write(days=days, sessions=sessions, until=until - LONGEST_SESSION, progress=progress)
        finally:
            # Holds and days were counted on another clock. Without Redis there is nothing to forget.
            with contextlib.suppress(redis.exceptions.RedisError):
                forget(stream.client())
