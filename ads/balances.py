"""A flight's balance as the ledger tells it to whoever holds counters of their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class Balance:
    """Absolute figures: micros booked in all and on ``day`` (UTC), and the goal events delivered, in all and on that day.

    ``version`` grows with every change of the row, so that of two figures the later one is known whatever order they arrive in.
    """

    flight: int
    booked_micros: int
    day: date | None
    day_booked_micros: int
    delivered: int
    day_delivered: int = 0
    version: int = 0

    def row(self) -> list[int]:
        return [self.flight, self.booked_micros, day_number(self.day), self.day_booked_micros, self.delivered, self.day_delivered, self.version]


def day_number(day: date | None) -> int:
    """Days since 1970; 0 for none."""
    return day.toordinal() - EPOCH_ORDINAL if day else 0
