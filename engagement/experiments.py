"""What experiments are read by on the viewers' side."""

from __future__ import annotations

from adplatform.experiments import metrics
from adplatform.experiments.metrics import Metric, per_unit

EVENTS = """
FROM visits v JOIN engagement_playbackevent e ON e.session = v.session AND e.day BETWEEN %(first_day)s AND %(last_day)s
  AND e.occurred_at >= v.exposed_at AND e.received_at < %(until)s AND e.valid AND e.type = ANY(%(types)s)
GROUP BY v.unit"""
EARLIER = """
FROM seen v JOIN engagement_playbackevent e ON e.viewer = v.unit AND e.day BETWEEN %(history_day)s AND %(last_day)s
  AND e.occurred_at >= %(history_since)s AND e.occurred_at < v.first AND e.received_at < v.first AND e.valid AND e.type = ANY(%(types)s)
GROUP BY v.unit"""
# Players send numbers; what is none counts as nothing.
MINUTES = "sum(CASE WHEN jsonb_typeof(e.data->'watched') = 'number' THEN greatest((e.data->>'watched')::float8, 0) ELSE 0 END) / 60 AS numerator"
ENDS = "count(DISTINCT e.session) FILTER (WHERE e.type = 'playback.end') AS numerator"
STARS = "sum(stars.n) AS numerator, count(stars.n) AS denominator"
RATED = """
CROSS JOIN LATERAL (SELECT CASE WHEN jsonb_typeof(e.data->'stars') = 'number' AND (e.data->>'stars')::float8 BETWEEN 1 AND 5
                                THEN (e.data->>'stars')::float8 END AS n) stars
GROUP BY v.unit"""
# Without consent a unit is its one session, of which nobody can say whether its viewer came back; within the hour is the same evening.
RETURNED = """
SELECT v.unit, bool_or(s.id IS NOT NULL)::int AS numerator, 1 AS denominator
FROM seen v JOIN engagement_viewer w ON w.id = v.unit
LEFT JOIN engagement_playbacksession s ON s.viewer_id = v.unit AND s.started_at > v.first + interval '1 hour'
  AND s.started_at <= v.first + interval '7 days'
WHERE v.first <= %(until)s - interval '7 days'
GROUP BY v.unit"""
CAME_BEFORE = """
SELECT v.unit, count(*) AS numerator, 1 AS denominator
FROM seen v JOIN engagement_playbacksession s ON s.viewer_id = v.unit AND s.started_at >= %(history_since)s AND s.started_at < v.first
GROUP BY v.unit"""


def _select(numerator: str, denominator: str = "") -> str:
    return f"SELECT v.unit, {numerator}{denominator}"


def _rated(source: str) -> str:
    return _select(STARS) + source.replace("\nGROUP BY v.unit", RATED)


PER_SESSION, PER_EARLIER_SESSION = ", 1 AS denominator", ", count(DISTINCT e.session) AS denominator"
METRICS = (
    Metric(
        "minutes_watched", "Minutes watched", "minutes per session", "higher",
        per_unit(
            _select(MINUTES, PER_SESSION) + EVENTS, _select(MINUTES, PER_EARLIER_SESSION) + EARLIER, per="session",
            types=["playback.scene_end", "playback.leave"],
        ),
    ),
    Metric(
        "film_completion", "Films watched to the end", "of the sessions", "higher",
        per_unit(
            _select(ENDS, PER_SESSION) + EVENTS, _select(ENDS, PER_EARLIER_SESSION) + EARLIER, per="session",
            types=["playback.end", "playback.start"],
        ),
    ),
    Metric("return_7_days", "Came back within 7 days", "of the viewers with consent", "higher", per_unit(RETURNED, CAME_BEFORE)),
    Metric("rating", "Rating", "stars", "higher", per_unit(_rated(EVENTS), _rated(EARLIER), types=["playback.rating"])),
)  # fmt: skip


def register() -> None:
    for metric in METRICS:
        metrics.register(metric)
