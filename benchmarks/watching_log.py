"""What the synthetic audience did with the shipped films, in memory: rows as the product makes them of its log, and what is true of each.

Each playback is `engagement.simulation.walk`, the walk that writes history, on a stage without a database. At a tenth of the boundaries
the plan is changed by lot, so that the log knows tight cuts, scenes out of their place and moved breaks.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import yaml
from numpy.random import Generator
from numpy.typing import NDArray

from adplatform.eventlog.envelope import Event
from adplatform.learning.training.dataset import Dataset
from engagement.director import dataset
from engagement.director.features import SceneContext
from engagement.director.film import film_of
from engagement.director.options import applied, options
from engagement.director.signals import counts
from engagement.director.story import GRID_SECONDS, Happened, Moment
from engagement.playback.plan import Break, Clip, Item, Plan, PlannedAd, PlannedScene, fill_break, first_plan
from engagement.simulation import arrivals, behaviour, expected, people
from engagement.simulation.audience import Audience
from engagement.simulation.behaviour import AdView, Watched
from engagement.simulation.expected import Coming
from engagement.simulation.people import Person
from engagement.simulation.reporting import Reporter, timed
from engagement.simulation.scenes import Picture
from engagement.simulation.walk import Suggested, Walk

from .harness import ROOT, progress

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
TITLES = ROOT / "catalog" / "data" / "titles.yaml"
SEGMENT = 2.0
# What a tight cut drops of a movable scene, as the shipped films do.
DROPPED = (4.0, 6.0)
CHANGES = 3
CHANGED_SHARE = 0.1
AD_SECONDS, ADS_IN_A_BREAK = 15.0, 2
CATEGORIES = ("automotive", "entertainment", "finance", "food_drink", "gaming", "retail", "telecom", "travel")

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Film:
    id: int
    genres: tuple[str, ...]
    scenes: tuple[PlannedScene, ...]


@dataclass
class Rows:
    """Of one outcome, as they come: (playback, device, moment, label, what is true)."""

    found: list[tuple[str, str, Moment, float, float]] = field(default_factory=list)

    def add(self, session: uuid.UUID, device: str, labelled: Sequence[tuple[Moment, float]], truth: dict[str, float]) -> None:
        for moment, label in labelled:
            self.found.append((str(session), device, moment, label, truth.get(dataset.key_of(session, moment), np.nan)))

    def dataset(self) -> tuple[Dataset, Floats]:
        """Rows in order of time, and what is true of each, NaN where nobody can say."""
        self.found.sort(key=lambda one: (one[2].at, one[0]))
        session, device, moments, labels, truth = zip(*self.found, strict=True)
        rows = Dataset(
            features=np.vstack([moment.features for moment in moments]),
            labels=np.array(labels, dtype=np.float64),
            at=np.array([moment.at for moment in moments]),
            session=np.array(session),
            synthetic=np.ones(len(labels), dtype=bool),
            groups={"device": np.array(device)},
        )
        return rows, np.array(truth, dtype=np.float64)


@dataclass(frozen=True)
class Log:
    engagement: Rows
    leaving: Rows


def drawn(audience: Audience, *, seed: int, playbacks: int, days: int) -> Log:
    """``playbacks`` of the people of an audience over so many days."""
    films = shipped_films()
    genres = sorted({genre for film in films for genre in film.genres})
    persons = people.draw(audience, genres=genres, categories=CATEGORIES, rng=np.random.default_rng([seed, 0]))
    rng = np.random.default_rng([seed, 1])
    hours = np.array([person.monthly_hours for person in persons])
    cast = rng.choice(len(persons), size=playbacks, p=hours / hours.sum())
    zones = [persons[index].zone for index in cast]
    starts = arrivals.session_starts(audience.rhythm, until=BEGIN + timedelta(days=days), days=days, zones=zones, rng=rng)
    log, earlier = Log(Rows(), Rows()), dict[uuid.UUID, list[tuple[datetime, float]]]()
    for number, (start, place) in enumerate(starts, start=1):
        stage = Stage(audience, persons[cast[place]], films, start, np.random.default_rng([seed, 2, number]))
        share = stage.play(log, earlier.setdefault(stage.person.id, []))
        earlier[stage.person.id].append((start, share))
        if number % 1000 == 0:
            progress(f"seed {seed}: {number:,} of {playbacks:,} playbacks, {len(log.engagement.found):,} scenes begun")
    return log


def shipped_films() -> list[Film]:
    told = yaml.safe_load(TITLES.read_text())["titles"]
    return [_film(number, title) for number, title in enumerate(told, start=1)]


def _film(number: int, title: dict[str, Any]) -> Film:
    last = len(title["scenes"])
    scenes = [
        PlannedScene(
            id=number * 100 + position, position=position, name=scene["name"], mood=scene["mood"], intensity=scene["intensity"],
            clip=_clip(number * 100 + position, float(scene["seconds"]), whole=position in (1, last)),
            requires=tuple(number * 100 + one for one in scene.get("requires", ())), tags=tuple(scene.get("tags", ())),
            optional=bool(scene.get("optional")), break_after=bool(scene.get("break")),
        )
        for position, scene in enumerate(title["scenes"], start=1)
    ]  # fmt: skip
    return Film(number, tuple(title["genres"]), tuple(scenes))


def _clip(key: int, seconds: float, *, whole: bool) -> Clip:
    starts = np.arange(0.0, seconds, SEGMENT)
    segments = tuple((f"{n}.m4s", min(SEGMENT, seconds - at), whole or not DROPPED[0] <= at < DROPPED[1]) for n, at in enumerate(starts))
    return Clip(asset=key, key=str(key), init_uri="init.mp4", segments=segments)


_AD = Clip(asset=0, key="ad", init_uri="init.mp4", segments=(("0.m4s", AD_SECONDS, True),))


class Stage:
    """What one playback meets."""

    def __init__(self, audience: Audience, person: Person, films: Sequence[Film], start: datetime, rng: Generator) -> None:
        self.audience, self.person, self.start, self.rng = audience, person, start, rng
        chosen = behaviour.choose_title(person, [(film.id, film.genres) for film in films], rng=rng)
        self.film = next(film for film in films if film.id == chosen)
        self.session = uuid.UUID(bytes=rng.bytes(16), version=4)
        self.events: list[Happened] = []
        self.engagement: dict[str, float] = {}
        self.leaving: dict[str, float] = {}

    def play(self, log: Log, earlier: Sequence[tuple[datetime, float]]) -> float:
        """Adds the rows; returns the share of the film that was seen."""
        plan = first_plan(self.film.scenes, change_budget=CHANGES)
        reporter = Reporter(self.session, self.person.id, self.film.id)
        poor = bool(self.rng.random() < self.audience.network.poor)
        walk = Walk(self, self.audience, self.person, self.film.genres, reporter, plan, self.start, self.rng, poor=poor)
        walk.run()
        shown, around, device = film_of(plan), self._around(earlier), self.person.device
        log.engagement.add(self.session, device, dataset.rows_of_session(self.events, shown, around), self.engagement)
        log.leaving.add(self.session, device, dataset.leaving_rows(self.events, shown, around), self.leaving)
        return min(1.0, len(walk.shown()) / sum(not scene.optional for scene in plan.film))

    def _around(self, earlier: Sequence[tuple[datetime, float]]) -> SceneContext:
        person = self.person
        here = SceneContext(scenes=1, position=1, mood="", intensity=0.5, device=person.device, hour=person.local(self.start).hour)
        if not person.consent:
            return here
        genres = set(self.film.genres)
        return replace(
            here, consent=True, earlier_sessions=len(earlier), monthly_hours=person.monthly_hours,
            genre_match=len(genres & set(person.favourite_genres())) / len(genres),
            earlier_progress=sum(share for _, share in earlier) / len(earlier) if earlier else None,
            days_since_last=(self.start - earlier[-1][0]).total_seconds() / 86_400 if earlier else None,
        )  # fmt: skip

    # What the walk asks

    def log(self, events: Sequence[Event]) -> None:
        for event in events:
            if counts(event.type, event.data):
                scene, offset = (event.position.scene, event.position.offset) if event.position else (None, 0.0)
                self.events.append(Happened(event.occurred_at.timestamp(), event.type, scene, offset, event.data))

    def fill(self, walk: Walk, due: Break) -> Plan:
        count = ADS_IN_A_BREAK if due.most_seconds is None else min(ADS_IN_A_BREAK, int(due.most_seconds // AD_SECONDS))
        return fill_break(walk.plan, due, [_ad(place, count) for place in range(count)], decision=None, at=walk.clock.timestamp())

    def direct(self, walk: Walk, scene: int) -> tuple[Plan, Suggested | None]:
        if self.rng.random() >= CHANGED_SHARE or walk.plan.changes >= CHANGES or walk.plan.as_edited:
            return walk.plan, None
        possible = options(walk.plan, break_seconds=AD_SECONDS * ADS_IN_A_BREAK)
        return applied(walk.plan, possible[int(self.rng.integers(len(possible)))], reason="by lot") if possible else walk.plan, None

    def about_to_watch(self, walk: Walk, coming: Coming, arrives: Picture) -> None:
        told = expected.expectation(self.audience, self.person, walk.sitting, coming, arrives)
        place = coming.scene.index + 1
        self.engagement[f"{self.session}/{place}/0"] = told.engagement
        self.leaving |= {f"{self.session}/{place}/{step * GRID_SECONDS:g}": leave for step, leave in enumerate(told.leave)}

    def watch_ad(self, walk: Walk, item: Item, place: int) -> Watched:
        category = CATEGORIES[int(self.rng.integers(len(CATEGORIES)))]
        view = AdView(
            key=f"{category}-{place}", category=category, duration=AD_SECONDS, skip_after=None, place=place, seen_before=0, genres=self.film.genres,
            hour=self.person.local(walk.clock).hour, device=self.person.device,
        )  # fmt: skip
        watched = behaviour.watch_ad(self.audience, self.person, view, rng=self.rng)
        walk.log([walk.reporter.event(action.type, at) for action, at in timed(watched, walk.clock) if action.type.startswith("ad.")])
        return watched


def _ad(place: int, count: int) -> PlannedAd:
    return PlannedAd(
        decision=uuid.UUID(int=0), slot=place, ad=place + 1, name="Ad", flight=1, campaign=1, campaign_name="", advertiser_name="", n=place + 1,
        of=count, skip_after=None, click="", token="", price_micros=0, pctr=0.0, clip=_AD,
    )  # fmt: skip
