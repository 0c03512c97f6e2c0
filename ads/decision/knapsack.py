"""The best set of items that fits one knapsack, at most one of a group, when some may not go together.

Upper bounds are Lagrangian: with a price ``rate`` on each unit of length, no set of at most ``places`` items is worth more than
``rate x room`` plus the best reduced scores (score - rate x length) of as many groups. The rate that makes the bound lowest is
found by cutting planes (Fisher, "The Lagrangian Relaxation Method for Solving Integer Programming Problems", 1981).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from .state import Floats, Ints, Mask

# Beyond this many nodes the best set found so far stands: a break may not wait for a proof.
NODES = 2_000
# Prices tried for the lowest bound; three or four find it.
STEPS = 6


@dataclass(frozen=True, slots=True)
class Items:
    """[n] items, the highest ``score`` first. Two do not go together with the same ``group``, the same ``owner`` or the same
    ``end`` other than 0, or when one ``bars`` [n, groups] the other's group."""

    score: Floats
    length: Ints
    group: Ints
    owner: Ints
    end: Ints
    bars: Mask


@dataclass(slots=True)
class Search:
    """What a search has found and how many nodes it may still open."""

    value: float
    picks: tuple[int, ...]
    nodes: int = NODES
    rate: float = 0.0
    groups: list[list[Node]] = field(default_factory=list)
    tops: list[float] = field(default_factory=list)

    def offer(self, value: float, picks: tuple[int, ...]) -> None:
        if value > self.value:
            self.value, self.picks = value, picks


class Node(NamedTuple):
    """One item in the search. ``is_`` and ``bars`` are bit sets: two items clash when one is what the other bars. ``free``
    says that it bars nobody but its owner's."""

    place: int
    group: int
    owner: int
    reduced: float
    score: float
    length: int
    is_: int
    bars: int
    free: bool


def best(items: Items, room: int, places: int, *, nodes: int = NODES) -> list[int]:
    """Places of the items of the highest total score, ascending; every item fits the room alone.

    When the best of each group go together they are the answer; else it is searched, from what two greedy passes find.
    """
    relaxed = _best_of_groups(items, places)
    if places == 1 or _together(items, relaxed, room):
        return relaxed
    rate, tops = _rate(items, room, places)
    reduced = items.score - rate * items.length
    search = Search(0.0, (), nodes, rate)
    for preference in (items.score, reduced) if rate > 0 else (items.score,):
        picks = _greedy(items, preference, room, places)
        search.offer(math.fsum(items.score[picks].tolist()), tuple(picks))
    _prepare(search, items, reduced, tops, room, places)
    _descend(search, 0, room, places, 0.0, 0, 0, ())
    return sorted(search.picks)


def _best_of_groups(items: Items, places: int) -> list[int]:
    first = np.full(items.bars.shape[1], len(items.score), dtype=np.int64)
    # Where an index repeats the last value stays, so the best of each group is written last.
    first[items.group[::-1]] = np.arange(len(items.score) - 1, -1, -1)
    return np.sort(first[first < len(items.score)])[:places].tolist()  # type: ignore[no-any-return]


def _together(items: Items, places: list[int], room: int) -> bool:
    """Whether items of different groups go together."""
    if items.length[places].sum() > room or len(set(items.owner[places].tolist())) < len(places):
        return False
    ends = [end for end in items.end[places].tolist() if end]
    return len(set(ends)) == len(ends) and not items.bars[places][:, items.group[places]].any()


def _greedy(items: Items, preference: Floats, room: int, places: int) -> list[int]:
    """Again and again the most preferred of what still goes with those taken."""
    free = np.ones(len(items.score), dtype=bool)
    picks: list[int] = []
    while len(picks) < places and free.any():
        pick = int(np.where(free, preference, -np.inf).argmax())
        picks.append(pick)
        room -= int(items.length[pick])
        free &= (items.length <= room) & (items.group != items.group[pick]) & (items.owner != items.owner[pick])
        free &= ~items.bars[:, items.group[pick]] & ~items.bars[pick][items.group]
        if items.end[pick]:
            free &= items.end != items.end[pick]
    return picks


def _rate(items: Items, room: int, places: int) -> tuple[float, Floats]:
    """The price of a unit of length at which the bound is lowest, and the best reduced score of each group at that price.

    The bound is convex and piecewise linear in the price: each step goes where the lines through both ends meet.
    """
    low, high = (0.0, 0), (0.0, 0)  # Total score and length of the best groups where the price is too low, and too high.
    rate, lowest, found, at = 0.0, np.inf, 0.0, np.zeros(0)
    for _step in range(STEPS):
        reduced = items.score - rate * items.length
        tops = np.zeros(items.bars.shape[1])
        np.maximum.at(tops, items.group, reduced)
        score, length = _of_best_groups(items, reduced, tops, places)
        bound = score + rate * (room - length)
        if bound >= lowest:
            break
        lowest, found, at = bound, rate, tops
        if length <= room:
            high = (score, length)
            if rate == 0.0:
                break
        else:
            low = (score, length)
        rate = (low[0] - high[0]) / (low[1] - high[1])
    return found, at


def _of_best_groups(items: Items, reduced: Floats, tops: Floats, places: int) -> tuple[float, int]:
    chosen = np.flatnonzero((reduced == tops[items.group]) & (reduced > 0)).tolist()
    best = sorted({int(items.group[place]): place for place in reversed(chosen)}.values(), key=lambda place: -reduced[place])[:places]
    return math.fsum(items.score[best].tolist()), int(items.length[best].sum())


def _prepare(search: Search, items: Items, reduced: Floats, tops: Floats, room: int, places: int) -> None:
    """Leave out what cannot be in a better set, and put the groups in the order of what they may add."""
    kept = np.flatnonzero(_bounds(items, reduced, tops, search.rate, room, places) > search.value)
    groups: dict[int, list[Node]] = {}
    for node in _undominated(_nodes(items, kept, reduced), places):
        groups.setdefault(node.group, []).append(node)
    search.groups = [sorted(group, key=lambda node: (-node.reduced, node.place)) for group in groups.values()]
    search.groups.sort(key=lambda group: (-group[0].reduced, group[0].place))
    search.tops = [0.0, *itertools.accumulate(max(0.0, group[0].reduced) for group in search.groups)]


def _bounds(items: Items, reduced: Floats, tops: Floats, rate: float, room: int, places: int) -> Floats:
    """No set with this item is worth more: by its reduced score beside the best of the other groups, and by its score beside
    as many as may join it of the best item that fits beside it."""
    order = sorted(tops.tolist(), reverse=True)
    most, without, last = math.fsum(order[:places]), math.fsum(order[: places - 1]), order[min(places, len(order)) - 1]
    rest = np.where(tops >= last, most - tops, without)[items.group]
    by_length = np.argsort(items.length, kind="stable")
    best_within = np.append(0.0, np.maximum.accumulate(items.score[by_length]))
    beside = best_within[np.searchsorted(items.length[by_length], room - items.length, side="right")]
    bounds: Floats = np.minimum(rate * room + reduced + rest, items.score + (places - 1) * beside)
    return bounds


def _nodes(items: Items, kept: Ints, reduced: Floats) -> Iterator[Node]:
    many = items.bars.shape[1]
    owners: dict[int, int] = {}
    barring = np.asarray(items.bars.any(axis=1))
    columns = (items.group, items.owner, items.end, items.length, items.score, reduced)
    for place, group, owner, end, length, score, less in zip(kept.tolist(), *(column[kept].tolist() for column in columns), strict=True):
        own = 1 << (many + 2 + owners.setdefault(owner, len(owners))) | ((1 << (many + end - 1)) if end else 0)
        barred = sum(1 << other for other in np.flatnonzero(items.bars[place]).tolist()) if barring[place] else 0
        yield Node(place, group, owner, less, score, length, own | 1 << group, own | barred, not end and not barred)


def _undominated(nodes: Iterable[Node], places: int) -> Iterator[Node]:
    """Leave out an item beside which a better and no longer one of its group could always stand in for it: one of the same
    owner, or as many of other owners as the set has places, since each other item of the set keeps one owner away."""
    better: dict[int, list[tuple[int, int]]] = {}
    for node in nodes:
        above = better.setdefault(node.group, [])
        owners = {owner for length, owner in above if length <= node.length}
        if node.owner in owners or len(owners) >= places:
            continue
        if node.free:
            above.append((node.length, node.owner))
        yield node


def _descend(search: Search, group: int, room: int, places: int, value: float, is_: int, bars: int, picks: tuple[int, ...]) -> None:
    """Try each item of the group that may still lead to a better set, then leave the group out."""
    if places == 0 or group == len(search.groups) or search.nodes <= 0:
        return
    search.nodes -= 1
    tops, last = search.tops, len(search.groups)
    after = group + 1
    base = value + search.rate * room
    with_one = base + tops[min(last, after + places - 1)] - tops[after]
    for node in search.groups[group]:
        if with_one + node.reduced <= search.value:
            break
        if node.length > room or node.is_ & bars or node.bars & is_:
            continue
        found = (*picks, node.place)
        search.offer(value + node.score, found)
        _descend(search, after, room - node.length, places - 1, value + node.score, is_ | node.is_, bars | node.bars, found)
    if base + tops[min(last, after + places)] - tops[after] > search.value:
        _descend(search, after, room, places, value, is_, bars, picks)
