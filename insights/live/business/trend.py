"""The stream behind the charts of the executive page: a range of time in buckets beside an earlier one, and where its revenue comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from insights.live.streams import Kind, Stream, one_of

from . import breakdown, buckets, figures, heat, risk
from .figures import Sums
from .periods import COMPARE, DEFAULT, MINUTES_KEPT, RANGES, STEPS, Earlier, Period, earlier, period, steps
from .reached import reached
from .scope import TAKES, Scope, scope_of
from .snapshot import SHARES, Figure, derive, interval, ratio

HOUR_MILLISECONDS = 3_600_000
# Name -> (label, unit). Shares 0-1, money in micros, hours as they are.
MEASURES = {
    "impressions": ("Impressions", "count"),
    "revenue": ("Revenue", "money"),
    "ecpm": ("eCPM", "money"),
    "ctr": ("Click-through rate", "share"),
    "completion_rate": ("Completion rate", "share"),
    "fill_rate": ("Fill rate", "share"),
    "sessions": ("Sessions begun", "count"),
    "watch_hours": ("Hours watched", "hours"),
    "engagement": ("Scenes watched to their end, of those begun", "share"),
    "optimisations": ("Optimisations applied", "count"),
}
# Money and counts add up over the buckets; the others are divided anew.
_SHARES = {**SHARES, "engagement": ("scene_ends", "scene_starts")}


def measured(sums: Sums) -> dict[str, Figure]:
    known = derive(sums)
    watched = sums.get("watch_milliseconds")
    return {
        **{name: known[name] for name in ("impressions", "revenue", "ecpm", "ctr", "completion_rate", "fill_rate")},
        "sessions": sums.get("sessions"),
        "watch_hours": None if watched is None else round(watched / HOUR_MILLISECONDS, 4),
        "engagement": ratio(sums["scene_ends"], sums["scene_starts"]) if "scene_ends" in sums else None,
        "optimisations": sums.get("director_changes"),
    }


def build(stream: Stream, now: datetime) -> Mapping[str, Any]:
    scope = scope_of(stream)
    shown = period(stream.get("range") or DEFAULT, now)
    before = earlier(shown, stream.get("compare") or COMPARE[0])
    found = buckets.read(scope, shown.range.grain, shown.buckets, now, every=shown.range.every, parts=True)
    series = [one.sums for one in found]
    total = figures.added(*series)
    against, since = _before(scope, shown, before), buckets.counted_since(now)
    return {
        "range": shown.range.name,
        "words": shown.range.words,
        "grain": shown.range.grain,
        "compare": stream.get("compare") or COMPARE[0],
        "buckets": [bucket.isoformat() for bucket in shown.buckets],
        "before": _told(before) if before and against else None,
        "note": _note(before, since),
        "synthetic": ratio(total["synthetic_impressions"], total["impressions"]),
        "measures": _measures(series, against, total, _same(scope, series, shown, before), whole=_whole(before, since)),
        **breakdown.revenue(scope, [one.parts for one in found if one.parts is not None], total["revenue_micros"]),
        "reach": reached(scope, shown),
        **risk.at_risk(scope, now),
        "heat": heat.last(stream, now=now),
    }


def _whole(before: Earlier | None, since: datetime | None) -> bool:
    """Whether all of the earlier stretch was counted: a part of one would make any growth look a thousandfold."""
    return before is not None and since is not None and since <= before.since


def _note(before: Earlier | None, since: datetime | None) -> str:
    if before is None:
        return ""
    if not before.kept:
        return f"Minutes are kept for {MINUTES_KEPT.days * 24} hours; compare hours or days with the week before"
    if since is not None and not _whole(before, since):
        return f"Counted since {since:%d %b %Y} only, so there is no such time before to compare with as a whole"
    return ""


def _told(before: Earlier) -> dict[str, Any]:
    return {"since": before.since.isoformat(), "until": before.until.isoformat(), "behind_seconds": int(before.behind.total_seconds())}


def _read(scope: Scope, shown: Period, grain: str, wanted: Sequence[datetime]) -> list[Sums]:
    return [one.sums for one in buckets.read(scope, grain, wanted, shown.now, every=shown.range.every)]


def _before(scope: Scope, shown: Period, before: Earlier | None) -> list[Sums | None]:
    """The earlier buckets, the last one as far as it is compared, None where not at all; empty where there is nothing to compare with."""
    if before is None or not before.kept:
        return []
    whole = _read(scope, shown, shown.range.grain, [bucket - before.behind for bucket in shown.buckets[:-1]])
    if before.until == before.running:
        return [*whole, None]
    finer = "minute" if before.exact else "hour"
    part = _read(scope, shown, finer, steps(before.running, before.until, STEPS[finer]))
    return [*whole, figures.added(*part)]


def _same(scope: Scope, series: Sequence[Sums], shown: Period, before: Earlier | None) -> Sums:
    """Of the period as much as is compared: what has no counterpart yet is left out."""
    if before is None or before.exact:
        return figures.added(*series)
    if before.until == before.running:
        return figures.added(*series[:-1])
    return figures.added(*series[:-1], *_read(scope, shown, "hour", steps(shown.buckets[-1], before.same, STEPS["hour"])))


def _measures(series: Sequence[Sums], against: Sequence[Sums | None], total: Sums, same: Sums, *, whole: bool) -> dict[str, Any]:
    rows, earlier_rows = [measured(one) for one in series], [measured(one) if one else None for one in against]
    all_of_it, compared = measured(total), measured(same)
    base = measured(figures.added(*filter(None, against))) if against and whole else None
    return {
        name: {
            "label": label,
            "unit": unit,
            "values": [row[name] for row in rows],
            "before": [row[name] if row else None for row in earlier_rows] if against else None,
            "total": all_of_it[name],
            "total_same": compared[name],
            "total_before": base[name] if base else None,
            "ci": interval(total[_SHARES[name][0]], total[_SHARES[name][1]]) if name in _SHARES and _SHARES[name][0] in total else None,
            "n": total.get(_SHARES[name][1]) if name in _SHARES else None,
        }
        for name, (label, unit) in MEASURES.items()
    }


def every(stream: Stream) -> float:
    return RANGES[stream.get("range") or DEFAULT].every


_OF: Mapping[str, Callable[[str], str]] = {"range": one_of(*RANGES), "compare": one_of(*COMPARE)}
TREND = Kind("trend", build, every=every, takes={**TAKES, **_OF}, audience="own")
