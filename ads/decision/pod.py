"""A pod: which ads stand together in one break, and in which order.

The break is filled level by level (a level is a tier and a priority): at each level with the set of ads of the highest total
score that still fits the seconds and the places left, beside what better levels placed. That is a knapsack with conflicts;
it is solved exactly by branch and bound (`ads.decision.knapsack`), within a budget of nodes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import knapsack
from .inventory import Inventory
from .state import Floats, Ints, Mask

# Losing a reservation is rare; a slot that lost this often is left to the next best break.
ALTERNATES = 4
# Rounding of packaged durations must not push an ad out that fits its break. The reservation allows the same.
TOLERANCE_MILLISECONDS = 50
TOLERANCE_SECONDS = TOLERANCE_MILLISECONDS / 1000
ANYWHERE, FIRST, LAST = range(3)


@dataclass(frozen=True, slots=True)
class Pool:
    """The ads that may stand in this break, best first: by ``level`` ascending, then ``score`` descending, then row.

    Arrays [n] of one entry an ad: ``row`` of the inventory, ``tier`` of its flight, ``position`` one of `ANYWHERE`, `FIRST`,
    `LAST`; ``excludes`` [n, categories] are the categories that its flight keeps out of its pod.
    """

    row: Ints
    tier: Ints
    level: Ints
    score: Floats
    milliseconds: Ints
    advertiser: Ints
    category: Ints
    position: Ints
    excludes: Mask

    def __len__(self) -> int:
        return len(self.row)


def pool(inventory: Inventory, rows: Ints, score: Floats) -> Pool:
    """The pool of the ads in ``rows`` (ascending) with their scores, aligned."""
    level = inventory.ad_level[rows]
    order = np.lexsort((-score, level))
    rows = rows[order]
    return Pool(
        row=rows,
        tier=inventory.ad_tier[rows],
        level=level[order],
        score=score[order],
        milliseconds=inventory.ad_milliseconds[rows],
        advertiser=inventory.ad_advertiser[rows],
        category=inventory.ad_category[rows],
        position=inventory.ad_position[rows],
        excludes=inventory.excludes[inventory.ad_flight[rows]],
    )


def conflicts(ads: Pool, chosen: Sequence[int]) -> Mask:
    """[chosen, n]: which ads of the pool may not share a pod with each of the chosen: one advertiser or one category, a
    category that either flight keeps away, or both wanting the same end of the break."""
    places = np.array(chosen, dtype=np.int64)
    category, position = ads.category[places][:, None], ads.position[places][:, None]
    found: Mask = (ads.category == category) | (ads.advertiser == ads.advertiser[places][:, None])
    if ads.excludes.any():
        found |= ads.excludes[:, ads.category[places]].T
        found |= ads.excludes[places][:, ads.category]
    found |= (ads.position == position) & (position != ANYWHERE)
    return found


def fill(ads: Pool, *, milliseconds: int, max_ads: int) -> list[int]:
    """Places in the pool of the ads that fill the break, in playing order."""
    free = ads.milliseconds <= milliseconds
    chosen: list[int] = []
    while len(chosen) < max_ads and free.any():
        level = ads.level[int(free.argmax())]
        members = np.flatnonzero(free & (ads.level == level))
        picked = [int(members[place]) for place in knapsack.best(_problem(ads, members), milliseconds, max_ads - len(chosen))]
        chosen += picked
        milliseconds -= int(ads.milliseconds[picked].sum())
        free &= (ads.level > level) & (ads.milliseconds <= milliseconds) & ~conflicts(ads, picked).any(axis=0)
    return playing_order(ads, chosen)


def _problem(ads: Pool, members: Ints) -> knapsack.Items:
    return knapsack.Items(
        score=ads.score[members],
        length=ads.milliseconds[members],
        group=ads.category[members],
        owner=ads.advertiser[members],
        end=ads.position[members],
        bars=ads.excludes[members],
    )


def playing_order(ads: Pool, chosen: Sequence[int]) -> list[int]:
    """Who bought the first or the last slot gets it; among the others the best opens, since the first ad is remembered best."""
    turn = {FIRST: 0, ANYWHERE: 1, LAST: 2}
    return sorted(chosen, key=lambda place: (turn[int(ads.position[place])], place))


def standing(ads: Pool, pod: Sequence[int], clash: Mask, *, milliseconds: int) -> Mask:
    """[slots, n]: which ads could stand in each slot with the rest of the pod as it is; the one that stands there included.
    ``clash`` is `conflicts` of the pod."""
    left = milliseconds - int(ads.milliseconds[list(pod)].sum())
    fits = ads.milliseconds <= left + ads.milliseconds[list(pod)][:, None]
    able: Mask = fits & ((clash.sum(axis=0) - clash) == 0)
    for slot, place in enumerate(pod):
        able[slot] &= _may_play(ads, slot, len(pod))
        able[:, place] = False
        able[slot, place] = True
    return able


def _may_play(ads: Pool, slot: int, slots: int) -> Mask:
    first, last = slot == 0, slot == slots - 1
    allowed: Mask = (ads.position == ANYWHERE) | ((ads.position == FIRST) & first) | ((ads.position == LAST) & last)
    return allowed


def alternates(able: Mask, chosen: int) -> list[int]:
    """Places in the pool that may take one slot, best first; the chosen one leads."""
    others = np.flatnonzero(able)[: ALTERNATES + 1].tolist()
    return [chosen, *(place for place in others if place != chosen)][: ALTERNATES + 1]
