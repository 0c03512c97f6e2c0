"""One snapshot of the business: every figure of the live page, as JSON-ready values.

Shares are 0-1, money is integer micros, times are ISO 8601 in UTC.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from adplatform.eventlog.rollup import truncate
from engagement.director.success import Success

from . import feed, figures
from .director import HISTORY
from .figures import Sums

Figure = float | int | None
MICROS = 1_000_000


def interval(part: int, whole: int) -> list[float] | None:
    """Wilson's 95 % interval of a share (Wilson 1927); None when there is nothing to divide by or parts outnumber the whole."""
    if whole <= 0 or not 0 <= part <= whole:
        return None
    z = 1.959964
    share = part / whole
    centre = (share + z * z / (2 * whole)) / (1 + z * z / whole)
    half = z / (1 + z * z / whole) * math.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    return [round(max(0.0, centre - half), 6), round(min(1.0, centre + half), 6)]


def ratio(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def derive(sums: Sums) -> dict[str, Figure]:
    """The page's figures from one stretch of additive sums, whether a day, a minute or yesterday so far."""
    return {
        "impressions": sums["impressions"],
        "revenue": sums["revenue_micros"],
        "ecpm": round(sums["revenue_micros"] * 1000 / sums["impressions"]) if sums["impressions"] else None,
        "fill_rate": ratio(sums["slots_filled"], sums["slots_offered"]),
        "ctr": ratio(sums["clicks"], sums["impressions"]),
        "completion_rate": ratio(sums["completed_views"], sums["impressions"]),
        "director_changes": sums["director_changes"],
        "invalid_share": ratio(sums["gross_impressions"] - sums["impressions"], sums["gross_impressions"]),
    }


@dataclass(frozen=True)
class Yesterday:
    """What today is compared with. It can only change with the minute (late events aside), so it is read once a minute."""

    minute: datetime
    sums: Sums
    engagement: float | None


def yesterday(now: datetime) -> Yesterday:
    return Yesterday(truncate(now, "minute"), figures.same_time_yesterday(now), figures.engagement(now - figures.DAY).mean)


def build(now: datetime, *, compared: Yesterday, success: Success | None = None) -> dict[str, Any]:
    """Read and put together one snapshot. The caller holds a repeatable-read transaction, so that its figures agree; ``success`` is
    what the Director's changes were last found to gain."""
    sums, minutes = figures.today(now), figures.by_minute(now)
    audience, engagement = figures.audience(now), figures.engagement(now)
    per_minute = [derive(minute) for minute in minutes.values()]
    as_of = figures.data_as_of()
    return {
        "as_of": as_of.isoformat() if as_of else None,
        "tiles": _tiles(sums, compared, per_minute, success) | _audience_tiles(audience, engagement, compared),
        "series": {
            "minutes": [bucket.isoformat() for bucket in minutes],
            "impressions": [row["impressions"] for row in per_minute],
            "revenue": [row["revenue"] for row in per_minute],
            "active_sessions": list(audience.by_minute),
        },
        "totals": dict(sums),
        "success": None if success is None else asdict(success),
        "synthetic": {
            "sessions": ratio(audience.synthetic, audience.active),
            "impressions": ratio(sums["synthetic_impressions"], sums["impressions"]),
            "yesterday": ratio(compared.sums["synthetic_impressions"], compared.sums["impressions"]),
        },
        "campaigns": feed.top_campaigns(now),
        "models": feed.champions(),
        "feed": feed.latest(now),
    }


def _tile(value: Figure, before: Figure, spark: Sequence[Figure], *, note: str = "", ci: list[float] | None = None) -> dict[str, Any]:
    return {"value": value, "before": before, "spark": list(spark), "note": note, "ci": ci}


def _tiles(sums: Sums, compared: Yesterday, per_minute: Sequence[dict[str, Figure]], success: Success | None) -> dict[str, Any]:
    now, before = derive(sums), derive(compared.sums)
    last_minute = per_minute[-2]["impressions"] if len(per_minute) > 1 else 0
    notes = {
        "impressions": f"{last_minute:,} in the last whole minute",
        "revenue": f"after {sums['reversed_micros'] / MICROS:,.2f} given back" if sums["reversed_micros"] else "",
        "invalid_share": f"{sums['gross_impressions']:,} gross, {sums['invalid']:,} {'event' if sums['invalid'] == 1 else 'events'} in all",
        "fill_rate": f"{sums['slots_filled']:,} of {sums['slots_offered']:,} slots",
        "ctr": f"{sums['clicks']:,} clicks",
        "completion_rate": f"{sums['completed_views']:,} completed",
        "director_changes": f"of {sums['director_decisions']:,} decisions" + (f". In {HISTORY.days} days: {success.brief}" if success else ""),
    }
    intervals = {
        "fill_rate": interval(sums["slots_filled"], sums["slots_offered"]),
        "ctr": interval(sums["clicks"], sums["impressions"]),
        "completion_rate": interval(sums["completed_views"], sums["impressions"]),
        "invalid_share": interval(sums["gross_impressions"] - sums["impressions"], sums["gross_impressions"]),
    }
    return {
        key: _tile(value, before[key], [row[key] for row in per_minute], note=notes.get(key, ""), ci=intervals.get(key)) for key, value in now.items()
    }


def _audience_tiles(audience: figures.Audience, engagement: figures.Engagement, compared: Yesterday) -> dict[str, Any]:
    mean = None if engagement.mean is None else round(engagement.mean, 4)
    before = None if compared.engagement is None else round(compared.engagement, 4)
    return {
        "active_sessions": _tile(audience.active, audience.by_minute[0], audience.by_minute),
        "engagement": _tile(mean, before, engagement.by_minute, note=f"{engagement.count:,} predictions in 5 min"),
    }
