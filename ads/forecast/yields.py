"""What comes of a slot won: seen impressions, goal events and money, from the rollups, leaning on the installation where a flight is young."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db.models import Sum

from ads.decision.inventory import Inventory
from ads.decision.plan import SETTLE_SHARE
from ads.decision.state import Floats
from ads.models import DeliveryHour

LOOK_BACK = timedelta(weeks=4)
# What was won in the last hour may not have been seen yet.
SETTLED_AFTER = timedelta(hours=1)
# So many slots won weigh as much as what is known of the whole installation.
PRIOR_WINS = 50.0
MEASURES = ("decided", "impressions", "completed_views", "clicks", "revenue_micros")


@dataclass(frozen=True)
class Yields:
    """Of one slot won, per flight [n]: the chance that its impression is seen, its goal events, its micros (0 where nothing was charged);
    ``evidence`` is how many slots won that rests on, those of the installation that it leans on included."""

    settle_share: Floats
    events_per_win: Floats
    micros_per_win: Floats
    evidence: Floats


def measured(inventory: Inventory, now: datetime) -> Yields:
    rows = (
        DeliveryHour.objects.filter(bucket__gte=now - LOOK_BACK, bucket__lt=now - SETTLED_AFTER)
        .values("flight_id")
        .annotate(**{f"{name}_sum": Sum(name) for name in MEASURES})
        .values_list("flight_id", *(f"{name}_sum" for name in MEASURES))
    )
    by_flight = {flight: figures for flight, *figures in rows}
    everything = np.sum(list(by_flight.values()), axis=0) if by_flight else np.zeros(len(MEASURES))
    own = np.array([by_flight.get(int(flight), [0] * len(MEASURES)) for flight in inventory.flight_id], dtype=np.float64).reshape(-1, len(MEASURES))
    won = own[:, 0]
    overall = (everything[1:4] + PRIOR_WINS * np.array([SETTLE_SHARE, 0.0, 0.0])) / (everything[0] + PRIOR_WINS)
    seen, viewed, clicked = ((own[:, column] + PRIOR_WINS * overall[column - 1]) / (won + PRIOR_WINS) for column in (1, 2, 3))
    # A rollup counts a slot in the hour it was won and its impression in the hour it was seen.
    seen, viewed, clicked = (np.minimum(share, 1.0) for share in (seen, viewed, clicked))
    micros = np.divide(own[:, 4], won, out=np.zeros(len(won)), where=won > 0)
    goals = np.array([flight.goal_type for flight in inventory.flights])
    events = np.select([goals == "impressions", goals == "completed_views", goals == "clicks"], [seen, viewed, clicked], micros)
    return Yields(seen, events, np.where(won >= PRIOR_WINS, micros, 0.0), won + PRIOR_WINS)
