"""Every rule that rests on what somebody was served before, as one table: who counts, whom it stops, how often, over what time.

Frequency caps, the gap between two showings of a clip, and flights that want a playback for themselves all have this shape, so the
simulation keeps one memory for all of them. The rules are those of `ads.decision.caps`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ads.decision.caps import SESSION_SECONDS
from ads.decision.inventory import LIFETIME, POD, STREAM, Inventory
from ads.decision.state import Floats, Ints, Mask

_WINDOW, _GAP, _PLAYBACK = range(3)


@dataclass(frozen=True)
class Limits:
    """Limits [l]: ``counted`` [l, ads] are the ads whose servings count, ``stopped`` [l, ads] those that may not serve once ``most`` did
    within ``seconds``; ``kind`` says whether that time is its own, the policy's gap, or the playback. ``once`` are those that count
    once a playback where nobody may be recognised."""

    counted: Mask
    stopped: Mask
    most: Ints
    seconds: Floats
    kind: Ints
    once: Mask

    def __len__(self) -> int:
        return len(self.most)


def limits_of(inventory: Inventory, *, alone: bool, often: int) -> Limits:
    """The limits of ``inventory``. With ``alone`` each flight counts its own servings only, as if no other flight were there. A limit
    that ``often``, the most requests of anybody, cannot reach is left out."""
    rows: list[tuple[Mask, Mask, int, float, int, bool]] = [*_caps(inventory, alone=alone, often=often), *_clips(inventory, alone=alone)]
    if not alone:
        rows += _playbacks(inventory)
    columns = list(zip(*rows, strict=True)) or [()] * 6
    nobody = np.zeros((0, len(inventory.ads)), dtype=bool)
    return Limits(
        np.stack(columns[0]) if rows else nobody,
        np.stack(columns[1]) if rows else nobody,
        np.array(columns[2], dtype=np.int64),
        np.array(columns[3], dtype=np.float64),
        np.array(columns[4], dtype=np.int64),
        np.array(columns[5], dtype=bool),
    )


def _caps(inventory: Inventory, *, alone: bool, often: int) -> list[tuple[Mask, Mask, int, float, int, bool]]:
    of_ad = {"ad": inventory.ad_id, "flight": inventory.flight_id[inventory.ad_flight], "campaign": inventory.campaign[inventory.ad_flight],
             "advertiser": inventory.advertiser[inventory.ad_flight]}  # fmt: skip
    found = []
    for (scope, number), caps in inventory.limits.items():
        same = of_ad[scope] == number
        for limit in caps:
            if limit.cap.per == POD or limit.cap.count >= often:
                continue
            stopped = np.zeros(len(inventory.ads), dtype=bool)
            stopped[limit.ads] = True
            seconds = np.inf if limit.cap.seconds is None else float(limit.cap.seconds)
            kind = _PLAYBACK if limit.cap.per == STREAM else _WINDOW
            once = kind == _WINDOW and (limit.cap.per == LIFETIME or seconds > SESSION_SECONDS)
            # Alone, an advertiser's or campaign's cap counts each of its flights by itself.
            flights = np.unique(inventory.ad_flight[stopped]) if alone and scope in ("campaign", "advertiser") else [None]
            for flight in flights:
                own = np.ones(len(stopped), dtype=bool) if flight is None else inventory.ad_flight == flight
                found.append((same & own, stopped & own, limit.cap.count, seconds, kind, once))
    return found


def _clips(inventory: Inventory, *, alone: bool) -> list[tuple[Mask, Mask, int, float, int, bool]]:
    found = []
    for asset in np.unique(inventory.ad_asset):
        same = inventory.ad_asset == asset
        for flight in np.unique(inventory.ad_flight[same]) if alone else [None]:
            own = same if flight is None else same & (inventory.ad_flight == flight)
            found.append((own, own, 1, 0.0, _GAP, False))
    return found


def _playbacks(inventory: Inventory) -> list[tuple[Mask, Mask, int, float, int, bool]]:
    """A flight that wants a playback for itself keeps out its advertiser and category, and is kept out by them."""
    alone = inventory.stream_exclusive[inventory.ad_flight]
    found = []
    for of_ad in (inventory.ad_advertiser, inventory.ad_category):
        for number in np.unique(of_ad[alone]):
            same = of_ad == number
            found += [(same, same & alone, 1, np.inf, _PLAYBACK, False), (same & alone, same, 1, np.inf, _PLAYBACK, False)]
    return found


class Memory:
    """When each unit was last served what counts for each limit: a ring of the last ``most`` times, in one array for all.

    Times are seconds from any moment near by, for they are kept in float32: within half a year to the second.
    """

    def __init__(self, limits: Limits, units: int) -> None:
        self._limits = limits
        self._begins = (np.cumsum(limits.most) - limits.most).astype(np.int64)
        self._width = int(limits.most.sum())
        self._ring = np.full(units * self._width, -np.inf, dtype=np.float32)
        self._next = np.zeros((units, len(limits)), dtype=np.int32)
        # Matrix products of small floats are what numpy does fastest with masks.
        self._stopped = limits.stopped.astype(np.float32)
        self._counted = limits.counted.T.astype(np.float32)

    def stopped(self, unit: Ints, at: Floats, began: Floats, gap: Floats, known: Mask) -> Mask:
        """[b, ads]: who may not be served again yet to ``unit`` [b] at ``at`` [b], in a playback that ``began`` [b]."""
        limits = self._limits
        if not len(limits):
            return np.zeros((len(unit), limits.stopped.shape[1]), dtype=bool)
        base = unit[:, None] * self._width + self._begins
        place = self._next[unit]
        # The oldest of the last so many is overwritten next.
        oldest = self._ring[base + place]
        since = at[:, None] - np.where(limits.kind == _GAP, gap[:, None], limits.seconds)
        since = np.where(limits.kind == _PLAYBACK, began[:, None] - 1.0, since)
        full = oldest > since
        nobody = ~known
        if nobody.any() and limits.once.any():
            latest = self._ring[base + (place - 1) % limits.most]
            full |= nobody[:, None] & limits.once & (latest > -np.inf)
        found: Mask = (full.astype(np.float32) @ self._stopped) > 0
        return found

    def served(self, unit: Ints, at: Floats, ads: Mask) -> None:
        """``ads`` [b, ads] were served to ``unit`` [b] at ``at`` [b]; no unit twice."""
        if not len(self._limits):
            return
        who, limit = np.nonzero(ads.astype(np.float32) @ self._counted)
        whom = unit[who]
        place = self._next[whom, limit]
        self._ring[whom * self._width + self._begins[limit] + place] = at[who]
        self._next[whom, limit] = (place + 1) % self._limits.most[limit]
