"""What frequency caps leave of the requests a flight matches, from viewers' logged repeats. Pure: requests in, shares out.

Whoever watches in the evening meets the same flight again and again, and a cap lets only the first of them count. A log thinned
request by request would show hardly any repeats, so the sample holds a share of the people, and of each of them everything.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ads.decision import caps
from ads.decision.inventory import LIFETIME, POD, STREAM, CapRow, Inventory, scope_id
from ads.decision.plan import DAY, HOUR, WEEK
from ads.decision.request import AdRequest
from ads.decision.state import Floats, Ints, Mask

# Fewer logged breaks that a flight matches tell too little of how often they are the same viewers'.
THIN = 50


@dataclass(frozen=True)
class People:
    """All logged requests [m], made at ``at`` [m], of a ``share`` (0-1) of the viewers, and of the sessions that have no viewer to count on."""

    now: float
    requests: tuple[AdRequest, ...]
    at: Floats
    share: float = 1.0
    memo: dict[tuple[bool, float, int], tuple[Ints, Mask]] = field(default_factory=dict)

    @cached_property
    def known(self) -> Mask:
        """Whose caps are counted on the viewer [m]."""
        return np.array([caps.counted(request) for request in self.requests], dtype=bool)

    @cached_property
    def person(self) -> Ints:
        """Who is counted [m], numbered from 0."""
        both = zip(self.requests, self.known.tolist(), strict=True)
        return _numbered([str(request.viewer if known else request.session) for request, known in both])

    @cached_property
    def session(self) -> Ints:
        return _numbered([str(request.session) for request in self.requests])

    @cached_property
    def since_first(self) -> Floats:
        """Seconds since the person's first request [m]. A sliding window is laid out from there: evenings stay in one piece."""
        first = np.full(int(self.person.max(initial=-1)) + 1, np.inf)
        np.minimum.at(first, self.person, self.at)
        since: Floats = self.at - first[self.person]
        return since

    @cached_property
    def span(self) -> float:
        """Seconds that the sample covers."""
        return max(self.now - float(self.at.min(initial=self.now)), HOUR)

    @cached_property
    def growth(self) -> float:
        """How the audience grows with time, as an exponent: 0 when the same viewers come again and again, 1 when all are new.

        From the viewers of one half of the sample's time and of the whole; longer windows than the sample are extended by it.
        Whether anybody comes back shows on another day at the earliest: until then everybody is taken to be new.
        """
        if self.span < 2 * DAY:
            return 1.0
        late = self.at >= self.now - self.span / 2
        halves = [len(np.unique(self.person[self.known & half])) for half in (late, ~late)]
        whole = len(np.unique(self.person[self.known]))
        return float(np.clip(np.log2(whole / np.mean(halves)), 0.0, 1.0)) if whole else 0.0

    def windows(self, cap: CapRow, length: float) -> tuple[Ints, Mask]:
        """Who is counted in which window of ``cap`` [m], numbered from 0; and for each number whether the viewer is known."""
        unknown = caps.effective(cap, consent=False)[1]
        key = (cap.per == STREAM, length, unknown)
        if key not in self.memo:
            if cap.per == STREAM:
                group = self.session
            else:
                window = (self.since_first // np.where(self.known, length, unknown)).astype(np.int64)
                group = np.unique(self.person * (int(window.max(initial=0)) + 1) + window, return_inverse=True)[1].reshape(-1)
            known = np.zeros(int(group.max(initial=-1)) + 1, dtype=bool)
            known[group] = self.known
            self.memo[key] = group, known
        return self.memo[key]


@dataclass(frozen=True)
class Left:
    """Per flight [n]: the ``share`` of the requests it matches that its caps leave, 1 where nothing is known to be in their way; the
    ``cap`` that takes most; its audience: about how many ``viewers``, with how many of these breaks a ``weekly`` each, and
    how many ``sessions`` without consent."""

    share: Floats
    cap: tuple[CapRow | None, ...]
    viewers: Floats
    weekly: Floats
    sessions: Floats


def left(inventory: Inventory, people: People, eligible: Mask, wins: Floats) -> Left:
    """What caps leave of ``eligible`` [m, n]; ``wins`` [n] are the slots each flight still wants, infinite for as many as it can get.

    What flights of one campaign or advertiser count together is divided among those that run at the same time and reach the
    same person, by what they want, or equally when any of that is not known. Earlier servings are not looked at.
    """
    flights = len(inventory.flights)
    share = np.ones(flights)
    tightest: list[CapRow | None] = [None] * flights
    for cap, rows in _together(inventory):
        leaves = _leaves(inventory, people, eligible, cap, rows, wins)
        for row, one in zip(rows.tolist(), leaves.tolist(), strict=True):
            if one < share[row]:
                share[row], tightest[row] = one, cap
    return Left(share, tuple(tightest), *_audience(people, eligible))


def _together(inventory: Inventory) -> list[tuple[CapRow, Ints]]:
    """Each cap with the flights (rows) that it counts together. One break never meets a cap of a pod twice."""
    found: defaultdict[tuple[CapRow, int], list[int]] = defaultdict(list)
    for row, flight in enumerate(inventory.flights):
        for cap in dict.fromkeys(flight.caps):
            # A cap on the ad counts each of the flight's ads by itself.
            if cap.per != POD:
                found[cap, scope_id(flight, "flight" if cap.scope == "ad" else cap.scope, 0)].append(row)
    return [(cap, np.array(rows, dtype=np.int64)) for (cap, _), rows in found.items()]


def _leaves(inventory: Inventory, people: People, eligible: Mask, cap: CapRow, rows: Ints, wins: Floats) -> Floats:
    """The share that ``cap`` leaves to each of ``rows``, which it counts together: sum(min(quota, requests)) / sum(requests)."""
    enough = eligible[:, rows].sum(axis=0) >= THIN
    if not enough.any():
        return np.ones(len(rows))
    length = _length(inventory, cap, rows)
    group, known = people.windows(cap, min(length, people.span + 1.0))
    met = np.stack([np.bincount(group, weights=eligible[:, row], minlength=len(known)) for row in rows.tolist()], axis=1)
    if cap.per != STREAM and length > people.span:
        met[known] *= (length / people.span) ** (1.0 - people.growth)
    count = np.where(known, cap.count, cap.count if cap.per == STREAM else caps.effective(cap, consent=False)[0])
    if cap.scope == "ad":
        count = count * np.bincount(inventory.ad_flight, minlength=len(inventory.flights))[rows[0]]
    wanted = wins[rows] if np.isfinite(wins[rows]).all() else np.ones(len(rows))
    weight = np.maximum(wanted, 1e-6)
    meet = (inventory.starts[rows][:, None] < inventory.ends[rows]) & (inventory.starts[rows] < inventory.ends[rows][:, None])
    rivals = (met > 0) @ (meet * weight[:, None])
    quota = count[:, None] * weight / np.maximum(rivals, 1e-9)
    asked = met.sum(axis=0)
    shares: Floats = np.where(enough, np.minimum(quota, met).sum(axis=0) / np.maximum(asked, 1e-9), 1.0)
    return shares


def _length(inventory: Inventory, cap: CapRow, rows: Ints) -> float:
    """Seconds of the cap's window; no flight meets more of it than its own time."""
    longest = float((inventory.ends[rows] - inventory.starts[rows]).max())
    return max(1.0, longest if cap.per == LIFETIME or cap.seconds is None else min(float(cap.seconds), longest))


def _audience(people: People, eligible: Mask) -> tuple[Floats, Floats, Floats]:
    order = np.argsort(people.person, kind="stable")
    begins = np.flatnonzero(np.diff(people.person[order], prepend=-1))
    met = np.add.reduceat(eligible[order], begins, axis=0, dtype=np.int32) if len(begins) else np.zeros((0, eligible.shape[1]), dtype=np.int32)
    known = people.known[order][begins]
    viewers, sessions = (met[known] > 0).sum(axis=0), (met[~known] > 0).sum(axis=0)
    weekly = met[known].sum(axis=0) / np.maximum(viewers, 1) * WEEK / max(people.span, DAY)
    return viewers / people.share, weekly, sessions / people.share


def _numbered(names: Sequence[str]) -> Ints:
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(name, len(numbers)) for name in names], dtype=np.int64)
