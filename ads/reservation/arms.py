"""Budgets split between the arms of an experiment: what each arm has taken of each flight, beside what all arms together may take.

A hash a split experiment, and another one for each UTC day, hold by arm and flight the micros (``m``) and the impressions (``n``) that were
reserved and not given back. What the arms may take is the flight's budget less what others take of it; an arm may take its share of that.
The flight's own limits stand beside it unchanged. A settled hold becomes what was really charged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import redis

from adplatform.experiments.assignment import RunningExperiment
from adplatform.experiments.selectors import running_experiments
from ads.balances import day_number
from ads.decision.inventory import Inventory
from ads.decision.pacing import SPENT, spent
from ads.decision.request import AdRequest
from ads.decision.state import DeliveryState, Floats, Ints

from .keys import pack

READY = "ready"
PREFIX = "arms:"
KEEP, KEEP_DAY = timedelta(days=60), timedelta(days=3)
_WRITE = """
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then return 0 end
local pairs_of = cmsgpack.unpack(ARGV[2])
for i = 1, 2 do
  for field, amount in pairs(pairs_of[i]) do redis.call('HSET', KEYS[i], field, string.format('%.0f', amount)) end
end
redis.call('HSET', KEYS[1], ARGV[1], 1)
redis.call('EXPIRE', KEYS[1], ARGV[3])
redis.call('EXPIRE', KEYS[2], ARGV[4])
return 1
"""


@dataclass(frozen=True, slots=True)
class Split:
    """One split experiment as a request takes part in it. ``share`` (0-1) is the arm's of all arms together."""

    experiment: str
    arm: str
    share: float
    arms: tuple[str, ...]
    day: int

    @property
    def key(self) -> str:
        return f"{PREFIX}{self.experiment}"

    @property
    def day_key(self) -> str:
        return f"{PREFIX}{self.experiment}:{self.day}"

    def row(self) -> list[Any]:
        """As `ads/lua/reserve.lua` reads it."""
        return [self.key, self.day_key, self.arm, self.share, list(self.arms)]


def splits_of(request: AdRequest, now: datetime) -> tuple[Split, ...]:
    """The split experiments that ``request`` is in; none, at no cost, for nearly every request."""
    if not request.arms:
        return ()
    return tuple(_split(one, request.arms[one.key], now) for one in running_experiments() if _takes_part(one, request.arms))


def _takes_part(one: RunningExperiment, arms: Mapping[str, str]) -> bool:
    return one.split_budgets and not one.rolled_out and arms.get(one.key) in {arm.name for arm in one.arms}


def _split(one: RunningExperiment, arm: str, now: datetime) -> Split:
    shares = {each.name: each.share for each in one.arms}
    return Split(one.key, arm, shares[arm] / sum(shares.values()), tuple(shares), day_number(now.date()))


def narrowed(state: DeliveryState, inventory: Inventory, splits: Sequence[Split], hashes: Sequence[Mapping[bytes, bytes]]) -> DeliveryState:
    """``state`` in which flights whose share is gone for this arm count as spent, so that the decision looks for others; ``hashes`` are
    each split's two, in turn. The reservation is the judge, this only saves it vain attempts."""
    codes = spent(inventory, state).copy()
    for place, split in enumerate(splits):
        total, day = hashes[2 * place], hashes[2 * place + 1]
        for taken, budget, booked, goal, delivered in (
            (total, inventory.budget, state.booked, inventory.goal, state.delivered),
            (day, inventory.daily_budget, state.day_booked, inventory.daily_goal, state.day_delivered),
        ):
            mine, of_arms = _taken(taken, "m", split, inventory)
            gone = mine + inventory.event_cost > _limit(split, budget, booked + state.held, of_arms)
            mine, of_arms = _taken(taken, "n", split, inventory)
            gone |= inventory.goal_counts_holds & (mine + 1 > _limit(split, goal, delivered + state.held_count, of_arms))
            codes[(codes == 0) & gone] = SPENT.index("arm_budget_spent") + 1
    return replace(state, spent=codes)


def _taken(taken: Mapping[bytes, bytes], what: str, split: Split, inventory: Inventory) -> tuple[Floats, Floats]:
    """Per flight what this arm has taken, and what all arms have."""
    by_arm = {arm: np.zeros(len(inventory.flights)) for arm in split.arms}
    for field, amount in taken.items():
        kind, _, rest = field.decode().partition(":")
        arm, _, flight = rest.rpartition(":")
        row = inventory.flight_row.get(int(flight)) if kind == what and arm in by_arm else None
        if row is not None:
            by_arm[arm][row] = int(amount)
    return by_arm[split.arm], np.sum(list(by_arm.values()), axis=0)


def _limit(split: Split, limit: Ints, used: Ints, of_arms: Floats) -> Floats:
    others = np.maximum(used - of_arms, 0.0)
    return np.asarray(np.floor(split.share * np.maximum(limit - others, 0.0) + 1e-6), dtype=np.float64)


def write(client: redis.Redis, split: Split, total: Mapping[str, int], day: Mapping[str, int]) -> None:
    """What the arms have taken so far, by field; nothing where another process has written it meanwhile."""
    keep = str(int(KEEP.total_seconds())), str(int(KEEP_DAY.total_seconds()))
    client.eval(_WRITE, 2, split.key, split.day_key, READY, pack([dict(total), dict(day)]), *keep)


def forget(client: redis.Redis) -> None:
    """Of every experiment: what is held is being counted anew, and so must this be. The holds do not remember their arms then."""
    for key in client.scan_iter(f"{PREFIX}*", count=1_000):
        client.delete(key)
