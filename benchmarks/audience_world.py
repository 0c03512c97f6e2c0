"""A mid-size installation in memory, on the synthetic audience: its people, titles, ads, traffic and true click probabilities.

People, rhythm, tastes and probabilities are those of `engagement.simulation`, so a benchmark asks what the product's own
simulation asks, without its servers. The truth is here alone: nothing of it is a feature.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ads.decision.inventory import AdRow, CapRow, FlightRow, Inventory, Rows, Target, compile_inventory
from ads.decision.state import Ints
from engagement.simulation import arrivals, behaviour, people, scenes
from engagement.simulation.audience import Audience
from engagement.simulation.people import MOODS, Person

Floats = NDArray[np.float64]

BEGIN = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday
DAY = 86_400.0
# The genres of the shipped catalogue.
GENRES = ("adventure", "comedy", "drama", "family", "mystery", "romance", "sci-fi", "thriller")
CATEGORIES = ("automotive", "entertainment", "finance", "food_drink", "gaming", "retail", "telecom", "travel")
TITLES, ADVERTISERS, CAMPAIGNS_EACH, FLIGHTS_EACH, ADS_EACH = 120, 40, 2, 2, 2
SCENES = 12
SCENE_SECONDS = 240.0
# Before the film in a third of the titles, then before every third scene.
BREAK_EVERY = 3
PODS = ((40.0, 2), (60.0, 3), (80.0, 4))
AD_SECONDS = (10.0, 15.0, 20.0)
SKIP_AFTER = 5.0
VIEWABLE_SECONDS = 2.0
VIEWS_A_DAY = 4
EVENING = (18, 23)


@dataclass(frozen=True, slots=True)
class Film:
    """``scenes`` are (mood, intensity); breaks stand before the scenes in ``breaks``."""

    id: int
    genres: tuple[str, ...]
    scenes: tuple[tuple[str, float], ...]
    breaks: tuple[int, ...]
    seconds: float
    most_ads: int


@dataclass(frozen=True, slots=True)
class Break:
    """One request for ads, and what would happen whoever is shown: ``viewed`` ads start, of the last one the viewer sees only
    ``last_seen`` (share of it; 1 where nobody left)."""

    at: float
    session: uuid.UUID
    person: int
    film: int
    index: int
    scene: int
    hour: int
    weekday: int
    viewed: int
    last_seen: float


@dataclass(frozen=True)
class Ads:
    """The inventory and what the truth knows of its ads: ``appeal`` [ads], ``category`` [ads] in `CATEGORIES`, ``campaign`` [ads]
    counted from 0, ``skippable`` [ads]."""

    inventory: Inventory
    appeal: Floats
    category: Ints
    campaign: Ints
    campaigns: int
    skippable: NDArray[np.bool_]


@dataclass(frozen=True)
class World:
    """``interest`` [people, categories] and ``later`` (the same people's interests once they have moved, see `drifted`), ``fit``
    [genres, categories], ``device`` and ``patience`` [people]: all in log-odds."""

    audience: Audience
    persons: Sequence[Person]
    films: dict[int, Film]
    ads: Ads
    interest: Floats
    later: Floats
    fit: Floats
    device: Floats
    patience: Floats
    drift: bool = False
    days: float = 1.0
    genre: dict[str, int] = field(default_factory=lambda: {name: place for place, name in enumerate(GENRES)})

    def click_logits(self, moment: Break, rows: Ints, seen: Ints, place: int | Ints) -> Floats:
        """True log-odds of a click on the ads in ``rows`` in this break, as `behaviour.click_probability` has them; ``seen`` [n]
        are recent views of each one's campaign, ``place`` in the pod."""
        rule, film = self.audience.clicking, self.films[moment.film]
        of_category = rule.interest * self.interests_of(moment) + self.fit[self.genre[film.genres[0]]]
        odds = self.ads.appeal[rows] + of_category[self.ads.category[rows]] + rule.per_view_of_same_campaign * seen
        odds = odds + rule.per_place_in_pod * place
        evening = rule.evening if EVENING[0] <= moment.hour <= EVENING[1] else 0.0
        logits: Floats = odds + (rule.base + evening + self.device[moment.person])
        return logits

    def interests_of(self, moment: Break) -> Floats:
        """What the person of this break is interested in at that time, [categories]."""
        mine: Floats = self.interest[moment.person]
        if not self.drift:
            return mine
        gone = min(1.0, max(0.0, (moment.at - BEGIN.timestamp()) / (self.days * DAY)))
        return drifted(mine, self.later[moment.person], gone)


def drifted(before: Floats, after: Floats, gone: float) -> Floats:
    """Interests at a share ``gone`` of the run: they turn from one draw towards another of the same spread, half of the way, and
    a season lifts every other category by what it lowers the rest."""
    turn = 0.5 * math.pi / 2 * gone
    season = 0.5 * math.sin(2 * math.pi * gone) * np.where(np.arange(len(before)) % 2, 1.0, -1.0)
    moved: Floats = math.cos(turn) * before + math.sin(turn) * after + season
    return moved


def make(
    audience: Audience, seed: int, *, days: float, late: float = 0.15, drift: bool = False, equal: bool = False, advertisers: int = ADVERTISERS
) -> World:
    """The world of one seed. A share ``late`` of the flights starts on a day within ``days``; ``equal`` flights all pay one price
    for a click and target nobody, so that only the clicks tell ads apart."""
    persons_rng, later_rng, films_rng, ads_rng = (np.random.default_rng([seed, part]) for part in range(4))
    persons = people.draw(audience, genres=GENRES, categories=CATEGORIES, rng=persons_rng)
    others = people.draw(audience, genres=GENRES, categories=CATEGORIES, rng=later_rng)
    ads = _ads(audience, ads_rng, advertisers, days=days, late=late, equal=equal)
    return World(
        audience=audience,
        persons=persons,
        films={film.id: film for film in _films(films_rng)},
        ads=ads,
        interest=_interests(persons),
        later=_interests(others),
        fit=np.array([[people.genre_fit(audience, genre, category) for category in CATEGORIES] for genre in GENRES]),
        device=np.array([audience.clicking.device.get(person.device, 0.0) for person in persons]),
        patience=np.array([person.patience for person in persons]),
        drift=drift,
        days=days,
    )


def _interests(persons: Sequence[Person]) -> Floats:
    return np.array([[person.interests[category] for category in CATEGORIES] for person in persons])


def _films(rng: Generator) -> list[Film]:
    made = []
    for number in range(1, TITLES + 1):
        genres = tuple(str(name) for name in rng.choice(GENRES, size=int(rng.integers(1, 3)), replace=False))
        scenes = tuple((str(rng.choice(MOODS)), float(round(rng.uniform(0.1, 1.0), 2))) for _ in range(SCENES))
        breaks = tuple(([0] if rng.random() < 1 / 3 else []) + list(range(BREAK_EVERY, SCENES, BREAK_EVERY)))
        seconds, most = PODS[int(rng.integers(len(PODS)))]
        made.append(Film(number, genres, scenes, breaks, seconds, most))
    return made


# Ads


def _ads(audience: Audience, rng: Generator, advertisers: int, *, days: float, late: float, equal: bool) -> Ads:
    flights: list[FlightRow] = []
    ads: list[AdRow] = []
    categories: list[int] = []
    for advertiser in range(1, advertisers + 1):
        category = CATEGORIES[advertiser % len(CATEGORIES)]
        for place in range(CAMPAIGNS_EACH):
            for _ in range(FLIGHTS_EACH):
                number = len(flights) + 1
                flights.append(_flight(rng, number, advertiser, advertiser * CAMPAIGNS_EACH + place, days=days, late=late, equal=equal))
                for _ in range(ADS_EACH):
                    ads.append(_ad(rng, len(ads) + 1, number, category))
                    categories.append(CATEGORIES.index(category))
    inventory = compile_inventory(Rows(tuple(flights), tuple(ads)))
    campaigns, campaign = np.unique(inventory.campaign[inventory.ad_flight], return_inverse=True)
    return Ads(
        inventory=inventory,
        appeal=np.array([people.creative_appeal(audience, _key(ad.id)) for ad in ads]),
        category=np.array(categories, dtype=np.int64),
        campaign=campaign.astype(np.int64),
        campaigns=len(campaigns),
        skippable=np.array([ad.skip_after is not None for ad in ads]),
    )


def _key(ad: int) -> str:
    return f"bench-ad-{ad}"


def _ad(rng: Generator, number: int, flight: int, category: str) -> AdRow:
    return AdRow(
        id=number, flight=flight, name=f"Ad {number}", asset=number, category=category, duration=float(rng.choice(AD_SECONDS)),
        skip_after=SKIP_AFTER if rng.random() < 0.5 else None, click_through="https://brand.example/",
    )  # fmt: skip


def _flight(rng: Generator, number: int, advertiser: int, campaign: int, *, days: float, late: float, equal: bool) -> FlightRow:
    begin = BEGIN.timestamp()
    starts = begin + float(rng.uniform(0, days)) * DAY if rng.random() < late else begin - DAY
    pricing, bid = ("cpm", "cpm", "cpcv", "cpc")[int(rng.integers(4))], float(rng.lognormal(0, 0.4))
    price = {"cpm": 15_000_000, "cpcv": 18_000, "cpc": 300_000}[pricing] * bid
    targets = () if equal else _targets(rng)
    if equal:
        pricing, price = "cpc", 400_000.0
    return FlightRow(
        id=number, campaign=campaign, advertiser=advertiser, name=f"Flight {number}", campaign_name=f"Campaign {campaign}",
        advertiser_name=f"Advertiser {advertiser}", starts=starts, ends=begin + 1000 * DAY, tier="standard", share_of_voice=None,
        pricing=pricing, bid_micros=round(price), goal_type="spend", goal_amount=None, daily_goal_amount=None, budget_micros=10**15,
        daily_budget_micros=None, pacing="asap", priority=5, targets=targets, caps=(CapRow("campaign", VIEWS_A_DAY, "day"),), exclusivity="pod",
        slot_position="any", excluded_categories=(), strict_caps=False,
    )  # fmt: skip


def _targets(rng: Generator) -> tuple[Target, ...]:
    include: dict[str, tuple[Any, ...]] = {}
    if rng.random() < 0.2:
        include["devices"] = ("tv", "desktop") if rng.random() < 0.5 else ("mobile", "tablet")
    if rng.random() < 0.2:
        include["genres"] = tuple(str(name) for name in rng.choice(GENRES, size=4, replace=False))
    if rng.random() < 0.15:
        include["dayparts"] = tuple(range(17, 24))
    return (Target(include=include),) if include else ()


# Traffic


def traffic(world: World, *, requests: int, days: float, seed: int) -> list[Break]:
    """The breaks of ``days`` from `BEGIN`, in order of time, about ``requests`` of them and never more: who watches what when, and
    how far. It is the same whatever ads are shown."""
    rng = np.random.default_rng([seed, 10])
    found: list[Break] = []
    # A session has about three breaks; draw more than enough of the same rhythm, and thin it out evenly.
    weights = np.array([person.monthly_hours for person in world.persons])
    choices = [(film.id, film.genres) for film in world.films.values()]
    cast = rng.choice(len(world.persons), size=math.ceil(requests / 1.5), p=weights / weights.sum())
    zones = [world.persons[person].zone for person in cast]
    starts = arrivals.session_starts(world.audience.rhythm, until=BEGIN + timedelta(days=days), days=days, zones=zones, rng=rng)
    order = rng.permutation(len(starts))
    for place in order.tolist():
        start, index = starts[place]
        person = int(cast[index])
        film = world.films[behaviour.choose_title(world.persons[person], choices, rng=rng)]
        found += _session(world, person, film, start, rng)
        if len(found) >= requests:
            break
    return sorted(found[:requests], key=lambda one: one.at)


def _session(world: World, person: int, film: Film, start: datetime, rng: Generator) -> list[Break]:
    """The breaks of one session until the viewer leaves, in a scene or in an ad."""
    someone, session, clock = world.persons[person], uuid.UUID(bytes=rng.bytes(16), version=4), start
    found: list[Break] = []
    for index, (mood, intensity) in enumerate(film.scenes):
        ad_seconds = 0.0
        if index in film.breaks:
            leaving = rng.random(film.most_ads) < _logistic(world.audience.skipping.leave - 0.5 * someone.patience)
            left = bool(leaving.any())
            viewed = int(leaving.argmax()) + 1 if left else film.most_ads
            local = someone.local(clock)
            last_seen = float(rng.uniform(0.1, 0.95)) if left else 1.0
            found.append(Break(clock.timestamp(), session, person, film.id, len(found), index, local.hour, local.weekday(), viewed, last_seen))
            if left:
                break
            ad_seconds = film.seconds
            clock += timedelta(seconds=ad_seconds)
        view = scenes.SceneView(index, mood, intensity, film.genres, SCENE_SECONDS, index)
        if rng.random() >= scenes.stay_probability(world.audience, someone, view, ad_seconds=ad_seconds, stalled=0.0):
            break
        clock += timedelta(seconds=SCENE_SECONDS)
    return found


def _logistic(odds: float) -> float:
    return 1.0 / (1.0 + math.exp(-odds))
