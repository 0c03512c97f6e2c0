"""What playing on is worth, in money: one objective for the film and for the ads in it. Pure.

An option is worth ``now + attention x later`` micros. ``now`` is what the ad break before the next open place is expected to earn.
``later`` is what there is to lose if the viewer does not watch on from that place: the breaks behind it and every minute of film still
to come, each weighted by the usual chance that who watches one scene stays for the one after it. The breaks are those of the plan with
the option in it. So a break that is moved back goes from ``now`` to ``later``, where it is paid only by who stays; a shorter break earns
less now, and one that the title's ad policy will leave out earns nothing, wherever it is moved. The minutes are those of the plan as it
stands, whatever the option: else a film would be stretched for the minutes' sake and never be tightened. What longer or shorter scenes do
to those who watch is for attention to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ads.breakvalue import Value
from ads.decision.load import Policy
from engagement.playback.plan import Break, Plan

from .adload import EVERY_BREAK, met, taking_place
from .film import film_of


@dataclass(frozen=True, slots=True)
class Prices:
    """Of one playback. ``breaks``: what one at each position is expected to earn and last; ``minute``: micros for a minute of film
    watched; ``staying``: chance 0-1 that who watches a scene watches the next one too; ``policy``: which breaks take place."""

    breaks: Mapping[str, Value]
    minute: float
    staying: float
    policy: Policy = EVERY_BREAK

    def seconds(self, one: Break, position: str) -> float:
        """How many seconds of ads are expected of a break."""
        whole = self.breaks[position].seconds
        return whole if one.most_seconds is None else min(whole, one.most_seconds)

    def earns(self, seconds: float, position: str) -> float:
        """Micros expected of a break of so many seconds that is met: of a shorter one its share of the whole."""
        whole = self.breaks[position]
        return whole.micros * seconds / whole.seconds if seconds < whole.seconds else whole.micros


@dataclass(frozen=True, slots=True)
class Worth:
    """Micros: ``now`` for certain, ``later`` times the share of attention that the option is given."""

    now: float
    later: float


def seconds_due(plan: Plan, prices: Prices, *, now: float) -> float:
    """How many seconds of ads are expected before the next open place; none where no break is due, or where it will be left out."""
    coming = next(taking_place(plan, prices.policy, met(plan), prices.seconds, now=now), None)
    return coming[2] if coming is not None and coming[0].after <= len(plan.played) else 0.0


def worth_of(plan: Plan, prices: Prices, *, now: float = 0.0) -> Worth:
    """Of a plan as it would be published from its next open place on, at ``now`` (Unix seconds)."""
    (worth,) = worths_of((plan,), prices, now=now)
    return worth


def worths_of(plans: Sequence[Plan], prices: Prices, *, now: float) -> list[Worth]:
    """As `worth_of`, of what may become of one plan, which is the first: they differ only in what is open."""
    stands, film, place, before = plans[0], film_of(plans[0]), len(plans[0].played), met(plans[0])
    at_once, longest = [], max(len(plan.remaining) for plan in plans)
    earned = np.zeros((len(plans), longest + 1))
    earned[:, : len(stands.remaining)] = [film[scene].seconds(stands.cut_of(scene)) / 60 * prices.minute for scene in stands.remaining]
    # Another order or cut moves a break by seconds: which breaks take place is only judged anew where the breaks are others.
    taken: dict[tuple[Break, ...], list[tuple[Break, str, float]]] = {}
    for row, plan in enumerate(plans):
        due, places = 0.0, place + len(plan.remaining)
        if plan.breaks not in taken:
            taken[plan.breaks] = list(taking_place(plan, prices.policy, before, prices.seconds, now=now))
        for one, where, seconds in taken[plan.breaks]:
            if one.after <= place:
                due += prices.earns(seconds, where)
            elif one.after <= places:
                # It comes behind the scene of its place and is met by who stayed for that scene.
                earned[row, one.after - place - 1] += prices.earns(seconds, where)
        at_once.append(due)
    reached = np.cumprod([1.0, *[prices.staying] * longest])
    # Added up from the next scene on, as a sum over the places is: numpy's own sum rounds otherwise, by how many there are.
    later = np.cumsum(reached * earned, axis=1)[:, -1]
    return list(map(Worth, at_once, later.tolist()))
