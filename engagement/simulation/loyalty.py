"""When people come, and whether they come again: what a playback was worth moves both. Hidden, like all of taste."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .audience import Audience
from .people import Person
from .walk import stays_away

DAY = 86_400.0


class Loyalty:
    """Who comes next, of ``persons``: by how much they watch, by what they think of the service, and only who has not turned away.

    ``pleasure`` [n] is that opinion, ``away_until`` [n] (Unix seconds) when somebody may come again, also while they are watching.
    """

    def __init__(self, audience: Audience, persons: Sequence[Person]) -> None:
        self.audience, self.persons = audience, persons
        self.hours = np.array([person.monthly_hours for person in persons])
        self.pleasure = np.zeros(len(persons))
        self.away_until = np.full(len(persons), -np.inf)
        zones = np.array([person.zone for person in persons])
        self.place = {person.id: index for index, person in enumerate(persons)}
        self.of_zone: dict[str, NDArray[np.int64]] = {str(zone): np.flatnonzero(zones == zone) for zone in np.unique(zones)}

    def weights(self, now: datetime) -> NDArray[np.float64]:
        """How likely each is to begin a playback now, against the others [n]."""
        wanted: NDArray[np.float64] = self.hours * np.exp(self.audience.returning.pull * self.pleasure) * (self.away_until <= now.timestamp())
        return wanted

    def comes(self, zone: str, now: datetime, *, rng: Generator) -> int | None:
        """Who of a zone begins a playback, None when nobody there would."""
        there = self.of_zone[zone]
        total = self.weights(now)[there].cumsum()
        draw = float(rng.random()) * float(total[-1])
        return int(there[np.searchsorted(total, draw, side="right")]) if total[-1] > 0 else None

    def watched(self, index: int, satisfaction: float, *, until: datetime, rng: Generator) -> None:
        """What a playback that lasted ``until`` then was worth."""
        rule = self.audience.returning
        self.pleasure[index] = rule.memory * self.pleasure[index] + (1 - rule.memory) * satisfaction
        lost, days = float(rng.random()), float(rng.exponential(rule.days_away))
        away = days * DAY if lost < stays_away(self.audience, float(self.pleasure[index])) else 0.0
        self.away_until[index] = until.timestamp() + away
