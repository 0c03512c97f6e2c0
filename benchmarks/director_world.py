"""An installation in memory where the Director works: the shipped stories in minutes, the synthetic audience, and each playback on the
product's own plan, decision and signals.

What a person does is `engagement.simulation.walk`, the same walk that writes history; nothing of its truth is a feature. Ads are two of a
kind in each break and pay when they begin, so that money hangs on who is still there, and on breaks that are moved or made shorter.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import yaml
from numpy.random import Generator

from adplatform.eventlog.envelope import Event
from ads.breakvalue import Value
from engagement.director.deciding import Decided, Moment, Suggested, Watching, edited, event_of
from engagement.director.features import SceneContext
from engagement.director.film import film_of
from engagement.director.story import Happened, told
from engagement.director.worth import Prices
from engagement.models import CHANGES_THE_PLAN
from engagement.playback.plan import Break, Clip, Item, Plan, PlannedAd, PlannedScene, fill_break, first_plan
from engagement.simulation import arrivals, behaviour, people, walk
from engagement.simulation.audience import Audience
from engagement.simulation.behaviour import AdView, Watched
from engagement.simulation.expected import Coming
from engagement.simulation.loyalty import Loyalty
from engagement.simulation.people import Person
from engagement.simulation.reporting import Reporter, timed
from engagement.simulation.scenes import Picture
from engagement.simulation.walk import Walk

from .harness import ROOT

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
TITLES = ROOT / "catalog" / "data" / "titles.yaml"
# The shipped films tell in ten seconds what a film tells in four minutes.
STRETCH = 24.0
SEGMENT = 2.0
# What a tight cut drops of a movable scene, as the shipped films do: seconds 4 to 6 of about 9.
DROPPED = (4.0, 6.0)
BUDGET = 3
AD_SECONDS, ADS_IN_A_BREAK = 15.0, 2
# Heartbeats tell the models something only in a bad spell, which lasts a scene.
BEAT_SECONDS = 150.0
# Of one impression: 15 a thousand, in millionths.
AD_MICROS = 15_000
CATEGORIES = ("automotive", "entertainment", "finance", "food_drink", "gaming", "retail", "telecom", "travel")

# A decision of the product's policy, or the plan as somebody else would have it.
Decide = Callable[[Moment, "Screen"], "Decided | Plan"]


@dataclass(frozen=True, slots=True)
class Film:
    id: int
    name: str
    genres: tuple[str, ...]
    scenes: tuple[PlannedScene, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """When somebody would begin a playback, if they still come: ``person`` counts the audience."""

    number: int
    at: datetime
    person: int


@dataclass
class Shown:
    """One playback as it went. ``coming`` [scenes begun] are shares of the coming two scenes watched, ``first`` that of the first scene,
    ``decided`` what the Director decided and logged, with what came of it."""

    session: uuid.UUID
    person: int
    day: int
    finished: bool
    film_seconds: float
    film_share: float
    ads: int
    breaks: int
    scenes: int
    went_on: int
    changes: int
    first: float
    coming: list[float]
    decided: list[Boundary] = field(default_factory=list)
    switched: int = 0
    part: int = 0
    at: datetime = BEGIN

    def led_to(self, other: Shown) -> None:
        """What came of the suggestion that was taken is what was watched there."""
        self.decided[-1] = replace(self.decided[-1], reached=True, watched=other.first, coming=other.coming[0])


@dataclass(frozen=True, slots=True)
class Boundary:
    """A decision with what came of it; the shares are those of who reached the place it was about."""

    decided: Decided
    event: Event
    reached: bool
    watched: float
    coming: float


@dataclass(frozen=True)
class World:
    audience: Audience
    persons: Sequence[Person]
    films: dict[int, Film]
    seed: int


def make(audience: Audience, seed: int) -> World:
    films = shipped_films()
    genres = sorted({genre for film in films for genre in film.genres})
    persons = people.draw(audience, genres=genres, categories=CATEGORIES, rng=np.random.default_rng([seed, 0]))
    return World(audience, persons, {film.id: film for film in films}, seed)


def shipped_films() -> list[Film]:
    told_in = yaml.safe_load(TITLES.read_text())["titles"]
    return [_film(number, title) for number, title in enumerate(told_in, start=1)]


def _film(number: int, title: dict[str, Any]) -> Film:
    ids = {position: number * 100 + position for position in range(1, len(title["scenes"]) + 1)}
    scenes = [
        PlannedScene(
            id=ids[position], position=position, name=scene["name"], mood=scene["mood"], intensity=scene["intensity"],
            clip=_clip(ids[position], float(scene["seconds"]), whole=position in (1, len(ids))),
            requires=tuple(ids[one] for one in scene.get("requires", ())), tags=tuple(scene.get("tags", ())),
            optional=bool(scene.get("optional")), break_after=bool(scene.get("break")),
        )
        for position, scene in enumerate(title["scenes"], start=1)
    ]  # fmt: skip
    return Film(number, title["slug"], tuple(title["genres"]), tuple(scenes))


def _clip(key: int, seconds: float, *, whole: bool) -> Clip:
    starts = np.arange(0.0, seconds, SEGMENT).tolist()
    segments = tuple(
        (f"{index}.m4s", min(SEGMENT, seconds - start) * STRETCH, whole or not DROPPED[0] <= start < DROPPED[1]) for index, start in enumerate(starts)
    )
    return Clip(asset=key, key=str(key), init_uri="init.mp4", segments=segments)


_AD = Clip(asset=0, key="ad", init_uri="init.mp4", segments=(("0.m4s", AD_SECONDS, True),))


def slots(world: World, *, days: int, a_day: int) -> list[Slot]:
    """In order of time, the same for every arm."""
    rng = np.random.default_rng([world.seed, 1])
    hours = np.array([person.monthly_hours for person in world.persons])
    cast = rng.choice(len(hours), size=days * a_day, p=hours / hours.sum())
    zones = [world.persons[person].zone for person in cast]
    starts = arrivals.session_starts(world.audience.rhythm, until=BEGIN + timedelta(days=days), days=days, zones=zones, rng=rng)
    return [Slot(number, start, int(cast[index])) for number, (start, index) in enumerate(starts)]


@dataclass
class Arm:
    """One way to direct, on an audience of its own: the same people and slots as every other arm's, and what they live through here.

    ``decide`` is asked at each boundary; None: the author's order, and nobody asked."""

    world: World
    decide: Decide | None
    control: bool = False
    shown: list[Shown] = field(default_factory=list)
    earlier: dict[int, list[tuple[datetime, float]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.loyalty = Loyalty(self.world.audience, self.world.persons)

    def run(self, slots: Sequence[Slot], day: int) -> list[Shown]:
        """A day's slots, each taken by who still comes."""
        today: list[Shown] = []
        for slot in slots:
            if self.loyalty.away_until[slot.person] > slot.at.timestamp():
                continue
            rng = np.random.default_rng([self.world.seed, 2, slot.number])
            person = self.world.persons[slot.person]
            title = behaviour.choose_title(person, [(film.id, film.genres) for film in self.world.films.values()], rng=rng)
            start, part = slot.at, 0
            while title:
                shown = self._play(slot, title, start, day, rng, part)
                if part:
                    today[-1].led_to(shown)
                today.append(shown)
                title, start, part = shown.switched, shown.at, part + 1
        self.shown += today
        return today

    def _play(self, slot: Slot, title: int, start: datetime, day: int, rng: Generator, part: int) -> Shown:
        screen = Screen(self, slot, self.world.films[title], start, rng, part)
        played = screen.play()
        self.loyalty.watched(
            slot.person, walk.satisfaction(self.world.audience, played.sitting, finished=played.finished), until=played.clock, rng=rng
        )
        shown = screen.outcome(played, day)
        self.earlier.setdefault(slot.person, []).append((start, shown.film_share))
        return shown


class Screen:
    """The stage of one playback of an arm."""

    def __init__(self, arm: Arm, slot: Slot, film: Film, start: datetime, rng: Generator, part: int) -> None:
        self.arm, self.slot, self.film, self.start, self.rng = arm, slot, film, start, rng
        self.person, self.part = arm.world.persons[slot.person], part
        # The same for every arm: the draws of its boundaries, too.
        self.session = uuid.UUID(
            int=round(start.timestamp() * 1000) << 80 | 0x7 << 76 | (slot.number & 0xFFF) << 64 | 0x2 << 62 | slot.number << 8 | part
        )
        self.events: list[Happened] = []
        self.decided: list[tuple[Decided, Event, int]] = []
        self.ads = self.breaks = 0
        self.suggestion = self._suggestion()

    def play(self) -> Walk:
        world, film = self.arm.world, self.film
        self.plan = first_plan(film.scenes, change_budget=BUDGET)
        reporter = Reporter(self.session, self.person.id, film.id, beat=BEAT_SECONDS)
        poor = self.rng.random() < world.audience.network.poor
        self.around = self._around()
        self.walk = Walk(self, world.audience, self.person, film.genres, reporter, self.plan, self.start, self.rng, poor=poor)
        self.walk.run()
        return self.walk

    def _suggestion(self) -> Suggested | None:
        """One of another title of a favourite genre, else none: as little as a profile says."""
        liked = set(self.person.favourite_genres()) if self.person.consent else set()
        found = [film for film in self.arm.world.films.values() if film.id != self.film.id and liked & set(film.genres)]
        if not found:
            return None
        film = found[self.slot.number % len(found)]
        return Suggested(film.id, film.name, film.name)

    def _around(self) -> SceneContext:
        person, before = self.person, self.arm.earlier.get(self.slot.person, [])
        here = SceneContext(scenes=1, position=1, mood="", intensity=0.5, device=person.device, hour=person.local(self.start).hour)
        if not person.consent:
            return here
        liked, genres = set(person.favourite_genres()), set(self.film.genres)
        return replace(
            here, consent=True, earlier_sessions=len(before), monthly_hours=person.monthly_hours, genre_match=len(genres & liked) / len(genres),
            earlier_progress=sum(share for _, share in before) / len(before) if before else None,
            days_since_last=(self.start - before[-1][0]).total_seconds() / 86_400 if before else None,
        )  # fmt: skip

    # What the walk asks

    def log(self, events: Sequence[Event]) -> None:
        for event in events:
            scene, offset = (event.position.scene, event.position.offset) if event.position else (None, 0.0)
            self.events.append(Happened(event.occurred_at.timestamp(), event.type, scene, offset, event.data))

    def fill(self, playing: Walk, due: Break) -> Plan:
        count = ADS_IN_A_BREAK if due.most_seconds is None else min(ADS_IN_A_BREAK, int(due.most_seconds // AD_SECONDS))
        self.breaks += 1
        return fill_break(playing.plan, due, [_ad(place, count) for place in range(count)], decision=None, at=playing.clock.timestamp())

    def direct(self, playing: Walk, scene: int) -> tuple[Plan, walk.Suggested | None]:
        self.walk = playing
        if self.arm.decide is None:
            return playing.plan, None
        who = Watching(
            self.session, self.person.id, self.film.id, {"director": "control"} if self.arm.control else {}, self.around, True,
            suggestion=self.suggestion,
        )  # fmt: skip
        moment = Moment(who, playing.plan, playing.signals, scene, "scene_start", playing.clock)
        found = self.arm.decide(moment, self)
        if isinstance(found, Plan):
            return found, None
        applied = found.takes_effect and who.directed
        event = event_of(found, applied=applied)
        self.decided.append((found, event, len(playing.plan.played)))
        if applied and found.option.action in CHANGES_THE_PLAN:
            return edited(playing.plan, event), None
        if applied and found.option.title:
            self.suggestion = None
            film = self.arm.world.films[found.option.title]
            return playing.plan, walk.Suggested(film.id, film.genres, str(event.id))
        return playing.plan, None

    def about_to_watch(self, playing: Walk, coming: Coming, arrives: Picture) -> None:
        """The truth of it is asked for by nobody here."""

    def watch_ad(self, playing: Walk, item: Item, place: int) -> Watched:
        category = CATEGORIES[(self.slot.number + place) % len(CATEGORIES)]
        view = AdView(
            key=f"{category}-{place}", category=category, duration=AD_SECONDS, skip_after=None, place=place, seen_before=0, genres=self.film.genres,
            hour=self.person.local(playing.clock).hour, device=self.person.device,
        )  # fmt: skip
        watched = behaviour.watch_ad(self.arm.world.audience, self.person, view, rng=self.rng)
        self.ads += 1
        playing.log([playing.reporter.event(action.type, at) for action, at in timed(watched, playing.clock) if action.type.startswith("ad.")])
        return watched

    def outcome(self, played: Walk, day: int) -> Shown:
        story = told(self.events, film_of(self.plan), self.around)
        author = [scene for scene in self.plan.film if not scene.optional]
        shares = {visit.scene: visit.share() for visit in story.visits}
        whole = sum(scene.clip.duration() for scene in author)
        kept = sum(min(1.0, shares.get(scene.id, 0.0)) * scene.clip.duration() for scene in author)
        begun = [visit.scene for visit in story.visits]
        boundaries = []
        for decided, event, published in self.decided:
            # Who came to the end of what was published when it was decided.
            reached = published < len(begun) or (published == len(begun) and story.visits[-1].ended)
            visit = published if published < len(begun) else None
            watched = story.visits[visit].share() if visit is not None else 0.0
            coming = story.coming(visit) if visit is not None else 0.0
            boundaries.append(Boundary(decided, event, reached, watched, coming))
        scenes = len(begun)
        return Shown(
            session=self.session, person=self.slot.person, day=day, finished=played.finished, film_seconds=played.sitting.film_seconds,
            film_share=kept / whole, ads=self.ads, breaks=self.breaks, scenes=scenes, went_on=scenes - 1, changes=played.plan.changes,
            first=story.visits[0].share(), coming=[story.coming(place) for place in range(scenes)], decided=boundaries,
            switched=played.switched.title if played.switched else 0, part=self.part, at=played.clock,
        )  # fmt: skip


def _ad(place: int, count: int) -> PlannedAd:
    return PlannedAd(
        decision=uuid.UUID(int=0), slot=place, ad=place + 1, name="Ad", flight=1, campaign=1, campaign_name="", advertiser_name="", n=place + 1,
        of=count, skip_after=None, click="", token="", price_micros=AD_MICROS, pctr=0.0, clip=_AD,
    )  # fmt: skip


def prices(shown: Sequence[Shown]) -> Prices:
    """As the product reads them from its tables: what a break earned, what a minute of film watched earned on the whole, and how often
    a scene begun was followed by another."""
    breaks, minutes = sum(one.breaks for one in shown), sum(one.film_seconds for one in shown) / 60
    earned = AD_MICROS * sum(one.ads for one in shown)
    could = sum(one.scenes - one.finished for one in shown)
    of_break = Value(earned / breaks if breaks else AD_MICROS * ADS_IN_A_BREAK, AD_SECONDS * ADS_IN_A_BREAK, breaks)
    staying = sum(one.went_on for one in shown) / could if could else 1.0
    return Prices(dict.fromkeys(("pre", "mid", "post"), of_break), earned / minutes if minutes else 0.0, min(1.0, staying))
