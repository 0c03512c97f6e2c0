"""What playing on is worth, in money: one objective for the film and for the ads in it. Pure.

An option is worth ``now + attention x later`` micros. ``now`` is what the ad break before the next open place is expected to earn.
``later`` is what there is to lose if the viewer does not watch on from that place: the breaks behind it and every minute of film still
to come, each weighted by the usual chance that who watches one scene stays for the one after it. Both are those of the plan with the
option in it. So a break that is moved back goes from ``now`` to ``later``, where it is paid only by who stays; a shorter break earns
less now; a tight cut takes its seconds off the film, and an optional scene adds them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ads.breakvalue import Value
from engagement.playback.plan import Break, Plan


@dataclass(frozen=True, slots=True)
class Prices:
    """Of one playback. ``breaks``: what one at each position is expected to earn and last; ``minute``: micros for a minute of film
    watched; ``staying``: chance 0-1 that who watches a scene watches the next one too."""

    breaks: Mapping[str, Value]
    minute: float
    staying: float

    def seconds(self, plan: Plan, one: Break) -> float:
        """How many seconds of ads are expected of a break."""
        whole = self.breaks[plan.position_of(one)].seconds
        return whole if one.most_seconds is None else min(whole, one.most_seconds)

    def earns(self, plan: Plan, one: Break) -> float:
        """Micros expected of a break that is met; a shorter one earns its share of the seconds."""
        whole = self.breaks[plan.position_of(one)]
        return whole.micros * self.seconds(plan, one) / whole.seconds if whole.seconds else whole.micros


@dataclass(frozen=True, slots=True)
class Worth:
    """Micros: ``now`` for certain, ``later`` times the share of attention that the option is given."""

    now: float
    later: float


def worth_of(plan: Plan, prices: Prices) -> Worth:
    """Of a plan as it would be published from its next open place on."""
    place = len(plan.played)
    waiting = [one for one in plan.breaks if one.state == "open"]
    film = sum(
        prices.staying**step * plan.scene(scene).clip.duration(plan.cut_of(scene)) / 60 * prices.minute for step, scene in enumerate(plan.remaining)
    )
    behind = sum(prices.staying ** (one.after - place - 1) * prices.earns(plan, one) for one in waiting if one.after > place)
    return Worth(now=sum(prices.earns(plan, one) for one in waiting if one.after <= place), later=film + behind)
