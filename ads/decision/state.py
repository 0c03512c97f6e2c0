"""What a decision is made from and what it says: candidates, scores, delivery state, and the slots with their ranked alternates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .request import AdRequest

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
# Numbers of reason codes (`ads.decision.explanation.CODES`), 0 where there is none.
Codes = NDArray[np.uint8]

# Scopes of the online counters: one row for each ad of the inventory, or one row for the request.
AD_SCOPES = ("ad", "campaign", "advertiser", "category", "genre_category")
REQUEST_SCOPES = ("all", "title", "viewer")


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Lineup:
    """Every ad of one inventory as a scorer knows it, one row each in the inventory's order. The same object for as long as
    the inventory is served, so that what follows from it alone can be computed once and kept.

    One impression of an ad is worth ``worth_shown + worth_clicked * pCTR + worth_completed * pVCR`` micros, before quality
    and pacing.
    """

    ad: Ints
    flight: Ints
    campaign: Ints
    advertiser: Ints
    category: Ints
    categories: tuple[str, ...]
    duration: Floats
    worth_shown: Floats
    worth_clicked: Floats
    worth_completed: Floats

    def __len__(self) -> int:
        return len(self.ad)


@dataclass(frozen=True, slots=True)
class Candidates:
    """The ads that may still win: ``rows`` of the lineup, ascending. Everything a scorer may know of them.

    ``rates`` holds online counters as read for this request: for each scope of `AD_SCOPES` float64 [ads of the lineup, c],
    for each of `REQUEST_SCOPES` float64 [1, c], c as in `adplatform.learning.online.COUNTERS` (`ads.online_rates` names
    the keys).
    ``seen_ad`` and ``seen_campaign`` [n] count what this viewer (without consent: this session) was served before.
    """

    lineup: Lineup
    rows: Ints
    seen_ad: Ints
    seen_campaign: Ints
    rates: Mapping[str, Floats] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def ad(self) -> Ints:
        return self.lineup.ad[self.rows]

    def take(self, places: Ints) -> Candidates:
        """Some of the candidates, by their places among them."""
        return Candidates(self.lineup, self.rows[places], self.seen_ad[places], self.seen_campaign[places], self.rates)


FeatureRows = Callable[[Ints], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Scores:
    """Probabilities for each candidate: click and completed view given an impression.

    ``rows(places)`` builds the feature rows, float32 [k, features], of the candidates at ``places``, as they were served:
    they are logged for the few ads that may win, and a fast model needs no others. ``quality`` is what the ranking multiplies
    values by; a scorer leaves it to the auction, a replay answers with what was stored. ``arm`` is what the request was assigned to
    (champion, canary, control), whatever answered.
    """

    pctr: Floats
    pvcr: Floats
    rows: FeatureRows
    model_version: int | None
    quality: Floats | None = None
    completion_version: int | None = None
    arm: str = ""


def no_rows(places: Ints) -> NDArray[np.float32]:
    """For scores that were not made from features."""
    return np.zeros((len(places), 0), dtype=np.float32)


class Scorer(Protocol):
    def __call__(self, request: AdRequest, candidates: Candidates) -> Scores: ...


@dataclass(frozen=True, slots=True)
class Seen:
    """One ad served to this viewer (without consent: in this session), ``at`` in Unix seconds."""

    at: float
    ad: int
    flight: int
    campaign: int
    advertiser: int
    category: str = ""


@dataclass(frozen=True, slots=True)
class DeliveryState:
    """Counters as read in one round trip, aligned with the flights of the inventory. Money in micros.

    ``booked`` is what the ledger charged, ``held`` what is reserved and not yet settled, ``day_booked`` what was charged
    on the UTC day of the request, ``delivered`` the flight's goal events so far and ``day_delivered`` those of that day,
    ``held_count`` the reserved impressions. ``seen`` is what this viewer was served (without consent: this session),
    ``stream`` what this session was, ``lifetime`` how often the viewer was served what has a lifetime cap, named ``campaign:7``.
    ``spent`` is what `ads.decision.pacing.spent` says of the counters, once it is known.
    ``rates`` are the online counters as parsed: for `AD_SCOPES` one row for each ad of the inventory, for
    `REQUEST_SCOPES` one row.
    """

    booked: Ints
    held: Ints
    day_booked: Ints
    delivered: Ints
    held_count: Ints
    seen: tuple[Seen, ...] = ()
    rates: Mapping[str, Floats] = field(default_factory=dict)
    stream: tuple[Seen, ...] = ()
    lifetime: Mapping[str, int] = field(default_factory=dict)
    day_delivered: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    spent: Codes | None = None

    def __post_init__(self) -> None:
        if not len(self.day_delivered):
            object.__setattr__(self, "day_delivered", np.zeros_like(self.delivered))

    @classmethod
    def empty(cls, flights: int) -> DeliveryState:
        nothing = np.zeros(flights, dtype=np.int64)
        return cls(nothing, nothing, nothing, nothing, nothing)


@dataclass(frozen=True, slots=True)
class Alternate:
    """One ad that may take a slot. ``row`` is its place in the inventory.

    ``price_micros`` is the price of one impression, ``event_price_micros`` that of the event the flight is charged for,
    ``hold_micros`` what is reserved until it settles.
    """

    row: int
    value_micros: float
    price_micros: int
    event_price_micros: int
    hold_micros: int
    pctr: float
    pvcr: float
    propensity: float
    explored: bool


@dataclass(frozen=True, slots=True)
class Slot:
    """One place in the pod with its alternates, best first. ``randomised`` marks the one slot open to exploration."""

    index: int
    randomised: bool
    alternates: tuple[Alternate, ...]


@dataclass(frozen=True, slots=True)
class Contest:
    """Who could have won the randomised slot, as the pool ranks them: ``rows`` of the inventory, ``level`` of each (a lower one wins
    whatever the scores) and ``factor``, what its value is multiplied by. With other scores another would have been the best.
    ``exploring`` is the share of the breaks in which a uniform draw fills the slot."""

    slot: int
    rows: Ints
    level: Ints
    factor: Floats
    exploring: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What `decide` found. ``scored`` are the rows of the inventory that were scored, aligned with ``scores``; ``control`` says
    that the request belongs to the slice that is ranked without the model; ``pacing`` is what
    `ads.decision.pacing.stored` keeps, ``spent`` what its `spent` said of the flights; ``contest`` is None where one ad alone could
    have won the randomised slot, or none is."""

    slots: tuple[Slot, ...]
    explanation: dict[str, Any]
    scored: Ints
    scores: Scores
    eligible: Ints
    inventory_version: int
    control: bool
    pacing: Mapping[str, str]
    spent: Codes
    contest: Contest | None = None
