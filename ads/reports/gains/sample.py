"""The logged requests on which a change is tried: everything of a share of the viewers, with the state and scores they were decided from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import msgspec
import numpy as np
import redis
from django.core.exceptions import ObjectDoesNotExist
from django.db import connection
from django.db.models import Sum

from adplatform.eventlog import stream
from adplatform.eventlog.roundtrip import Exchange
from ads import online_rates, selectors
from ads.ctr import scorer
from ads.decision import auction, caps
from ads.decision.decide import candidates
from ads.decision.inventory import AdRow, Inventory, Rows, compile_inventory
from ads.decision.pacing import SPENT
from ads.decision.packing import unpacked, unpacked_rows
from ads.decision.plan import DAY, SETTLE_SHARE
from ads.decision.state import DeliveryState, Floats, Ints, Seen
from ads.live_inventory import UnreadableSnapshot, snapshot
from ads.models import Ad, BreakDay, BreakHour, DeliveryDay, DeliveryHour, Flight, InventorySnapshot
from ads.replay import request_of
from ads.reports.why_not import asked, hours_are_read

from .world import Begun, Logged, Sold, World, with_sold

# So many requests are decided again, fewer where many ads stand in each: a planner waits for the answer.
MOST_REQUESTS, LEAST_REQUESTS, ADS_DECIDED = 1_000, 300, 100_000
# What was sold at other moments is taken to be as at the nearest of these.
MOST_ERAS = 8
# The last 24 bits of a UUID are random: an even sample of people, and the same one on every run.
DRAWS = 1 << 24
# An ad that does not exist yet, and what it is taken to last.
NO_AD, AD_SECONDS = 0, 15.0
# Chances of an ad that nobody scored in this time: (pCTR, pVCR, quality).
UNSCORED = (0.01, 0.8, 1.0)
SHORTEST = timedelta(days=1)
# So many slots won weigh as much as what is usual.
PRIOR_WINS = 50.0

_SAMPLE = """
    SELECT decided_at, request::text, (state - 'contest')::text, inventory_version, seed,
        jsonb_path_query_array(slots, '$[*] ? (@.flight == $flight).ad', jsonb_build_object('flight', %s::bigint))::text
    FROM ads_decision
    WHERE day >= %s AND day <= %s AND decided_at >= %s AND decided_at < %s
        AND ('x' || right(coalesce(viewer, session)::text, 6))::bit(24)::int < %s
    ORDER BY decided_at LIMIT %s
"""


class NothingLogged(ValueError):
    """There is nothing to try a change on; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """The flight as plain columns (`ads.selectors.FLIGHT_COLUMNS`) with its ads: what changes are made to. ``shifted`` says that it is looked at
    as if it had begun with the time looked at."""

    columns: dict[str, Any]
    ads: tuple[AdRow, ...]
    shifted: bool

    def sold(self) -> Sold:
        return Sold(selectors.flight_row(self.columns), self.ads)


def proposal(flight: Flight, since: datetime, *, now: datetime) -> Proposal:
    """The flight as it stands. One that did not run yet, or not any more, is moved so that it begins with ``since``."""
    columns: dict[str, Any] = {}
    for column in selectors.FLIGHT_COLUMNS:
        value: Any = flight
        for name in column.split("__"):
            value = getattr(value, name)
        columns[column] = value
    shifted = flight.starts_at > since or flight.ends_at <= now
    if shifted:
        columns |= {"starts_at": since, "ends_at": max(since + (flight.ends_at - flight.starts_at), now + SHORTEST)}
    return Proposal(columns, _ads(flight), shifted)


def _ads(flight: Flight) -> tuple[AdRow, ...]:
    """Those that serve; where there are none yet, those that may come to, and where there is none at all one of the usual length."""
    rows = Ad.objects.filter(flight=flight).exclude(review=Ad.Review.REJECTED).order_by("id")
    ready = rows.filter(review=Ad.Review.APPROVED, asset__state="ready")
    columns = list((ready if ready.exists() else rows).values_list(*selectors.AD_COLUMNS))
    found = tuple(selectors.ad_row(*one[:5], one[5] or AD_SECONDS, *one[6:]) for one in columns)
    category = flight.campaign.advertiser.category
    missing = AdRow(
        id=NO_AD, flight=flight.pk, name=flight.name, asset=NO_AD, category=category, duration=AD_SECONDS, skip_after=None, click_through=""
    )
    return found or (missing,)


def world(flight: Flight, proposed: Proposal, since: datetime, until: datetime) -> World:
    """Raises NothingLogged."""
    base = proposed.sold()
    requests = asked(BreakHour if hours_are_read(since, until) else BreakDay, since, until)
    most = max(LEAST_REQUESTS, min(MOST_REQUESTS, ADS_DECIDED // max(Ad.objects.filter(flight__state=Flight.State.LIVE).count(), 1)))
    read = _read(flight.pk, since, until, most, requests)
    versions = Counter(row[3] for row in read)
    inventories = {version: found for version in versions if (found := inventory_of(version)) is not None}
    read = [row for row in read if row[3] in inventories]
    if not read:
        raise NothingLogged("No break of this time is stored any more that could be decided again.")
    chosen = [version for version, _ in versions.most_common() if version in inventories][:MOST_ERAS]
    eras = tuple(compile_inventory(with_sold(Rows(inventories[version].flights, inventories[version].ads), base)) for version in chosen)
    logged = Reader(flight.pk, base, inventories, eras, chosen).all(read)
    begins = max(since, read[0][0])
    days = max((until - begins).total_seconds(), 3600.0) / DAY
    return World(base, logged, eras, _begun(flight, proposed, since), since.timestamp(), requests / len(logged), days)


def _read(flight: int, since: datetime, until: datetime, most: int, requests: int) -> list[tuple[Any, ...]]:
    threshold = min(DRAWS, DRAWS * most // max(requests, 1))
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLE, [flight, since.date(), until.date(), since, until, threshold, 2 * most])
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def inventory_of(version: int) -> Inventory | None:
    """What was sold then, None when it is not kept or cannot be read any more."""
    try:
        return snapshot(version)
    except (InventorySnapshot.DoesNotExist, UnreadableSnapshot):
        return None


def _begun(flight: Flight, proposed: Proposal, since: datetime) -> Begun:
    """What was delivered and booked before ``since``, and how many of its slots are seen."""
    names = ("decided", "impressions", "completed_views", "clicks", "revenue_micros")
    table = DeliveryHour if hours_are_read(since, since + SHORTEST) else DeliveryDay
    rows = DeliveryDay.objects.filter(flight_id=flight.pk).aggregate(**{f"sum_{name}": Sum(name, default=0) for name in names})
    won = rows["sum_decided"]
    settle = (rows["sum_impressions"] + PRIOR_WINS * SETTLE_SHARE) / (won + PRIOR_WINS)
    if proposed.shifted:
        return Begun(settle=min(settle, 1.0))
    late = table.objects.filter(flight_id=flight.pk, bucket__gte=since).aggregate(**{f"sum_{name}": Sum(name, default=0) for name in names})
    column = {"spend": "revenue_micros"}.get(flight.goal_type, flight.goal_type)
    try:
        booked = {"revenue_micros": flight.balance.booked_micros, **{name: getattr(flight.balance, name) for name in names[1:4]}}
    except ObjectDoesNotExist:
        return Begun(settle=min(settle, 1.0))
    so_far = max(0, booked[column] - late[f"sum_{column}"])
    return Begun(so_far, max(0, booked["revenue_micros"] - late["sum_revenue_micros"]), min(settle, 1.0))


class Reader:
    """Stored decisions as `Logged` ones, aligned with the inventory of their era."""

    def __init__(self, flight: int, base: Sold, inventories: dict[int, Inventory], eras: Sequence[Inventory], chosen: Sequence[int]) -> None:
        self.flight, self.base, self.inventories, self.eras, self.chosen = flight, base, inventories, eras, chosen
        self.alone = compile_inventory(Rows((base.flight,), base.ads))
        self.places: dict[tuple[int, int], tuple[Ints, Ints]] = {}
        self.held: defaultdict[str, list[int]] = defaultdict(list)

    def all(self, read: Sequence[tuple[Any, ...]]) -> tuple[Logged, ...]:
        found = [one for row in read if (one := self._logged(*row)) is not None]
        if not found:
            raise NothingLogged("The breaks of this time were stored by an earlier release and cannot be decided again.")
        return tuple(self._filled(found))

    def _logged(self, at: datetime, request: str, state: str, version: int, seed: int, slots: str) -> Logged | None:
        stored, inventory = msgspec.json.decode(state), self.inventories[version]
        era = self.chosen.index(version) if version in self.chosen else 0
        try:
            asked_for = request_of(msgspec.json.decode(request))
            rows = unpacked_rows(stored["scored"], len(inventory.ads))
            chances = [unpacked(stored[name], len(rows)) for name in ("pctr", "pvcr", "quality")]
            rates, weights = (unpacked(stored["pacing"][name], len(rows)) for name in ("rates", "multipliers"))
            seen, played = (tuple(Seen(*entry) for entry in stored[name]) for name in ("seen", "stream"))
        except (KeyError, TypeError, ValueError, msgspec.ValidationError):
            return None
        ads, flights = self._places(version, era)
        pctr, pvcr, quality = (_moved(_spread(values, rows, len(inventory.ads), np.nan), ads, np.nan) for values in chances)
        multipliers = np.ones(len(inventory.flights))
        multipliers[inventory.ad_flight[rows]] = weights
        person = str(asked_for.viewer if caps.counted(asked_for) else asked_for.session)
        held = tuple(self.held[person])
        self.held[person] += msgspec.json.decode(slots)
        return Logged(
            at.timestamp(), asked_for, seed, era, person, pctr, pvcr, quality,
            rates=_moved(_spread(rates, rows, len(inventory.ads), 1.0), ads, 1.0),
            multipliers=_moved(multipliers, flights, 1.0),
            spent=self._spent(stored["spent"], era, flights),
            seen=seen, stream=played, lifetime=stored["lifetime"], held=held,
        )  # fmt: skip

    def _places(self, version: int, era: int) -> tuple[Ints, Ints]:
        """For each ad and each flight of the era its place in the inventory of ``version``, -1 where it is not there."""
        key = (version, era)
        if key not in self.places:
            own, other = self.inventories[version], self.eras[era]
            ads = np.array([own.ad_row.get(int(ad), -1) for ad in other.ad_id], dtype=np.int64)
            self.places[key] = ads, np.array([own.flight_row.get(int(flight), -1) for flight in other.flight_id], dtype=np.int64)
        return self.places[key]

    def _spent(self, stored: dict[str, str], era: int, flights: Ints) -> Any:
        """Who had nothing left; a flight that was not there at the time counts as one of them."""
        other = self.eras[era]
        spent = np.where(flights < 0, 1, 0).astype(np.uint8)
        for flight, reason in stored.items():
            row = other.flight_row.get(int(flight))
            if row is not None:
                spent[row] = SPENT.index(reason) + 1
        return spent

    def _filled(self, found: list[Logged]) -> list[Logged]:
        """Chances of ads that were not scored in a break: those of the flight as the model says now, of others what is usual for them."""
        usual = [_usual([one for one in found if one.era == era], len(inventory.ads)) for era, inventory in enumerate(self.eras)]
        ours = [np.array([era.ad_row[ad.id] for ad in self.base.ads], dtype=np.int64) for era in self.eras]
        unscored = [place for place, one in enumerate(found) if np.isnan(one.pctr[ours[one.era]]).any()]
        scored = dict(zip(unscored, self._scored([found[place] for place in unscored]), strict=True))
        filled = []
        for place, one in enumerate(found):
            columns = [one.pctr, one.pvcr, one.quality]
            if place in scored:
                columns = [_put(column, ours[one.era], values) for column, values in zip(columns, scored[place], strict=True)]
            pctr, pvcr, quality = (np.where(np.isnan(column), known, column) for column, known in zip(columns, usual[one.era], strict=True))
            filled.append(replace(one, pctr=pctr, pvcr=pvcr, quality=quality))
        return filled

    def _scored(self, found: Sequence[Logged]) -> list[tuple[Floats, Floats, Floats]]:
        """What the champions say of the flight's ads for each of these requests, with the counters as they stand now, read at once."""
        client, asking = stream.client(), Exchange(stream.client())
        _counters(client, found[:1], self.alone)
        wanted = [online_rates.wanted(one.request) for one in found]
        for each in wanted:
            each.queue(asking)
        replies, scored = iter(asking.execute() if wanted else ()), []
        for one, each in zip(found, wanted, strict=True):
            rates = online_rates.parse(each, list(islice(replies, 1 + len(each.keyed))), one.request, self.alone)
            every = candidates(self.alone, replace(DeliveryState.empty(1), seen=one.seen, rates=rates), np.arange(len(self.alone.ads)))
            scores = scorer.score(one.request, every)
            scored.append((scores.pctr, scores.pvcr, auction.quality(every)))
        return scored


def _counters(client: redis.Redis, found: Sequence[Logged], inventory: Inventory) -> None:
    """Have the table of counters in hand, so that it is not sent once for every request."""
    for one in found:
        wanted, asking = online_rates.wanted(one.request), Exchange(client)
        wanted.queue(asking)
        online_rates.parse(wanted, asking.execute(), one.request, inventory)


def _spread(values: Floats, rows: Ints, among: int, unknown: float) -> Floats:
    found = np.full(among, unknown)
    found[rows] = values
    return found


def _moved(values: Floats, places: Ints, unknown: float) -> Floats:
    moved: Floats = np.where(places >= 0, values[np.maximum(places, 0)], unknown)
    return moved


def _put(column: Floats, places: Ints, values: Floats) -> Floats:
    """``values`` at those of ``places`` where nothing is known."""
    put = column.copy()
    put[places] = np.where(np.isnan(column[places]), values, column[places])
    return put


def _usual(found: Sequence[Logged], ads: int) -> list[Floats]:
    """By ad its mean chances in this time."""
    usual = []
    for name, unknown in zip(("pctr", "pvcr", "quality"), UNSCORED, strict=True):
        columns = np.array([getattr(one, name) for one in found]).reshape(-1, ads)
        known = ~np.isnan(columns)
        total, times = np.where(known, columns, 0.0).sum(axis=0), known.sum(axis=0)
        usual.append(np.where(times > 0, total / np.maximum(times, 1), unknown))
    return usual
