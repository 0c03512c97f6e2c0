"""One snapshot of the business as it is now: the tiles, the last minutes and what just happened, as JSON-ready values.

Shares are 0-1, money is integer micros, times are ISO 8601 in UTC. A figure that the scope cannot narrow is None, with the reason as its note.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from adplatform.eventlog.rollup import truncate
from engagement.director.success import Success

from . import buckets, feed, figures, learning
from .director import HISTORY
from .figures import Sums
from .periods import steps
from .scope import EVERYTHING, Scope

Figure = float | int | None
MICROS = 1_000_000
MINUTE_SECONDS = 60.0


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


# Of each share of the page: what is counted and of what.
SHARES = {
    "fill_rate": ("slots_filled", "slots_offered"),
    "ctr": ("clicks", "impressions"),
    "completion_rate": ("completed_views", "impressions"),
}


def derive(sums: Sums) -> dict[str, Figure]:
    """The page's figures from one stretch of additive sums, whether a day, a minute or yesterday so far. What the sums do not hold is None."""
    return {
        "impressions": sums["impressions"],
        "revenue": sums["revenue_micros"],
        "ecpm": round(sums["revenue_micros"] * 1000 / sums["impressions"]) if sums["impressions"] else None,
        **{name: ratio(sums[part], sums[whole]) if whole in sums else None for name, (part, whole) in SHARES.items()},
        "director_changes": sums.get("director_changes"),
        "invalid_share": ratio(sums["gross_impressions"] - sums["impressions"], sums["gross_impressions"]),
    }


@dataclass(frozen=True)
class Yesterday:
    """What today is compared with. It can only change with the minute (late events aside), so it is read once a minute."""

    minute: datetime
    sums: Sums
    engagement: float | None


def yesterday(now: datetime, scope: Scope = EVERYTHING) -> Yesterday:
    felt = None if scope.sold else figures.engagement(scope, now - figures.DAY).mean
    return Yesterday(truncate(now, "minute"), same_time_yesterday(now, scope), felt)


def same_time_yesterday(now: datetime, scope: Scope) -> Sums:
    """Sums of yesterday up to the minute 24 hours before ``now``: its whole hours, and the minutes of the hour begun."""
    until = truncate(now - figures.DAY, "minute")
    hour, day = truncate(until, "hour"), truncate(until, "day")
    hours = buckets.read(scope, "hour", steps(day, hour, figures.HOUR), now, every=MINUTE_SECONDS)
    minutes = buckets.read(scope, "minute", steps(hour, until, figures.MINUTE), now, every=MINUTE_SECONDS)
    return figures.added(figures.nothing(scope), *(one.sums for one in (*hours, *minutes)))


def build(now: datetime, *, compared: Yesterday, success: Success | None = None, scope: Scope = EVERYTHING) -> dict[str, Any]:
    """Read and put together one snapshot. The caller holds a repeatable-read transaction, so that its figures agree; ``success`` is
    what the Director's changes were last found to gain in this scope."""
    sums, minutes = figures.today(scope, now), figures.minute_buckets(now)
    per_minute = [derive(one.sums) for one in buckets.read(scope, "minute", minutes, now, every=1.0)]
    audience = None if scope.sold else figures.audience(scope, now)
    felt = None if scope.sold else figures.engagement(scope, now)
    as_of = figures.data_as_of()
    tiles = _tiles(sums, compared, per_minute) | _audience_tiles(audience, felt, compared, scope)
    tiles |= {"success_rate": _success_tile(success, scope), "model_accuracy": learning.accuracy(scope)}
    return {
        "as_of": as_of.isoformat() if as_of else None,
        "scope": {name: value for name, value in asdict(scope).items() if value and name != "titles"},
        "tiles": tiles,
        "series": {
            "minutes": [bucket.isoformat() for bucket in minutes],
            "impressions": [row["impressions"] for row in per_minute],
            "revenue": [row["revenue"] for row in per_minute],
            "active_sessions": None if audience is None else list(audience.by_minute),
        },
        "totals": dict(sums),
        "success": None if success is None else asdict(success),
        "synthetic": {
            "sessions": None if audience is None else ratio(audience.synthetic, audience.active),
            "impressions": ratio(sums["synthetic_impressions"], sums["impressions"]),
            "yesterday": ratio(compared.sums["synthetic_impressions"], compared.sums["impressions"]),
        },
        "campaigns": feed.top_campaigns(now, scope),
        "models": learning.champions() if scope.whole else [],
        "feed": feed.latest(now, scope),
    }


def tile(
    value: Figure, before: Figure = None, spark: Sequence[Figure] = (), *, note: str = "", ci: list[float] | None = None, n: int | None = None,
    baseline: str = "",
) -> dict[str, Any]:  # fmt: skip
    """``before`` is the figure that ``baseline`` names; ``n`` what the figure was counted of."""
    return {"value": value, "before": before, "spark": list(spark), "note": note, "ci": ci, "n": n, "baseline": baseline}


def _tiles(sums: Sums, compared: Yesterday, per_minute: Sequence[dict[str, Figure]]) -> dict[str, Any]:
    now, before = derive(sums), derive(compared.sums)
    gross = sums["gross_impressions"]
    shares = {name: (sums[part], sums[whole]) for name, (part, whole) in SHARES.items() if whole in sums}
    shares["invalid_share"] = (gross - sums["impressions"], gross)
    notes = _notes(sums, per_minute)
    baseline = f"yesterday at {compared.minute:%H:%M} UTC"
    return {
        key: tile(
            value, before[key], [row[key] for row in per_minute], note=notes[key], ci=interval(*shares[key]) if key in shares else None,
            n=shares[key][1] if key in shares else None, baseline=baseline,
        )
        for key, value in now.items()
    }  # fmt: skip


def _notes(sums: Sums, per_minute: Sequence[dict[str, Figure]]) -> Mapping[str, str]:
    last_minute = per_minute[-2]["impressions"] if len(per_minute) > 1 else 0
    told = {
        "impressions": f"{last_minute:,} in the last whole minute",
        "revenue": f"after {sums['reversed_micros'] / MICROS:,.2f} given back" if sums["reversed_micros"] else "",
        "ecpm": "",
        "invalid_share": f"{sums['gross_impressions']:,} gross, {sums['invalid']:,} {'event' if sums['invalid'] == 1 else 'events'} in all",
        "ctr": f"{sums['clicks']:,} clicks",
        "completion_rate": f"{sums['completed_views']:,} completed",
    }
    if "slots_offered" not in sums:
        return told | dict.fromkeys(("fill_rate", "director_changes"), NOT_OF_BREAKS)
    return told | {
        "fill_rate": f"{sums['slots_filled']:,} of {sums['slots_offered']:,} slots",
        "director_changes": f"of {sums['director_decisions']:,} decisions",
    }


NOT_OF_BREAKS = "not kept by campaign or advertiser"


def _audience_tiles(
    audience: figures.Audience | None, felt: figures.Engagement | None, compared: Yesterday, scope: Scope
) -> dict[str, Any]:  # fmt: skip
    if audience is None or felt is None:
        return {"active_sessions": tile(None, note=NOT_OF_BREAKS), "engagement": tile(None, note=NOT_OF_BREAKS)}
    mean = None if felt.mean is None else round(felt.mean, 4)
    before = None if compared.engagement is None else round(compared.engagement, 4)
    return {
        "active_sessions": tile(audience.active, audience.by_minute[0], audience.by_minute, baseline=f"{figures.SERIES_MINUTES} min ago"),
        "engagement": tile(
            mean, before, felt.by_minute, note=f"{felt.count:,} predictions in {figures.ENGAGEMENT_MINUTES} min", n=felt.count,
            baseline=f"yesterday at {compared.minute:%H:%M} UTC",
        ),
    }  # fmt: skip


def _success_tile(success: Success | None, scope: Scope) -> dict[str, Any]:
    baseline = "where chance held the same change back"
    if unsaid := success_unsaid(scope):
        return tile(None, note=unsaid, baseline=baseline)
    if success is None:
        return tile(None, note="not worked out yet", baseline=baseline)
    counted = success.done + success.held_back
    if success.value is None or success.low is None or success.high is None:
        return tile(None, note=f"in {HISTORY.days} days: {success.brief}", n=counted, baseline=baseline)
    note = f"{success.watched:.1%} of the next scene watched against {success.baseline:.1%}, in {HISTORY.days} days"
    return tile(success.value, note=note, ci=[success.low, success.high], n=counted, baseline=baseline)


def success_unsaid(scope: Scope) -> str:
    """Why there is no success rate of this scope, in words; empty where there is one."""
    if scope.sold:
        return NOT_OF_BREAKS
    return "worked out for all devices and for single titles" if scope.device or scope.genre else ""
