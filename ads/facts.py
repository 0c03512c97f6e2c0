"""What the handler must know beside an event: its flight, its ad, and where its decision was made. A few queries a batch."""

from __future__ import annotations

import uuid
from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from adplatform.eventlog import ids
from adplatform.eventlog.envelope import Event

from .validity import ORDERED

Slot = tuple[uuid.UUID, int]
_ORDERED = frozenset(ORDERED)
# Decisions whose events still arrive; older ones are read again from the table.
KEPT_DECISIONS = 50_000


@dataclass(frozen=True, slots=True)
class FlightFacts:
    campaign: int
    advertiser: int
    pricing: str


@dataclass(frozen=True, slots=True)
class AdFacts:
    category: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Context:
    """Where a break was shown: the keys that rollups of ads and of breaks share, and the hashed user agent it was decided for."""

    title: int
    genre: str
    device: str
    agent: str = ""
    day: date | None = None

    def key(self, *, synthetic: bool) -> tuple[int, str, str, bool]:
        return (self.title, self.genre, self.device, synthetic)

    def agent_on(self, moment: datetime) -> str:
        """The user agent's hash, empty on another UTC day than the decision's: hashes change at midnight and compare no more."""
        return self.agent if self.agent and moment.astimezone(UTC).date() == self.day else ""


@dataclass(frozen=True, slots=True)
class Slots:
    """When the valid events of slots occurred, by type, and which events are stored already, valid or not."""

    stored: frozenset[uuid.UUID] = frozenset()
    times: defaultdict[Slot, dict[str, datetime]] = field(default_factory=lambda: defaultdict(dict))

    def at(self, decision: uuid.UUID, slot: int) -> dict[str, datetime]:
        return self.times[decision, slot]


UNKNOWN_FLIGHT = FlightFacts(0, 0, "")


class Facts:
    """Flights and ads are read anew for each batch: staff move and edit them, and a charge must go to who owns the flight
    now. Decisions never change, so those stay in memory."""

    def __init__(self) -> None:
        self.flights: dict[int, FlightFacts] = {}
        self._ads: dict[int, AdFacts] = {}
        self._contexts: OrderedDict[uuid.UUID, Context] = OrderedDict()
        self._flight_of: dict[int, int] = {}

    def learn(self, cursor: Any, decisions: Sequence[Event], tracking: Sequence[Event]) -> None:
        """Read what these events need."""
        for event in decisions:
            request = event.data["request"]
            genre, agent = (request["genres"] or ("",))[0], request.get("ua_hash", "")
            self._remember(event.id, Context(event.title or 0, genre, request["device"], agent, ids.day_of(event.id)))
        self.flights = _flights(cursor, {event.flight for event in tracking if event.flight})
        self._ads = _ads(cursor, {event.ad for event in tracking if event.ad})
        self._learn_contexts(cursor, {event.decision for event in tracking if event.decision} - self._contexts.keys())

    def _remember(self, decision: uuid.UUID, context: Context) -> None:
        self._contexts[decision] = context
        if len(self._contexts) > KEPT_DECISIONS:
            self._contexts.popitem(last=False)

    def _learn_contexts(self, cursor: Any, missing: set[uuid.UUID]) -> None:
        if missing:
            cursor.execute(
                "SELECT id, coalesce(title, 0), coalesce(request->'genres'->>0, ''), coalesce(request->>'device', ''),"
                " coalesce(request->>'ua_hash', ''), day FROM ads_decision WHERE day = ANY(%s) AND id = ANY(%s)",
                [list({ids.day_of(decision) for decision in missing}), list(missing)],
            )
            for decision, *context in cursor.fetchall():
                self._remember(decision, Context(*context))

    def flights_of(self, cursor: Any, ads: set[int]) -> Mapping[int, int]:
        """The flights of these ads, as this process read them first: an ad stays on its flight."""
        if missing := ads - self._flight_of.keys():
            cursor.execute("SELECT id, flight_id FROM ads_ad WHERE id = ANY(%s)", [list(missing)])
            self._flight_of.update(cursor.fetchall())
        return self._flight_of

    def flight(self, flight: int | None) -> FlightFacts:
        return self.flights.get(flight or 0, UNKNOWN_FLIGHT)

    def ad_seconds(self, ad: int) -> float:
        return self._ads[ad].seconds if ad in self._ads else 0.0

    def category(self, ad: int) -> str:
        return self._ads[ad].category if ad in self._ads else ""

    def context(self, decision: uuid.UUID, event: Event) -> Context:
        """Of the decision; when it is not known (its event was lost) what the token says."""
        return self._contexts.get(decision) or Context(event.title or 0, "", "")

    def slots(self, cursor: Any, tracking: Sequence[Event]) -> Slots:
        """What is stored of these events' slots, as far as their order goes."""
        decisions = {event.decision for event in tracking if event.decision and event.type in _ORDERED}
        if not decisions:
            return Slots()
        cursor.execute(
            "SELECT id, decision, slot, type, occurred_at, valid FROM ads_adevent WHERE day = ANY(%s) AND decision = ANY(%s) AND type = ANY(%s)",
            [list({ids.day_of(decision) for decision in decisions}), list(decisions), list(ORDERED)],
        )
        rows = cursor.fetchall()
        known = Slots(frozenset(row[0] for row in rows))
        for _, decision, slot, kind, occurred_at, valid in rows:
            if valid:
                known.at(decision, slot)[kind] = occurred_at
        return known


def _flights(cursor: Any, wanted: set[int]) -> dict[int, FlightFacts]:
    if not wanted:
        return {}
    cursor.execute(
        "SELECT f.id, f.campaign_id, c.advertiser_id, f.pricing FROM ads_flight f JOIN ads_campaign c ON c.id = f.campaign_id WHERE f.id = ANY(%s)",
        [list(wanted)],
    )
    return {row[0]: FlightFacts(*row[1:]) for row in cursor.fetchall()}


def _ads(cursor: Any, wanted: set[int]) -> dict[int, AdFacts]:
    if not wanted:
        return {}
    cursor.execute(
        "SELECT a.id, a.category, m.duration FROM ads_ad a JOIN catalog_mediaasset m ON m.id = a.asset_id WHERE a.id = ANY(%s)", [list(wanted)]
    )
    return {row[0]: AdFacts(*row[1:]) for row in cursor.fetchall()}
