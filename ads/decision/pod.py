"""A pod: which ads stand together in one break."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .inventory import Inventory
from .state import Ints

# Losing a reservation is rare; a slot that lost this often is left to the next best break.
ALTERNATES = 4
# Rounding of packaged durations must not push an ad out that fits its break.
TOLERANCE_SECONDS = 0.05


def conflict(inventory: Inventory, one: int, other: int) -> bool:
    """Whether two ads (rows) may not share a pod: one advertiser, or a category that either flight keeps away."""
    first, second = inventory.ad_flight[one], inventory.ad_flight[other]
    return bool(
        inventory.advertiser[first] == inventory.advertiser[second]
        or inventory.excludes[first, inventory.ad_category[other]]
        or inventory.excludes[second, inventory.ad_category[one]]
    )


def fits(inventory: Inventory, row: int, beside: Iterable[int], seconds_left: float) -> bool:
    return bool(inventory.ad_duration[row] <= seconds_left + TOLERANCE_SECONDS) and not any(conflict(inventory, row, other) for other in beside)


def fill(inventory: Inventory, ranked: Ints, *, duration: float, max_ads: int, fixed: dict[int, int] | None = None) -> list[int]:
    """Rows of the ads in playing order, taken from ``ranked`` (best first) while they fit; ``fixed`` places some beforehand.

    The first ad of a break is remembered best, so the best ad opens it.
    """
    placed = dict(fixed or {})
    left = duration - sum(float(inventory.ad_duration[row]) for row in placed.values())
    free = [slot for slot in range(max_ads) if slot not in placed]
    for row in map(int, ranked):
        if not free:
            break
        if row not in placed.values() and fits(inventory, row, placed.values(), left):
            placed[free.pop(0)] = row
            left -= float(inventory.ad_duration[row])
    return [placed[slot] for slot in sorted(placed)]


def alternates(inventory: Inventory, ranked: Ints, pod: Sequence[int], slot: int, *, duration: float) -> list[int]:
    """The ads, best first, that could stand in ``slot`` with the rest of the pod as it is; the chosen one leads."""
    others = [row for index, row in enumerate(pod) if index != slot]
    left = duration - sum(float(inventory.ad_duration[row]) for row in others)
    found = [pod[slot]]
    for row in map(int, ranked):
        if len(found) > ALTERNATES:
            break
        if row not in pod and fits(inventory, row, others, left):
            found.append(row)
    return found
