"""One flight looked at closely, saved or not: what it can expect beside all that is live, who takes what, and whom it would hurt."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from msgspec import structs

from ads import selectors
from ads.decision.inventory import AdRow, FlightRow, Rows
from ads.decision.plan import DAY, HOUR
from ads.models import Flight

from . import expectation, simulation, words
from .expectation import Effort, Range, Scene, Simulated
from .known import Known, outlook_of, read, scene_of
from .prospects import Outlook

# Somebody is waiting: as much as is simulated within about two seconds.
EFFORT = Effort(lanes=16, requests=1_600)
REQUESTS, PEOPLE = 2_000, 4_000
# So long a flight is not looked at again with the same terms beside the same others.
KEPT_SECONDS = 600
# What an ad that does not exist yet is taken to last, and its flight's id.
AD_SECONDS, UNSAVED = 15.0, 0
# What a flight of another advertiser is called to whom it is none of their business.
ANOTHER = "another flight"
# Where a flight's matching breaks go, in the order of the decision.
WHERE = {
    simulation.WON: "won", simulation.LOST: "lost", simulation.PACED: "paced", simulation.CAPPED: "capped", simulation.SPENT: "finished",
    simulation.WAITED: "waited", simulation.CHEAP: "below_reserve",
}  # fmt: skip


class Rival(msgspec.Struct, frozen=True):
    """A flight that wins ``share`` (0-1) of the breaks this one matches."""

    flight: int
    name: str
    campaign: str
    advertiser: int
    share: float


class Victim(msgspec.Struct, frozen=True):
    """A flight that would deliver ``after`` in place of ``before`` goal events (micros where its goal is spend); ``breaks_goal`` says that a
    guaranteed goal is reached without this flight and missed with it."""

    flight: int
    name: str
    campaign: str
    advertiser: int
    goal_type: str
    goal: int | None
    before: float
    after: float
    breaks_goal: bool


class Day(msgspec.Struct, frozen=True):
    """What is delivered until ``at``."""

    at: datetime
    expected: float
    low: float
    high: float


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """All that is told of one flight. Amounts are goal events, micros where the goal is spend; ``expected``, ``low`` and ``high`` are None where
    too little is logged. ``frequency`` holds how many viewers are served once, twice, ... and ten times or more. ``where`` is the share of its
    matching breaks by what becomes of them."""

    flight: int
    goal_type: str
    goal: int | None
    starts: datetime
    ends: datetime
    computed_at: datetime
    delivered: float
    expected: float | None
    low: float | None
    high: float | None
    reaches: float | None
    spend: float
    impressions: float
    available: float
    available_viewers: float
    available_sessions: float
    matching: float
    viewers: float
    sessions: float
    frequency: list[float]
    days: list[Day]
    devices: list[tuple[str, float]]
    titles: list[tuple[int | None, float]]
    conflicts: list[Rival]
    others: float
    hurts: list[Victim]
    where: list[tuple[str, float]]
    supply: list[float]
    warning: str
    warnings: list[str]
    requests: int
    logged_days: float
    synthetic: bool

    def for_advertiser(self, advertiser: int) -> Told:
        """The same for somebody who sees this advertiser's rows alone: flights of others go by no name, and what befalls them is not told."""
        own = [one for one in self.hurts if one.advertiser == advertiser]
        rivals = [one if one.advertiser == advertiser else structs.replace(one, flight=UNSAVED, name=ANOTHER, campaign="") for one in self.conflicts]
        return structs.replace(self, conflicts=rivals, hurts=own, warnings=[*filter(None, [self.warning]), *_alarms(own)])

    @property
    def mean_frequency(self) -> float:
        people = self.viewers + self.sessions
        return self.impressions / people if people else 0.0


def looked_at(flight: Flight, *, now: datetime) -> Told:
    """`foresee`, kept for some minutes: somebody who reads a page asks for the same again and again."""
    sold, own = selectors.inventory_rows(), flight_row(flight)
    terms = hashlib.sha256(msgspec.msgpack.encode((own, sold.version(), int(now.timestamp() // KEPT_SECONDS)))).hexdigest()
    key = f"forecast:told:{terms}"
    kept = cache.get(key)
    if kept is not None:
        return msgspec.msgpack.decode(kept, type=Told)
    told = foresee(flight, now=now)
    cache.set(key, msgspec.msgpack.encode(told), KEPT_SECONDS)
    return told


def foresee(flight: Flight, *, now: datetime, effort: Effort = EFFORT) -> Told:
    """What ``flight`` (saved or not, with its campaign) can expect from ``now`` on, as if it went live with these terms."""
    known, row = proposed(flight, now=now)
    found = outlook_of(known)
    if not known.people.requests:
        return _untold(known, found, row)
    scene = scene_of(known, found)
    until = float(max(known.inventory.ends[row], known.logged.now + HOUR))
    crowd = expectation.gathered(scene, until=until, effort=effort)
    with_it, without = expectation.futures(scene, crowd, effort, absent=row)
    return _told(known, found, scene, row, with_it, without, effort)


def expected_of(flight: Flight, *, now: datetime, effort: Effort = EFFORT) -> tuple[Range | None, str]:
    """What `foresee` expects of ``flight`` and warns of, without the rest: None where nothing is logged."""
    known, row = proposed(flight, now=now)
    found = outlook_of(known)
    if not known.people.requests:
        return None, found.warnings(settings.CURRENCY)[row]
    scene = scene_of(known, found)
    until = float(max(known.inventory.ends[row], known.logged.now + HOUR))
    expected = expectation.future(scene, expectation.gathered(scene, until=until, effort=effort), effort).delivery(row)
    return expected, found.warnings(settings.CURRENCY, {row: expected})[row]


def proposed(flight: Flight, *, now: datetime) -> tuple[Known, int]:
    """What is known when ``flight`` is live beside all that is, and its row in the inventory."""
    sold = selectors.inventory_rows()
    own = flight_row(flight)
    ads = tuple(ad for ad in sold.ads if ad.flight == own.id) or (_ad(flight, own),)
    flights = (*(row for row in sold.flights if row.id != own.id), own)
    rows = Rows(flights, (*(ad for ad in sold.ads if ad.flight != own.id), *ads))
    known = read(now, rows, requests=REQUESTS, people=PEOPLE)
    return known, known.inventory.flight_row[own.id]


def flight_row(flight: Flight) -> FlightRow:
    """The terms of a flight as the engine knows them; an id that is missing is `UNSAVED`."""
    values: dict[str, Any] = {}
    for column in selectors.FLIGHT_COLUMNS:
        value: Any = flight
        for name in column.split("__"):
            value = getattr(value, name)
        values[column] = value
    unsaved = {name: values[name] or UNSAVED for name in ("id", "campaign_id", "campaign__advertiser_id")}
    return selectors.flight_row(values | unsaved)


def _ad(flight: Flight, row: FlightRow) -> AdRow:
    """What stands for the ads of a flight that has none to serve yet: its own where there are any, whatever became of their review."""
    own = list(flight.ads.select_related("asset").order_by("asset__duration")) if flight.pk else []
    return AdRow(
        id=UNSAVED,
        flight=row.id,
        name=flight.name,
        asset=own[0].asset_id if own else UNSAVED,
        category=own[0].category if own else flight.campaign.advertiser.category,
        duration=own[0].asset.duration if own and own[0].asset.duration else AD_SECONDS,
        skip_after=None,
        click_through="",
    )


def _told(known: Known, found: Outlook, scene: Scene, row: int, with_it: Simulated, without: Simulated, effort: Effort) -> Told:
    inventory, run, crowd = known.inventory, with_it.run, with_it.crowd
    expected = with_it.delivery(row)
    alone = expectation.reach(expectation.only(scene, row), crowd, effort)
    viewers, sessions, often = expectation.audience(crowd, known.people, run, row)
    could_viewers, could_sessions, _ = expectation.audience(crowd, known.people, alone, 0)
    devices, titles = expectation.places(crowd, known.people, run, row)
    goal, matched = inventory.flights[row].goal_amount, run.matched(row)
    takers = [_rival(inventory.flights[rival], share) for rival, share in expectation.takers(run, row)]
    lost = float(run.stages[simulation.LOST, row]) / max(matched, 1e-12)
    hurts = [_victim(inventory.flights[one.flight], one) for one in expectation.hurt(with_it, without, scene, row)]
    warning = found.warnings(settings.CURRENCY, {row: expected})[row]
    enough = known.logged.logged >= words.THIN
    return Told(
        **_terms(known, found, row),
        expected=expected.mean if enough else None,
        low=expected.low if enough else None,
        high=expected.high if enough else None,
        reaches=expected.mean / goal if goal and enough and inventory.flights[row].tier != "house" else None,
        spend=float(run.micros[:, row].mean() - known.start.micros[row]),
        impressions=float(run.seen[:, row].mean()),
        available=float(alone.seen[:, 0].mean()),
        available_viewers=could_viewers,
        available_sessions=could_sessions,
        matching=matched,
        viewers=viewers,
        sessions=sessions,
        frequency=[float(value) for value in often],
        days=[Day(datetime.fromtimestamp(at, UTC), one.mean, one.low, one.high) for at, one in expectation.daily(with_it, scene, row)],
        devices=devices,
        titles=titles,
        conflicts=takers[:10],
        others=max(lost - sum(one.share for one in takers[:10]), 0.0),
        hurts=hurts,
        where=[(name, float(run.stages[stage, row]) / max(matched, 1e-12)) for stage, name in WHERE.items()],
        warning=warning,
        warnings=[*filter(None, [warning]), *_alarms(hurts)],
    )


def _untold(known: Known, found: Outlook, row: int) -> Told:
    warning = found.warnings(settings.CURRENCY)[row]
    return Told(
        **_terms(known, found, row),
        expected=None, low=None, high=None, reaches=None, spend=0.0, impressions=0.0, available=0.0, available_viewers=0.0, available_sessions=0.0,
        matching=0.0, viewers=0.0, sessions=0.0, frequency=[], days=[], devices=[], titles=[], conflicts=[], others=0.0, hurts=[], where=[],
        warning=warning, warnings=[*filter(None, [warning])],
    )  # fmt: skip


def _terms(known: Known, found: Outlook, row: int) -> dict[str, Any]:
    flight = known.inventory.flights[row]
    return {
        "flight": flight.id,
        "goal_type": flight.goal_type,
        "goal": flight.goal_amount if flight.tier != "house" else None,
        "starts": datetime.fromtimestamp(flight.starts, UTC),
        "ends": datetime.fromtimestamp(flight.ends, UTC),
        "computed_at": known.now,
        "delivered": float(known.booked.delivered[row]),
        "supply": [round(float(value), 4) for value in found.supply[:, row]] if known.logged.logged else [],
        "requests": known.logged.logged,
        "logged_days": known.people.span / DAY if known.people.requests else 0.0,
        "synthetic": any_synthetic(known.now),
    }


def any_synthetic(now: datetime) -> bool:
    """Whether any of the requests looked at are the synthetic audience's."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM ads_breakhour WHERE synthetic AND bucket >= %s - interval '28 days' AND bucket < %s)", [now, now]
        )
        return bool(cursor.fetchone()[0])


def _rival(flight: FlightRow, share: float) -> Rival:
    return Rival(flight.id, flight.name, flight.campaign_name, flight.advertiser, share)


def _victim(flight: FlightRow, one: expectation.Hurt) -> Victim:
    guaranteed = flight.tier == "standard" and flight.goal_amount is not None
    enough = (flight.goal_amount or 0) * (1.0 - words.TOLERANCE)
    return Victim(
        flight=flight.id, name=flight.name, campaign=flight.campaign_name, advertiser=flight.advertiser, goal_type=flight.goal_type,
        goal=flight.goal_amount, before=one.before, after=one.after, breaks_goal=guaranteed and one.final and one.before >= enough > one.after,
    )  # fmt: skip


def _alarms(hurts: Iterable[Victim]) -> list[str]:
    """A sentence for every guaranteed goal that this flight would break."""
    return [
        f"It would keep {one.campaign} / {one.name} from its goal: {words.amount(one.goal_type, one.after, settings.CURRENCY)} "
        f"of {words.amount(one.goal_type, one.goal or 0, settings.CURRENCY, unit=True)} in place of "
        f"{words.amount(one.goal_type, one.before, settings.CURRENCY)}."
        for one in hurts
        if one.breaks_goal
    ]
