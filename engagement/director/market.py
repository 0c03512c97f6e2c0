"""The prices that decisions are made at, read from the tables at most once a minute by each process and kept in memory.

What a minute of film is worth beside the ads of this playback is for the house to say: `DIRECTOR_MINUTE_MICROS`. Unset, it counts as
much as a minute watched has earned in the last weeks on the whole: who is kept watching tonight is who comes back, and what a viewer
brings when they do is what viewers bring per minute.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import Sum

from ads import breakvalue, policy
from ads.decision.load import Policy
from ads.models import DeliveryDay
from engagement.models import PlaybackDay
from engagement.playback.plan import FORESEEN_BREAK_SECONDS

from .worth import Prices

HISTORY = timedelta(days=28)
KEPT_SECONDS = 300.0
# A title with so few scenes begun stays about as much as all titles do.
PRIOR_STARTS = 50.0
POSITIONS = ("pre", "mid", "post")


@dataclass(frozen=True, slots=True)
class _Known:
    read_at: float = float("-inf")
    minute: float = 0.0
    staying: float = 1.0
    of_title: Mapping[int, float] = field(default_factory=dict)
    policies: Mapping[int | None, Policy] = field(default_factory=dict)


_known = _Known()


def prices(title: int, device: str, *, now: datetime, break_share: float = 1.0) -> Prices:
    """From memory. ``break_share`` is what a lighter ad load leaves of each break."""
    hour = now.astimezone(UTC).hour
    given = {position: breakvalue.expected(title, position, device, hour) for position in POSITIONS}
    breaks = {
        position: breakvalue.Value(one.micros * break_share, (one.seconds or FORESEEN_BREAK_SECONDS) * break_share, one.breaks)
        for position, one in given.items()
    }
    minute = settings.DIRECTOR_MINUTE_MICROS
    staying = _known.of_title.get(title, _known.staying)
    return Prices(breaks, _known.minute if minute is None else minute, staying, policy.chosen(_known.policies, title))


def keep_fresh(*, now: datetime) -> None:
    """Read what is older than it may be; called where nobody waits for a decision."""
    global _known
    breakvalue.keep_fresh()
    if time.monotonic() - _known.read_at > KEPT_SECONDS:
        _known = _read(now)


def forget() -> None:
    """The next `keep_fresh` reads anew; between tests."""
    global _known
    _known = _Known()
    breakvalue.forget()


def _read(now: datetime) -> _Known:
    days = PlaybackDay.objects.filter(bucket__gte=now - HISTORY, bucket__lte=now)
    figures = {
        row["title_id"]: row
        for row in days.values("title_id").annotate(
            starts=Sum("scene_starts"), sessions=Sum("sessions"), finished=Sum("finished"), watched=Sum("watch_milliseconds")
        )
    }
    minutes = sum(row["watched"] for row in figures.values()) / 60_000
    earned = DeliveryDay.objects.filter(bucket__gte=now - HISTORY, bucket__lte=now).aggregate(micros=Sum("revenue_micros"))["micros"] or 0
    went_on = {title: (row["starts"] - row["sessions"], row["starts"] - row["finished"]) for title, row in figures.items()}
    house = staying(sum(stayed for stayed, _ in went_on.values()), sum(could for _, could in went_on.values()), house=1.0)
    of_title = {title: staying(stayed, could, house=house) for title, (stayed, could) in went_on.items()}
    return _Known(time.monotonic(), earned / minutes if minutes > 0 else 0.0, house, of_title, policy.every_policy())


def staying(stayed: float, could: float, *, house: float) -> float:
    """The chance that a scene begun is followed by another: of ``could`` that had a next one, so many ``stayed`` for it; leaning on the
    ``house`` where few did."""
    return min(1.0, max(0.0, (stayed + PRIOR_STARTS * house) / (max(0.0, could) + PRIOR_STARTS)))
