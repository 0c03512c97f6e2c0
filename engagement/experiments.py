"""What experiments are read by on the viewers' side."""

from __future__ import annotations

from datetime import timedelta

from adplatform.experiments import metrics
from adplatform.experiments.metrics import Metric, per_unit

from .director.success import CONTROLLED, DONE, INTENDED
from .rollups import LONGEST_STALL_MILLISECONDS

EVENTS = """
FROM visits v JOIN engagement_playbackevent e ON e.session = v.session AND e.day BETWEEN %(first_day)s AND %(last_day)s
  AND e.occurred_at >= v.exposed_at AND e.received_at < %(until)s AND e.valid AND e.type = ANY(%(types)s)
GROUP BY v.unit"""
EARLIER = """
FROM seen v JOIN engagement_playbackevent e ON e.viewer = v.unit AND e.day BETWEEN %(history_day)s AND %(last_day)s
  AND e.occurred_at >= %(history_since)s AND e.occurred_at < v.first AND e.received_at < v.first AND e.valid AND e.type = ANY(%(types)s)
GROUP BY v.unit"""
GROUPED = "\nGROUP BY v.unit"
# Players send numbers; what is none counts as nothing.
SECONDS = "CASE WHEN jsonb_typeof({e}.data->'watched') = 'number' THEN greatest(({e}.data->>'watched')::float8, 0) ELSE 0 END"
MINUTES = f"sum({SECONDS.format(e='e')}) / 60 AS numerator"
ENDS = "count(DISTINCT e.session) FILTER (WHERE e.type = 'playback.end') AS numerator"
STARS = "sum(stars.n) AS numerator, count(stars.n) AS denominator"
RATED = """
CROSS JOIN LATERAL (SELECT CASE WHEN jsonb_typeof(e.data->'stars') = 'number' AND (e.data->>'stars')::float8 BETWEEN 1 AND 5
                                THEN (e.data->>'stars')::float8 END AS n) stars
GROUP BY v.unit"""
# Of each session the share of its film that was watched at normal speed: a scene counts once, however often it was seen, and beside
# the length of the cut that was shown. Scenes that were never reached count as not watched, so keeping viewers longer is not held
# against an arm; optional scenes are not asked for.
NORMAL_SPEED = """
WITH told AS (
    SELECT v.unit, e.session, e.scene, e.type, e.data,
           count(*) FILTER (WHERE e.type = 'playback.rate') OVER (PARTITION BY e.session ORDER BY e.occurred_at, e.seq, e.id) AS turn
    {source}
), speeds AS (
    SELECT session, turn, min(CASE WHEN jsonb_typeof(data->'rate') = 'number' THEN (data->>'rate')::float8 ELSE 1 END) AS rate
    FROM told WHERE type = 'playback.rate' GROUP BY session, turn
), lengths AS (
    SELECT s.id, s.title_id, s.optional, a.duration AS whole,
           (SELECT sum((x->>'duration')::float8) FROM jsonb_array_elements(a.segments) x WHERE x->'tight' = 'true') AS tight
    FROM catalog_scene s LEFT JOIN catalog_mediaasset a ON a.id = s.asset_id
), films AS (
    SELECT title_id, count(*)::float8 AS scenes FROM lengths WHERE NOT optional GROUP BY title_id
), shares AS (
    SELECT t.unit, t.session, min(l.title_id) AS title_id,
           least(1, sum({watched} / nullif(CASE WHEN jsonb_typeof(t.data->'duration') = 'number' THEN (t.data->>'duration')::float8
                                                WHEN t.data->>'cut' = 'tight' THEN l.tight ELSE l.whole END, 0))) AS share
    FROM told t JOIN lengths l ON l.id = t.scene LEFT JOIN speeds USING (session, turn)
    WHERE t.type <> 'playback.rate' AND coalesce(speeds.rate, 1) = 1 AND NOT l.optional
    GROUP BY t.unit, t.session, t.scene
), sessions AS (
    SELECT s.unit, least(1, sum(s.share) / min(f.scenes)) AS share FROM shares s JOIN films f USING (title_id) GROUP BY s.unit, s.session
)
SELECT unit, sum(share) AS numerator, count(*) AS denominator FROM sessions GROUP BY unit"""
STALLED = """
SELECT v.unit, sum(CASE WHEN e.type = 'playback.stall' AND jsonb_typeof(e.data->'milliseconds') = 'number'
                        THEN least(greatest((e.data->>'milliseconds')::float8, 0), {longest}) ELSE 0 END) / 1000 AS numerator,
       sum({watched}) / 3600 AS denominator"""
COMPLAINTS = "count(*) FILTER (WHERE e.type = 'playback.complaint') AS numerator"
# Without consent a unit is its one session, of which nobody can say whether its viewer came back; within the hour is the same evening.
RETURNED = """
SELECT v.unit, bool_or(s.id IS NOT NULL)::int AS numerator, 1 AS denominator
FROM seen v JOIN engagement_viewer w ON w.id = v.unit
LEFT JOIN engagement_playbacksession s ON s.viewer_id = v.unit AND s.started_at > v.first + interval '1 hour'
  AND s.started_at <= v.first + %(within)s
WHERE v.first <= %(until)s - %(within)s
GROUP BY v.unit"""
CAME_BEFORE = """
SELECT v.unit, count(*) AS numerator, 1 AS denominator
FROM seen v JOIN engagement_playbacksession s ON s.viewer_id = v.unit AND s.started_at >= %(history_since)s AND s.started_at < v.first
GROUP BY v.unit"""
# Optimisation success as an experiment reads it: of those boundaries the ones that the arms themselves decided. What an exploration held
# back belongs to neither arm.
NEXT_SCENE = f"""
SELECT v.unit, sum(o.watched) AS numerator, count(*) AS denominator
FROM visits v JOIN ({INTENDED}) ON d.session = v.session AND d.decided_at >= v.exposed_at AND d.decided_at < %(until)s
WHERE d.intended <> 'suggest' AND ({DONE} OR {CONTROLLED})
GROUP BY v.unit"""  # noqa: S608 (constants alone)


def _select(numerator: str, denominator: str = "") -> str:
    return f"SELECT v.unit, {numerator}{denominator}"


def _rated(source: str) -> str:
    return _select(STARS) + source.replace(GROUPED, RATED)


def _normal_speed(source: str) -> str:
    return NORMAL_SPEED.format(source=source.replace(GROUPED, ""), watched=SECONDS.format(e="t"))


def _stalled(source: str) -> str:
    return STALLED.format(watched=SECONDS.format(e="e"), longest=LONGEST_STALL_MILLISECONDS) + source


def _returned(days: int) -> metrics.Load:
    return per_unit(RETURNED, CAME_BEFORE, within=timedelta(days=days))


PER_SESSION, PER_EARLIER_SESSION = ", 1 AS denominator", ", count(DISTINCT e.session) AS denominator"
METRICS = (
    Metric(
        "engagement", "Film watched at normal speed", "of the film per session", "higher",
        per_unit(
            _normal_speed(EVENTS), _normal_speed(EARLIER), per="session", types=["playback.scene_end", "playback.leave", "playback.rate"],
        ),
    ),
    Metric("next_scene", "Next scene watched where a change was meant", "of the next scene", "higher", per_unit(NEXT_SCENE)),
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
    Metric("return_1_day", "Came back within a day", "of the viewers with consent", "higher", _returned(1), settles=timedelta(days=1)),
    Metric("return_7_days", "Came back within 7 days", "of the viewers with consent", "higher", _returned(7), settles=timedelta(days=7)),
    Metric("rating", "Rating", "stars", "higher", per_unit(_rated(EVENTS), _rated(EARLIER), types=["playback.rating"])),
    Metric(
        "rebuffering", "Rebuffering", "seconds per hour watched", "lower",
        per_unit(_stalled(EVENTS), _stalled(EARLIER), types=["playback.stall", "playback.scene_end", "playback.leave"]),
    ),
    Metric(
        "complaints", "Complaints", "per session", "lower",
        per_unit(
            _select(COMPLAINTS, PER_SESSION) + EVENTS, _select(COMPLAINTS, PER_EARLIER_SESSION) + EARLIER, per="session",
            types=["playback.complaint", "playback.start"],
        ),
    ),
)  # fmt: skip


def register() -> None:
    for metric in METRICS:
        metrics.register(metric)
