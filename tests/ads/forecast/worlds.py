"""Small worlds whose future is known: the same viewers come every day as they always did."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ads.decision.inventory import FlightRow, Inventory, Rows, compile_inventory
from ads.decision.plan import DAY, HOURS, Expected
from ads.forecast import expectation, supply
from ads.forecast.capping import People
from ads.forecast.crowd import Crowd, Traffic
from ads.forecast.expectation import Effort, Scene, Simulated
from ads.forecast.responses import responses
from ads.forecast.simulation import Run, Start
from ads.forecast.yields import Yields

from ..decision import rows
from ..decision.rows import NOW, request

VIEWERS, DAYS, A_DAY = 40, 7, 4
AHEAD = 7
EFFORT = Effort(lanes=8, requests=2_000)
# What comes in the days ahead, if all is as it was.
COMING = VIEWERS * A_DAY * AHEAD


def flight(number: int, **changes: Any) -> FlightRow:
    """Over the days ahead; as fast as it can where nothing else is said, without any goal."""
    fields: dict[str, Any] = {"starts": NOW.timestamp() - DAY, "ends": NOW.timestamp() + AHEAD * DAY, "goal_amount": None, "budget_micros": 10**15}
    return rows.flight(number, **(fields | changes))


@dataclass(frozen=True)
class World:
    """``flights`` with an ad each, of another category each, in breaks of one place each."""

    flights: tuple[FlightRow, ...]
    viewers: int = VIEWERS
    consent: bool = True
    breaks: dict[str, Any] = field(default_factory=dict)
    sure: bool = True
    events: float = 1.0
    micros: float = 0.0

    def scene(self) -> Scene:
        held = self.inventory()
        people = self.people()
        eligible = supply.eligibility(held, people.requests, np.ones(len(people.requests))).mask
        count = len(held.flights)
        hourly = np.bincount(supply.hour_of_week(people.at), minlength=HOURS).astype(np.float64)
        ones = np.ones(count)
        zeros = np.zeros(count)
        unsure = 0.0 if self.sure else 0.1
        return Scene(
            inventory=held,
            people=people,
            breaks=expectation.breaks(held, people, eligible, responses(held, people.requests, (), np.random.default_rng(1))),
            traffic=Traffic(hourly, unsure, unsure),
            yields=Yields(ones, self.events * ones, self.micros * ones, 1e9 * ones),
            start=Start(zeros, zeros, zeros, zeros),
            expected={
                row.id: Expected(supply=(hourly * eligible[:, at].mean()).tolist(), events_per_win=1.0, settle_share=1.0)
                for at, row in enumerate(held.flights)
            },
        )

    def inventory(self) -> Inventory:
        return compile_inventory(Rows(self.flights, tuple(rows.ad(row.id, row.id, category=f"kind {row.id}") for row in self.flights)))

    def people(self) -> People:
        requests, at = [], []
        for day in range(DAYS):
            for viewer in range(self.viewers):
                session = uuid.UUID(int=1 + viewer + day * self.viewers)
                for number in range(A_DAY):
                    moment = NOW.timestamp() - (DAYS - day) * DAY + viewer * 60.0 + number * 3 * 3600.0
                    hour = int(moment % DAY // 3600)
                    terms = {"max_ads": 1, "creative_gap": 0.0, "consent": self.consent, "device": "tv" if viewer % 2 else "mobile", "hour": hour}
                    requests.append(request(session=session, viewer=uuid.UUID(int=1 + viewer), **(terms | self.breaks)))
                    at.append(moment)
        order = np.argsort(at, kind="stable")
        return People(NOW.timestamp(), tuple(requests[row] for row in order.tolist()), np.array(at)[order])

    def crowd(self, scene: Scene, effort: Effort = EFFORT) -> Crowd:
        return expectation.gathered(scene, until=NOW.timestamp() + AHEAD * DAY, effort=effort)

    def future(self, effort: Effort = EFFORT) -> Simulated:
        scene = self.scene()
        return expectation.future(scene, self.crowd(scene, effort), effort)

    def without(self, absent: int, effort: Effort = EFFORT) -> tuple[Simulated, Simulated, Scene]:
        scene = self.scene()
        return *expectation.futures(scene, self.crowd(scene, effort), effort, absent=absent), scene

    def alone(self) -> tuple[Run, Crowd]:
        scene = self.scene()
        crowd = self.crowd(scene)
        return expectation.reach(scene, crowd, EFFORT), crowd


def delivered(*flights: FlightRow, **world: Any) -> list[float]:
    """What each flight delivers on average."""
    found: list[float] = World(flights, **world).future().run.delivered.mean(axis=0).tolist()
    return found
