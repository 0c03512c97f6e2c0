"""What a month of a busy service leaves behind the live dashboards: raw events, the rollups of them, sessions, decisions."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from benchmarks import inventory
from benchmarks.harness import progress

DAYS = 31
TITLES = 12
DEVICES = "unnest(ARRAY['tv', 'desktop', 'mobile', 'tablet']) device"
FIRST_TITLE = "(SELECT min(id) FROM catalog_title)"
# (table, step, how many of them are kept, of how many combinations one occurs in each)
GRAINS = (("minute", "1 minute", 48 * 60, 25), ("hour", "1 hour", DAYS * 24, 5), ("day", "1 day", DAYS, 1))
BUCKET = "date_trunc(%(grain)s, %(now)s::timestamptz) - n * %(step)s::interval"
# How an hour of each is delivered: what is counted, and how often.
DELIVERED = {
    "decided": 4, "impressions": 3, "first_quartiles": 3, "midpoints": 3, "third_quartiles": 2, "completed_views": 2, "skips": 0,
    "clicks": "(a.id %% 20 = 0)::int", "gross_impressions": 3, "gross_completed_views": 2, "gross_clicks": "(a.id %% 20 = 0)::int", "errors": 0,
    "invalid": 0, "revenue_micros": 45000, "reversed_micros": 0,
}  # fmt: skip
ASKED = {
    "requests": 3, "filled": 3, "slots_offered": 9, "slots_filled": 8, "unfilled_milliseconds": 0, "decision_microseconds": 4000,
}  # fmt: skip
WATCHED = {
    "sessions": 1, "finished": 1, "scene_starts": 5, "scene_ends": 4, "exits": 1, "rewinds": 0, "skips": 0, "pauses": 0, "watch_milliseconds": 40000,
    "stall_milliseconds": 0, "director_decisions": 2, "director_changes": 1, "rating_stars": 4, "ratings": 1,
}  # fmt: skip
SCENE = {
    "starts": 90, "completed": 80, "skipped": 2, "rewound": 1, '"left"': 8, "left_after": 1, "tightened": 5, "complaints": 0, "as_edited": 0,
    "seen_milliseconds": 800000, "offered_milliseconds": 900000,
}  # fmt: skip
MOMENT = {"views": 90, "again": 1, "rewound_to": 1, "skipped": 1, '"left"': 2, "left_out": 0}
SESSION = {
    "id": "uuidv7(-n * %(apart)s)", "title_id": f"{FIRST_TITLE} + n %% {TITLES}", "device": "'tv'", "hour": 20, "tab": "''", "arms": "'{}'",
    "consent": "true", "plan": "'[]'", "plan_version": 1, "epoch": 0, "started_at": "%(now)s - n * %(apart)s",
    "last_seen_at": "%(now)s - n * %(apart)s + interval '20 minutes'", "resume_offset": 0, "progress": 0.5, "as_edited": "false",
    "ended_at": "CASE WHEN n > 200 THEN %(now)s - n * %(apart)s + interval '20 minutes' END", "synthetic": "true",
}  # fmt: skip
DIRECTED = {
    "id": "uuidv7(-n * %(apart)s)", "session": "uuidv7()", "title": f"{FIRST_TITLE} + n %% {TITLES}", "decided_at": "%(now)s - n * %(apart)s",
    "trigger": "'scene'", "epoch": 0, "place": 1, "action": "CASE WHEN n %% 4 = 0 THEN 'tighten' ELSE 'keep' END", "intended": "'tighten'",
    "arm": "'director'", "explored": "false", "applied": "n %% 4 = 0", "reason": "''", "engagement": 0.6, "leave_risk": 0.1, "alternatives": "'[]'",
    "features": "'{}'", "propensity": 1, "milliseconds": 2.5, "synthetic": "true",
}  # fmt: skip
EVENT = {
    "id": "uuidv7(at - now())", "day": "(at AT TIME ZONE 'UTC')::date", "occurred_at": "at", "received_at": "at", "session": "uuidv7()",
    "valid": "true", "reason": "''", "data": "'{}'", "synthetic": "true",
}  # fmt: skip
HEARTBEAT = {**EVENT, "type": "'playback.heartbeat'", "seq": "n", "plan_version": 0}
IMPRESSION = {
    **EVENT, "type": "'ad.impression'", "decision": "uuidv7()", "slot": 0, "ad": 1, "flight": 1, "campaign": 1, "price_micros": 15000,
    "ip_hash": "''", "ua_hash": "''",
}  # fmt: skip


@dataclass(frozen=True)
class World:
    events: int
    rollup_rows: int
    decisions: int


def fill(*, events: int, ads: int, now: datetime) -> World:
    """``events`` raw events over DAYS days, a fifth of them of ads, and what the consumer and the Director leave of so many."""
    from adplatform.eventlog.partitions import days_around, ensure_partitions

    ensure_partitions(days_around(now.date(), back=DAYS, ahead=1))
    inventory.live_flights(ads, now=now)
    inventory.titles(TITLES)
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    rollups = _rollups(now) + _scenes(now.date())
    progress(f"{rollups:,} rollup rows")
    for table, what, count in (("playbacksession", SESSION, max(1000, events // 100)), ("directordecision", DIRECTED, max(1000, events // 30))):
        _insert(f"engagement_{table}", what, "generate_series(1, %(count)s) n", now=now, count=count, apart=timedelta(days=DAYS) / count)
    ads_events = events // 5
    for day in range(DAYS):
        end = now - timedelta(days=day)
        made = _raw("engagement_playbackevent", HEARTBEAT, (events - ads_events) // DAYS, end) + _raw(
            "ads_adevent", IMPRESSION, ads_events // DAYS, end
        )
        if day % 5 == 0:
            progress(f"{made:,} raw events of each of {day + 1} days")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return World(events, rollups, max(1000, events // 30))


def _rollups(now: datetime) -> int:
    sold = {"advertiser_id": "c.advertiser_id", "campaign_id": "c.id", "flight_id": "f.id", "ad_id": "a.id"}
    place = {"genre": "'drama'", "device": "device", "synthetic": "false"}
    ads = "ads_ad a JOIN ads_flight f ON f.id = a.flight_id JOIN ads_campaign c ON c.id = f.campaign_id"
    total = 0
    for grain, step, count, sparse in GRAINS:
        given = {"now": now, "grain": grain, "step": step}
        steps = f"generate_series(0, {count - 1}) n"
        total += _insert(
            f"ads_delivery{grain}", {"bucket": BUCKET, **sold, "title_id": "t.id", **place, **DELIVERED},
            f"{steps}, {ads}, catalog_title t, {DEVICES} WHERE (a.id + t.id + n + length(device)) %% {sparse} = 0", **given,
        )  # fmt: skip
        total += _insert(
            f"ads_break{grain}", {"bucket": BUCKET, "title_id": "t.id", **place, **ASKED}, f"{steps}, catalog_title t, {DEVICES}", **given
        )
        total += _insert(
            f"engagement_playback{grain}", {"bucket": BUCKET, "title_id": "s.title_id", "scene_id": "s.id", **place, **WATCHED},
            f"{steps}, catalog_scene s, {DEVICES} WHERE (s.id + n + length(device)) %% {sparse // 2 + 1} = 0", **given,
        )  # fmt: skip
    return total


def _scenes(today: date) -> int:
    of = {"day": "%(today)s::date - n", "title_id": "s.title_id", "scene_id": "s.id", "device": "device", "synthetic": "false"}
    days = f"generate_series(0, {DAYS - 1}) n, catalog_scene s, {DEVICES}"
    scenes = _insert("engagement_sceneday", of | SCENE, days, today=today)
    return scenes + _insert("engagement_momentday", {**of, "segment": "segment", **MOMENT}, f"{days}, generate_series(0, 4) segment", today=today)


def _raw(table: str, what: dict[str, Any], count: int, end: datetime) -> int:
    moments = "generate_series(1, %(count)s) n, LATERAL (SELECT %(end)s::timestamptz - n * %(apart)s AS at) moment"
    return _insert(table, what, moments, count=count, end=end, apart=timedelta(days=1) / (count + 1))


def _insert(table: str, what: dict[str, Any], source: str, **given: Any) -> int:
    """``what`` is column -> expression over ``source``; how many rows it became."""
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({', '.join(what)}) SELECT {', '.join(map(str, what.values()))} FROM {source}", given)  # noqa: S608
        return int(cursor.rowcount)
