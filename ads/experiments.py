"""What experiments are read by on the ads' side, and whether their arms take each other's budgets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import connection

from adplatform.experiments import metrics
from adplatform.experiments.metrics import Metric, per_unit

from .decision.pacing import SPENT

if TYPE_CHECKING:
    from adplatform.models import Experiment

# Reasons for which a flight stays out because of what it has left: where these are told, more for one arm is less for the other.
BINDING = (*SPENT, "holds_full", "reservation_lost", "paced")
# A tracking event lies in the partition of its decision's day.
DECISIONS = """
FROM visits v JOIN ads_decision d ON d.session = v.session AND d.day BETWEEN %(first_day)s AND %(last_day)s
  AND d.decided_at >= v.exposed_at AND d.decided_at < %(until)s"""
EARLIER = """
FROM seen v JOIN ads_decision d ON d.viewer = v.unit AND d.day BETWEEN %(history_day)s AND %(last_day)s
  AND d.decided_at >= %(history_since)s AND d.decided_at < v.first"""
EVENTS = """
JOIN ads_adevent e ON e.decision = d.id AND e.day = d.day AND e.valid AND e.received_at < %(until)s AND e.type = ANY(%(types)s)"""
EVENTS_EARLIER = EVENTS.replace("%(until)s", "v.first")
CHARGES = """
JOIN ads_ledgerentry l ON l.decision = d.id AND l.booked_at < %(until)s"""
CHARGES_EARLIER = CHARGES.replace("%(until)s", "v.first")

COMPLETED = """
SELECT v.unit, count(*) FILTER (WHERE e.type = 'ad.complete') AS numerator, count(*) FILTER (WHERE e.type = 'ad.impression') AS denominator
{source} GROUP BY v.unit"""
# Whether an ad could be seen is told by the player itself; what was clicked was seen. Before any player told of it, all impressions count.
OF_VIEWABLE = """
SELECT v.unit, count(*) FILTER (WHERE v.clicked) AS numerator, count(*) AS denominator
FROM (SELECT v.unit, bool_or(e.type = 'ad.click') AS clicked, bool_or(e.type = 'ad.viewable') AS viewable,
             bool_or(bool_or(e.type = 'ad.viewable')) OVER () AS anybody {source}
      GROUP BY v.unit, d.id, e.slot HAVING bool_or(e.type = 'ad.impression')) v
WHERE v.viewable OR v.clicked OR NOT v.anybody GROUP BY v.unit"""
LEFT = """
SELECT v.unit, count(*) FILTER (WHERE NOT v.over) AS numerator, count(*) AS denominator
FROM (SELECT v.unit, bool_or(e.type IN ('ad.complete', 'ad.skip')) AS over {source}
      GROUP BY v.unit, d.id, e.slot HAVING bool_or(e.type = 'ad.impression')) v GROUP BY v.unit"""
GROUPED = "\nGROUP BY v.unit"

SPENDING = """
WITH spending AS (
    SELECT l.flight_id, count(DISTINCT a.arm) AS arms, sum(l.amount_micros) AS micros
    FROM adplatform_assignment a
    JOIN ads_decision d ON d.session = a.session AND d.day BETWEEN %(first_day)s AND %(last_day)s AND d.decided_at >= a.exposed_at
    JOIN ads_ledgerentry l ON l.decision = d.id
    WHERE a.experiment_id = %(experiment)s AND a.exposed_at >= %(since)s AND a.exposed_at < %(until)s
    GROUP BY l.flight_id
), bound AS (
    SELECT DISTINCT flight_id FROM ads_funnelhour
    WHERE bucket >= %(first_hour)s AND bucket < %(until)s AND reason = ANY(%(binding)s) AND decisions > 0
)
SELECT count(*) FILTER (WHERE s.arms > 1), count(*) FILTER (WHERE s.arms > 1 AND b.flight_id IS NOT NULL), coalesce(sum(s.micros), 0)::bigint,
       coalesce(sum(s.micros) FILTER (WHERE s.arms > 1 AND b.flight_id IS NOT NULL), 0)::bigint
FROM spending s LEFT JOIN bound b USING (flight_id)
"""


def _of_slots(counting: str, *types: str) -> metrics.Load:
    return per_unit(counting.format(source=DECISIONS + EVENTS), counting.format(source=EARLIER + EVENTS_EARLIER), types=list(types))


METRICS = (
    Metric(
        "click_rate", "Click rate", "clicks per viewable impression", "higher",
        _of_slots(OF_VIEWABLE, "ad.impression", "ad.viewable", "ad.click"), competes=True,
    ),
    Metric(
        "ad_completion", "Completed ads", "completed views per impression", "higher", _of_slots(COMPLETED, "ad.impression", "ad.complete"),
        competes=True,
    ),
    Metric(
        "revenue_per_session", "Revenue per session", "money per session", "higher",
        per_unit(
            "SELECT v.unit, sum(l.amount_micros) / 1e6 AS numerator, 1 AS denominator" + DECISIONS + CHARGES + GROUPED,
            "SELECT v.unit, sum(l.amount_micros) / 1e6 AS numerator, count(DISTINCT d.session) AS denominator" + EARLIER + CHARGES_EARLIER + GROUPED,
            per="session",
        ),
        competes=True,
    ),
    Metric(
        "ads_leave_rate", "Left during ads", "of the ads shown", "lower",
        _of_slots(LEFT, "ad.impression", "ad.complete", "ad.skip"),
    ),
)  # fmt: skip


def interference(experiment: Experiment, since: datetime, until: datetime) -> str:
    """In words, where arms spend the same flights' budgets: the more of the money came from flights that were held back or spent, the
    more of a difference is taken from one arm and given to the other, and would be gone if everybody had the same arm."""
    if experiment.split_budgets:
        return ""
    bounds: dict[str, Any] = {
        "experiment": experiment.pk,
        "since": since,
        "until": until,
        "first_day": since.astimezone(UTC).date(),
        "last_day": until.astimezone(UTC).date() + timedelta(days=1),
        "first_hour": since.replace(minute=0, second=0, microsecond=0),
        "binding": list(BINDING),
    }
    with connection.cursor() as cursor:
        cursor.execute(SPENDING, bounds)
        shared, binding, micros, of_binding = cursor.fetchone()
    if not shared:
        return ""
    told = f"Interference: arms spend the same budgets ({shared:,} flight{'s' if shared > 1 else ''})"
    if not of_binding:
        return f"{told}, but none of those flights was held back or ran out meanwhile, so one arm took little from the other."
    return (
        f"{told}, so part of a difference is what one arm took from the other and is gone when everybody has the same arm: {of_binding / micros:.0%} "
        f"of what was spent came from {binding:,} of them that were held back or ran out meanwhile."
    ).replace("%", " %")


def register() -> None:
    for metric in METRICS:
        metrics.register(metric)
    metrics.register_interference(interference)
