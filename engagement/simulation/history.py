"""Writes history: a synthetic audience's sessions on a clock of their own, behind the edge, through the same plan, ad server and log as live traffic.

Sessions run one after the other in the order they began, so budgets, caps and learned rates meet them in time order.
The log is drained as it fills; until then the holds of what was shown are kept, so that each decision sees what came before it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import redis
from django.db.models import Max, prefetch_related_objects
from numpy.random import Generator

from adplatform.eventlog import consumer, ids, stream, tokens
from adplatform.eventlog.envelope import Event
from adplatform.eventlog.hashing import daily_hash
from adplatform.eventlog.partitions import ensure_partitions
from ads.policy import policy_for
from ads.reservation import HOLD_SECONDS, Operation, forget, settle
from catalog.models import Title
from catalog.selectors import WatchableTitle
from engagement.models import PlaybackSession, Viewer
from engagement.playback import adload, clips
from engagement.playback.live import Around
from engagement.playback.plan import DecideBreak, Item, Plan, PlannedAd, PlannedScene, first_plan, next_step, publish_scene
from engagement.playback.publishing import decide_break
from engagement.segmenting import sort_viewers

from . import behaviour, invalid, reporting, world
from .arrivals import session_starts
from .audience import Audience
from .people import Person
from .reporting import Reporter
from .truth import CLICK, COMPLETE, STAY, TruthFile

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
    """One run. Who watches what is drawn from ``casting``, what they do from ``rng``: the same people come to the same films
    whatever ads they meet. Everything timed comes from the sessions' own clock."""

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
    sorted_on: date | None = None
    stored_by: float = 0.0

    def __post_init__(self) -> None:
        self.views = behaviour.Views(self.audience.clicking.weary_hours)

    def settle(self) -> None:
        self.persons = world.settle_people(self.audience, self.place, rng=self.casting)
        hours = np.array([person.monthly_hours for person in self.persons])
        self.weights = hours / hours.sum()
        self.viewers = {viewer.pk: viewer for viewer in Viewer.objects.filter(pk__in=[person.id for person in self.persons])}
        prefetch_related_objects(list(self.viewers.values()), "favourite_genres")
        self.rows = {title.pk: title for title in Title.objects.filter(pk__in=[title.id for title in self.place.titles]).prefetch_related("genres")}
        self.films = {title.id: clips.film_of(title) for title in self.place.titles}

    def write(self, *, days: float, sessions: int, until: datetime, progress: Progress) -> Report:
        cast = self.casting.choice(len(self.persons), size=sessions, p=self.weights)
        zones = [self.persons[index].zone for index in cast]
        drawn = session_starts(self.audience.rhythm, until=until, days=days, zones=zones, rng=self.casting)
        starts = [start for start, _ in drawn]
        ensure_partitions({(start + timedelta(days=extra)).date() for start in starts for extra in (0, 1)})
        for number, (start, place) in enumerate(drawn, start=1):
            if number % SESSIONS_BETWEEN_DRAINS == 1:
                self.stored_by = (starts[min(number + SESSIONS_BETWEEN_DRAINS, len(starts)) - 1] + LONGEST_SESSION).timestamp()
            self._one_session(self.persons[cast[place]], start)
            if number % SESSIONS_BETWEEN_DRAINS == 0:
                self._flush(start)
            progress(number, len(starts))
        if starts:
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
        """Once a day, so that what is asked for a viewer knows the segments of those days."""
        self.sorted_on = now.date()
        sort_viewers(now=now)
        for pk, segments in Viewer.objects.filter(pk__in=list(self.viewers)).values_list("pk", "segments"):
            self.viewers[pk].segments = segments

    def _one_session(self, person: Person, start: datetime) -> None:
        chosen = behaviour.choose_title(person, [(title.id, title.genres) for title in self.place.titles], rng=self.casting)
        title = next(title for title in self.place.titles if title.id == chosen)
        kind = invalid.draw(self.audience.invalid_traffic, self.casting)
        if kind != "burst":
            self._walk(person, title, start, kind)
            return
        for number in range(invalid.BURST_SESSIONS):
            self._walk(person, title, start + timedelta(seconds=number * invalid.BURST_STEP_SECONDS), kind)

    def _walk(self, person: Person, title: WatchableTitle, start: datetime, kind: str) -> None:
        session = self._session(person, title, start, consent=person.consent and kind != "burst")
        around = Around(
            zone=person.zone,
            ip_hash=daily_hash(str(person.id), now=start),
            ua_hash=daily_hash(person.browser, now=start),
            day=start.date().isoformat(),
        )
        policy = policy_for(title.id)
        plan = first_plan(self.films[title.id], change_budget=0, pre_roll=policy.pre_roll, post_roll=policy.post_roll)
        reporter = Reporter(session.pk, person.id, title.id, ip_hash=around.ip_hash, ua_hash=around.ua_hash)
        walk = Walk(self, person, title, session, reporter, plan, start, around, kind)
        walk.run()
        session.plan = walk.plan.as_json()
        session.last_seen_at = walk.clock
        self.unsaved.append(session)
        self.report.sessions += 1

    def _session(self, person: Person, title: WatchableTitle, start: datetime, *, consent: bool) -> PlaybackSession:
        return PlaybackSession(
            id=ids.new_id(start),
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


@dataclass
class Walk:
    """One session from its first clip to its end or the leaving; ``kind`` is that of invalid traffic, empty for an honest one."""

    run_of: History
    person: Person
    title: WatchableTitle
    session: PlaybackSession
    reporter: Reporter
    plan: Plan
    clock: datetime
    around: Around
    kind: str = ""
    ad_seconds: float = 0.0
    film_seconds: float = 0.0
    fits: list[float] = field(default_factory=list)
    shown: list[Operation] = field(default_factory=list)

    def run(self) -> None:
        data: dict[str, Any] = {
            "device": self.session.device,
            "hour": self.session.hour,
            "consent": self.session.consent,
            "genres": list(self.title.genres),
            "arms": {},
        }
        self._log([self.reporter.event("playback.session", self.clock, **data), self.reporter.event("playback.start", self.clock)])
        while (step := next_step(self.plan)) is not None:
            goes_on = self._break(step) if isinstance(step, DecideBreak) else self._scene()
            if not goes_on or (self.kind == "burst" and isinstance(step, DecideBreak)):
                return
        self._end()

    def _log(self, events: list[Event]) -> None:
        self.run_of.waiting.extend(events)

    def _scene(self) -> bool:
        self.plan = publish_scene(self.plan)
        if self.kind == "burst":
            return True
        item = self.plan.published[-1]
        scene = self.plan.scene(item.scene or 0)
        view = self._view(scene, item)
        watched = behaviour.watch_scene(self.run_of.audience, self.person, view, ad_seconds=self.ad_seconds, rng=self.run_of.rng)
        self.run_of.truth.add(STAY, self.session.pk, len(self.plan.played), watched.truth)
        self.fits.append(behaviour.scene_fit(self.person, view))
        self._log(list(reporting.scene_events(self.reporter, scene.id, watched, began=self.clock, t0=item.t0, cut=item.cut)))
        self.clock += timedelta(seconds=reporting.wall_seconds(watched))
        self.ad_seconds = 0.0
        self.film_seconds += watched.seconds
        return not watched.left

    def _view(self, scene: PlannedScene, item: Item) -> behaviour.SceneView:
        return behaviour.SceneView(
            id=scene.id,
            mood=scene.mood,
            intensity=scene.intensity,
            genres=self.title.genres,
            duration=item.t1 - item.t0,
            index=len(self.plan.played) - 1,
        )

    def _break(self, step: DecideBreak) -> bool:
        viewer = adload.shared(self.session)
        met = adload.history(
            self.plan,
            film_seconds=self.film_seconds,
            shown={},
            playhead=None,
            elsewhere=adload.elsewhere(viewer, self.session.pk, now=self.clock),
            now=self.clock,
        )
        published = len(self.plan.published)
        self.plan, _ = decide_break(self.session, self.plan, step.due, met=met, around=self.around, now=self.clock, rng=self.run_of.rng)
        decided = next(one for one in self.plan.breaks if one.id == step.due.id)
        adload.note(viewer, self.session.pk, decided, at=decided.at)
        pod = [(item, item.ad) for item in self.plan.published[published:] if item.ad is not None]
        self.run_of.report.breaks += 1
        began, self.shown = self.clock, []
        goes_on = all(self._ad(item, ad, place) for place, (item, ad) in enumerate(pod))
        self.run_of.keep(self.shown, began)
        return goes_on

    def _ad(self, item: Item, ad: PlannedAd, place: int) -> bool:
        run, creative = self.run_of, self.run_of.place.creatives[ad.ad]
        view = behaviour.AdView(
            key=creative.key,
            category=creative.category,
            duration=item.t1 - item.t0,
            skip_after=ad.skip_after,
            place=place,
            seen_before=run.views.recent(self.person.id, ad.campaign, now=self.clock),
            genres=self.title.genres,
            hour=self.person.local(self.clock).hour,
            device=self.session.device,
        )
        watched = invalid.played(self.kind, behaviour.watch_ad(run.audience, self.person, view, rng=run.rng), duration=view.duration)
        token = tokens.read(ad.token, tokens.TrackingToken, now=None)
        sent = reporting.ad_events(self.reporter, token, watched, began=self.clock)
        self._log(list(invalid.disguised(self.kind, sent, now=self.clock)))
        # What was not watched honestly may be judged not to count: its hold ends by itself then, and the caps forget it.
        verb = "confirm" if self.kind in invalid.HONEST_BEHAVIOUR else "extend"
        self.shown.append(Operation(verb, token.decision, token.slot))
        if self.kind in invalid.HONEST_BEHAVIOUR:
            run.truth.add(CLICK, token.decision, token.slot, watched.truth)
            run.truth.add(COMPLETE, token.decision, token.slot, behaviour.completion_probability(run.audience, self.person, view))
            run.views.add(self.person.id, ad.campaign, now=self.clock)
        run.report.ads += 1
        run.report.invalid += self.kind != ""
        run.report.clicks += any(action.type == "ad.click" for action in watched.actions)
        self.clock += timedelta(seconds=reporting.wall_seconds(watched))
        self.ad_seconds += watched.seconds
        if watched.left:
            self._log([self.reporter.event("playback.leave", self.clock)])
        return not watched.left

    def _end(self) -> None:
        run = self.run_of
        events = [self.reporter.event("playback.end", self.clock, t=round(self.plan.published_until, 3))]
        if run.rng.random() < run.audience.rating.share:
            events.append(self.reporter.event("playback.rating", self.clock, stars=behaviour.stars(self.person, self.fits, rng=run.rng)))
        self._log(events)
        run.report.finished += 1


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

    The author's order plays: a Director of those days would have had no engagement model, and today's has seen what came after.
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
