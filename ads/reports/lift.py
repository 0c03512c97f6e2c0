"""What the model is worth: what followed where it ranked, against the control slice, which smoothed rates ranked in the same time.

Viewers are drawn into the slice, not breaks, so all that one viewer did is one observation: intervals are those of ratios of
totals over viewers (without consent: sessions), by the delta method.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Max, Min
from numpy.typing import NDArray

from ads.models import Decision

BREAKS, IMPRESSIONS, CLICKS, COMPLETES, REVENUE = range(5)
NORMAL_95 = 1.959964
# With fewer observations, or fewer of what is counted, an interval from a normal law claims more than it knows.
LEAST_VIEWERS, LEAST_COUNTED = 50, 20
MOST_VERSIONS = 10
BETTER, WORSE, SAME, NOT_ENOUGH = "better", "worse", "no_difference_shown", "not_enough_evidence"

# A tracking event carries its decision's time in its id, so it lies in the partition of the same day.
TOTALS = """
WITH chosen AS (
    SELECT id, day, coalesce(viewer, session) AS who FROM ads_decision
    WHERE day BETWEEN %(first_day)s AND %(last_day)s AND decided_at >= %(since)s AND decided_at <= %(until)s
      AND control = %(control)s AND (%(control)s OR model_version IS NOT NULL) AND (%(version)s::int IS NULL OR model_version = %(version)s)
), happened AS (
    SELECT e.decision, count(*) FILTER (WHERE e.type = 'ad.impression') AS impressions, count(*) FILTER (WHERE e.type = 'ad.click') AS clicks,
           count(*) FILTER (WHERE e.type = 'ad.complete') AS completes
    FROM ads_adevent e JOIN chosen c ON c.id = e.decision AND c.day = e.day
    WHERE e.day BETWEEN %(first_day)s AND %(last_day)s AND e.valid AND e.type IN ('ad.impression', 'ad.click', 'ad.complete')
    GROUP BY e.decision
), charged AS (
    SELECT l.decision, sum(l.amount_micros) AS micros FROM ads_ledgerentry l JOIN chosen c ON c.id = l.decision GROUP BY l.decision
)
SELECT count(*), coalesce(sum(h.impressions), 0), coalesce(sum(h.clicks), 0), coalesce(sum(h.completes), 0), coalesce(sum(m.micros), 0)
FROM chosen c LEFT JOIN happened h ON h.decision = c.id LEFT JOIN charged m ON m.decision = c.id
GROUP BY c.who ORDER BY c.who
"""

Totals = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Side:
    """What one side came to. ``viewers`` are those with consent and, without, sessions; money in micros, net of reversals."""

    viewers: int
    breaks: int
    impressions: int
    clicks: int
    completed_views: int
    revenue_micros: int


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of both sides and model minus control, with its 95 % interval. None where it is undefined.

    ``unit`` is ``share`` or ``micros``; ``relative`` the difference as a share of the control's figure.
    """

    name: str
    unit: str
    model: float | None
    control: float | None
    difference: float | None
    ci_low: float | None
    ci_high: float | None
    relative: float | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """The breaks of one model version (None: of all) against the control breaks between its first and its last."""

    model_version: int | None
    since: datetime | None
    until: datetime | None
    model: Side
    control: Side
    figures: tuple[Figure, ...]


@dataclass(frozen=True, slots=True)
class Lift:
    since: datetime
    until: datetime
    overall: Comparison
    versions: tuple[Comparison, ...]

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = asdict(self)
        return found


def lift(*, until: datetime, days: int = 28) -> Lift:
    """Model against control over the ``days`` before ``until``: all versions together, then each, newest first. Raises ValueError."""
    if days < 1:
        raise ValueError(f"lift is read over at least one day, not {days}")
    since = until - timedelta(days=days)
    decided = Decision.objects.filter(
        day__range=(since.astimezone(UTC).date(), until.astimezone(UTC).date()), decided_at__range=(since, until), control=False
    ).exclude(model_version=None)
    spans = decided.values_list("model_version").annotate(first=Min("decided_at"), last=Max("decided_at")).order_by("-model_version")
    found = [(version, first, last) for version, first, last in spans]
    first, last = (min(span[1] for span in found), max(span[2] for span in found)) if found else (None, None)
    versions = tuple(_comparison(version, first, last) for version, first, last in found[:MOST_VERSIONS])
    return Lift(since, until, _comparison(None, first, last), versions)


def _comparison(version: int | None, since: datetime | None, until: datetime | None) -> Comparison:
    model, control = _totals(since, until, control=False, version=version), _totals(since, until, control=True, version=None)
    return Comparison(version, since, until, _side(model), _side(control), compare(model, control))


def _totals(since: datetime | None, until: datetime | None, *, control: bool, version: int | None) -> Totals:
    """float64 [viewers, 5]: breaks, impressions, clicks, completed views, micros."""
    if since is None or until is None:
        return np.zeros((0, 5))
    days = {"first_day": since.astimezone(UTC).date(), "last_day": until.astimezone(UTC).date()}
    with connection.cursor() as cursor:
        cursor.execute(TOTALS, {**days, "since": since, "until": until, "control": control, "version": version})
        return np.array(cursor.fetchall(), dtype=np.float64).reshape(-1, 5)


def _side(totals: Totals) -> Side:
    return Side(len(totals), *(int(total) for total in totals.sum(axis=0)))


def compare(model: Totals, control: Totals) -> tuple[Figure, ...]:
    """Click rate, completion rate and revenue per 1,000 breaks of both sides, each [viewers, 5] as `_totals` has them."""
    return (
        _figure("click_rate", "share", CLICKS, IMPRESSIONS, 1.0, model, control),
        _figure("completion_rate", "share", COMPLETES, IMPRESSIONS, 1.0, model, control),
        _figure("revenue_per_1000_breaks", "micros", REVENUE, BREAKS, 1000.0, model, control),
    )


def _figure(name: str, unit: str, above: int, below: int, scale: float, model: Totals, control: Totals) -> Figure:
    mine, my_spread = _ratio(model[:, above] * scale, model[:, below])
    theirs, their_spread = _ratio(control[:, above] * scale, control[:, below])
    if mine is None or theirs is None:
        return Figure(name, unit, mine, theirs, None, None, None, None, NOT_ENOUGH)
    difference = mine - theirs
    relative = difference / theirs if theirs > 0 else None
    if not (_enough(model, above) and _enough(control, above)):
        return Figure(name, unit, mine, theirs, difference, None, None, relative, NOT_ENOUGH)
    half = NORMAL_95 * math.hypot(my_spread, their_spread)
    low, high = difference - half, difference + half
    return Figure(name, unit, mine, theirs, difference, low, high, relative, BETTER if low > 0 else WORSE if high < 0 else SAME)


def _ratio(above: Totals, below: Totals) -> tuple[float | None, float]:
    """A ratio of totals over independent viewers, and its standard error by the delta method (Deng et al., KDD 2018)."""
    total, viewers = float(below.sum()), len(below)
    if total <= 0:
        return None, math.nan
    ratio = float(above.sum()) / total
    if viewers < 2:
        return ratio, math.inf
    return ratio, float(np.std(above - ratio * below, ddof=1)) * math.sqrt(viewers) / total


def _enough(totals: Totals, above: int) -> bool:
    """Money is counted by the breaks that earned any, the rest by its events."""
    counted = np.count_nonzero(totals[:, above] > 0) if above == REVENUE else totals[:, above].sum()
    return bool(len(totals) >= LEAST_VIEWERS and counted >= LEAST_COUNTED)
