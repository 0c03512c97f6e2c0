"""A closed day counted anew: every rollup of a day of 5 million events, with its time and memory.

The day is written straight to the tables, as the consumer would have left it: playbacks of a minute, each with one break of two ads out
of a hundred candidates; with --quick, 200,000 events. Its rollups are then counted from nothing, counted again when they are right, as
every night, and counted after a part of their rows was spoilt. Totals are compared with the raw rows before any figure is printed.
"""
# ruff: noqa: S608 (composed of names of ours alone)

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.harness import Options, Row, main, progress, row, seconds

EVENTS = 5_000_000
QUICK_EVENTS = 200_000
ADS = 100
TITLES = 12
PLAYBACK_EVENTS, AD_EVENTS = 73, 32
A_SESSION = PLAYBACK_EVENTS + AD_EVENTS + 1
_WHEN = "(%(day)s::timestamp AT TIME ZONE 'UTC' + s * make_interval(secs => 86000.0 / %(sessions)s) + make_interval(secs => n))"
_ID = "(%(prefix)s || lpad(to_hex(s), 8, '0') || lpad(to_hex(n), 8, '0'))::uuid"
_SESSIONS = (
    "INSERT INTO engagement_playbacksession (id, title_id, device, hour, tab, arms, consent, plan, plan_version, epoch, started_at, last_seen_at,"
    " resume_offset, progress, as_edited, synthetic)"
    f" SELECT {_ID}, (%(titles)s::bigint[])[s %% {TITLES} + 1], (ARRAY['tv', 'desktop', 'mobile', 'tablet'])[s %% 4 + 1], 20, '', '{{}}',"
    f" false, '{{}}', 0, 0, {_WHEN}, {_WHEN} + interval '1 minute', 0, 0.5, false, true"
    " FROM generate_series(0, %(sessions)s - 1) s, (SELECT 0 AS n) z"
)
_PLAYBACK = (
    'INSERT INTO engagement_playbackevent (id, day, type, occurred_at, received_at, session, seq, viewer, title, scene, "offset", plan_version,'
    " valid, reason, data, synthetic)"
    f" SELECT {_ID}, %(day)s, kind, at, at, (%(session)s || lpad(to_hex(s), 8, '0') || lpad('0', 8, '0'))::uuid, n, NULL,"
    f" (%(titles)s::bigint[])[s %% {TITLES} + 1], (%(scenes)s::bigint[])[(s %% {TITLES}) * 8 + n / 10 %% 8 + 1], n %% 10, 0, n <> 66,"
    " CASE WHEN n = 66 THEN 'unknown_session' ELSE '' END,"
    ' CASE kind WHEN \'playback.session\' THEN \'{"genres": ["drama"], "device": "tv"}\''
    " WHEN 'playback.scene_end' THEN '{\"watched\": 9.5, \"completed\": true}'"
    ' WHEN \'playback.heartbeat\' THEN \'{"t": 12.0, "rate": 1.0, "buffer": 12.5, "dropped": 0, "playing": true}\' ELSE \'{}\' END::jsonb, true'
    f" FROM generate_series(0, %(sessions)s - 1) s, generate_series(0, {PLAYBACK_EVENTS - 1}) n,"
    " LATERAL (SELECT CASE WHEN n = 0 THEN 'playback.session' WHEN n %% 10 = 1 THEN 'playback.scene_start' WHEN n %% 10 = 9 THEN 'playback.scene_end'"
    f" WHEN n = 55 THEN 'playback.pause' ELSE 'playback.heartbeat' END AS kind, {_WHEN} AS at) made"
)
_DECISIONS = (
    "INSERT INTO ads_decision (id, day, decided_at, session, title, break_id, request, state, slots, explanation, model_version, inventory_version,"
    " seed, milliseconds, control, synthetic, model_arm)"
    f" SELECT {_ID}, %(day)s, {_WHEN}, (%(session)s || lpad(to_hex(s), 8, '0') || lpad('0', 8, '0'))::uuid,"
    f" (%(titles)s::bigint[])[s %% {TITLES} + 1], 'b1', jsonb_build_object('genres', ARRAY['drama'], 'device',"
    " (ARRAY['tv', 'desktop', 'mobile', 'tablet'])[s %% 4 + 1], 'duration', 25.5, 'max_ads', 2, 'consent', false), '{}',"
    " (SELECT jsonb_agg(jsonb_build_object('slot', slot, 'ad', ad.ad, 'flight', ad.flight, 'campaign', ad.campaign, 'advertiser', ad.advertiser,"
    " 'duration', 10.0)) FROM generate_series(0, 1) slot, LATERAL (SELECT * FROM bench_ads WHERE place = (s * 2 + slot) %% "
    f"{ADS}) ad), jsonb_build_object('unfilled', jsonb_build_object('seconds', 5.5, 'reason', 'too_short_for_any'), 'others',"
    " (SELECT jsonb_build_object('device_not_targeted', jsonb_agg(ad) FILTER (WHERE place < 40), 'paced_out', jsonb_agg(ad) FILTER"
    " (WHERE place BETWEEN 40 AND 79)) FROM bench_ads), 'candidates', (SELECT jsonb_agg(jsonb_build_object('ad', ad, 'reason', 'outbid',"
    " 'score', 0.0123)) FROM bench_ads WHERE place >= 80)), 1, 1, s, 4.25, false, true, 'champion'"
    " FROM generate_series(0, %(sessions)s - 1) s, (SELECT 30 AS n) z"
)
_AD_EVENTS = (
    "INSERT INTO ads_adevent (id, day, type, occurred_at, received_at, decision, slot, session, title, ad, flight, campaign, price_micros, valid,"
    " reason, judged_at, data, synthetic)"
    f" SELECT {_ID}, %(day)s, kind, at, at, (%(decision)s || lpad(to_hex(s), 8, '0') || lpad(to_hex(30), 8, '0'))::uuid, n / 16,"
    f" (%(session)s || lpad(to_hex(s), 8, '0') || lpad('0', 8, '0'))::uuid, (%(titles)s::bigint[])[s %% {TITLES} + 1], ad.ad, ad.flight, ad.campaign,"
    " 15000, s %% 50 <> 0, CASE WHEN s %% 50 = 0 THEN 'burst' ELSE '' END, at + interval '5 minutes', '{}', true"
    f" FROM generate_series(0, %(sessions)s - 1) s, generate_series(0, {AD_EVENTS - 1}) n, LATERAL (SELECT CASE n %% 16 WHEN 0 THEN 'ad.impression'"
    " WHEN 1 THEN 'ad.start' WHEN 3 THEN 'ad.first_quartile' WHEN 6 THEN 'ad.midpoint' WHEN 9 THEN 'ad.third_quartile' WHEN 12 THEN 'ad.complete'"
    f" ELSE 'ad.heartbeat' END AS kind, {_WHEN} + interval '31 seconds' AS at) made, bench_ads ad WHERE ad.place = (s * 2 + n / 16) %% {ADS}"
)
_LEDGER = (
    "INSERT INTO ads_ledgerentry (decision, slot, kind, flight_id, campaign_id, advertiser_id, ad_id, amount_micros, reason, note, event,"
    " occurred_at, booked_at, synthetic)"
    " SELECT e.decision, e.slot, 'impression', e.flight, e.campaign, a.advertiser, e.ad, e.price_micros, '', '', e.id, e.occurred_at,"
    " e.received_at, true"
    " FROM ads_adevent e JOIN bench_ads a ON a.ad = e.ad WHERE e.day = %(day)s AND e.type = 'ad.impression' AND e.valid"
)


def measure(options: Options) -> list[Row]:
    from django.db import connection

    from adplatform.eventlog.rebuild import registered
    from benchmarks.harness import empty

    events = QUICK_EVENTS if options.quick else EVENTS
    now = datetime.now(UTC)
    day = now.date() - timedelta(days=1)
    took = seconds(lambda: _fill(day, events // A_SESSION))
    progress(f"{events:,} events written in {took:.0f} s")
    stored = _counted(day)
    rows = [row("events and decisions of the day", stored["all"], "rows"), row("of them decisions, of 100 ads each", stored["decisions"], "rows")]
    first = _all(registered(), day, now)
    progress(f"counted from nothing in {first.seconds:.0f} s")
    _must_be_right(day, stored)
    again = _all(registered(), day, now)
    assert not again.differed, "what was just counted differs"
    with connection.cursor() as cursor:
        for table in ("ads_deliveryminute", "ads_deliveryhour", "engagement_playbackminute"):
            cursor.execute(f"DELETE FROM {table} WHERE id % 10 = 0")
    spoilt = _all(registered(), day, now)
    assert spoilt.differed
    _must_be_right(day, stored)
    rows += [
        row("rollup rows that were made", first.differed, "rows"),
        row("all rollups counted from nothing", first.seconds, "s"),
        row("all rollups counted again, nothing differs", again.seconds, "s"),
        row("events counted a second", stored["all"] / again.seconds, "events/s"),
        row("all rollups set right, a tenth of the rows gone", spoilt.seconds, "s"),
        *(row(f"counted again: {name}", took, "s") for name, took in again.parts.items()),
        row("memory of the database's process, its own, at most", max(one.memory for one in (first, again, spoilt)) / 1e6, "MB"),
        row("temporary files of the database, at most", max(one.spilled for one in (first, again, spoilt)) / 1e6, "MB"),
        row("memory of the process that asks, at most", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, "MB"),
    ]
    empty()
    return rows


@dataclass(frozen=True, slots=True)
class Run:
    """All rollups of a day once. ``memory`` and ``spilled`` in bytes."""

    parts: dict[str, float]
    differed: int
    memory: int
    spilled: int

    @property
    def seconds(self) -> float:
        return sum(self.parts.values())


def _all(recounts: Any, day: date, now: datetime) -> Run:
    from adplatform.eventlog.rebuild import rebuild

    spilled = _temporary_bytes()
    with _watched() as peak:
        done = [rebuild(recount, day, now=now) for recount in recounts]
    return Run({one.name: one.seconds for one in done}, sum(one.differed for one in done), peak[0], _temporary_bytes() - spilled)


@contextmanager
def _watched() -> Iterator[list[int]]:
    """The most private memory that this connection's server process had meanwhile, looked at twenty times a second."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        status = Path(f"/proc/{cursor.fetchone()[0]}/status")
    peak, stop = [0], threading.Event()

    def look() -> None:
        while not stop.wait(0.05):
            for line in status.read_text().splitlines() if status.exists() else ():
                if line.startswith("RssAnon:"):
                    peak[0] = max(peak[0], int(line.split()[1]) * 1024)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield peak
    finally:
        stop.set()
        looking.join()


def _temporary_bytes() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()")
        cursor.execute("SELECT temp_bytes FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


def _fill(day: date, sessions: int) -> None:
    from django.db import connection

    from adplatform.eventlog.partitions import days_around, ensure_partitions
    from benchmarks import inventory

    ensure_partitions(days_around(day, back=2, ahead=2))
    now = datetime.combine(day, datetime.min.time(), UTC)
    ads = inventory.live_flights(ADS, now=now)
    films = inventory.titles(TITLES)
    values: dict[str, Any] = {
        "day": day, "sessions": sessions, "titles": [scenes[0].title_id for scenes in films],
        "scenes": [scene.pk for scenes in films for scene in scenes], "session": "019a0000aaaa7000", "decision": "019a0000bbbb7000",
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bench_ads (place int, ad bigint, flight bigint, campaign bigint, advertiser bigint)")
        cursor.executemany(
            "INSERT INTO bench_ads VALUES (%s, %s, %s, %s, %s)",
            [(place, ad.pk, ad.flight_id, ad.flight.campaign_id, ad.flight.campaign.advertiser_id) for place, ad in enumerate(ads)],
        )
        steps = ((_SESSIONS, "019a0000aaaa7000"), (_PLAYBACK, "019a0000cccc7000"), (_DECISIONS, "019a0000bbbb7000"), (_AD_EVENTS, "019a0000dddd7000"))
        for statement, prefix in steps:
            cursor.execute(statement, values | {"prefix": prefix})
            progress(f"{cursor.rowcount:,} rows written: {statement.split()[2]}")
        cursor.execute(_LEDGER, values)
        cursor.execute("DROP TABLE bench_ads")
        cursor.execute("ANALYZE")


def _counted(day: date) -> dict[str, int]:
    """The raw day, counted apart from what is measured."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM ads_adevent WHERE day = %(d)s), (SELECT count(*) FROM engagement_playbackevent WHERE day = %(d)s),"
            " (SELECT count(*) FROM ads_decision WHERE day = %(d)s), (SELECT sum(amount_micros)::bigint FROM ads_ledgerentry),"
            " (SELECT count(*) FROM ads_adevent WHERE day = %(d)s AND valid AND type = 'ad.impression'),"
            " (SELECT count(*) FROM engagement_playbackevent WHERE day = %(d)s AND valid AND type = 'playback.scene_start')",
            {"d": day},
        )
        ads, playback, decisions, money, impressions, starts = cursor.fetchone()
    return {
        "all": ads + playback + decisions, "decisions": decisions, "revenue_micros": money, "impressions": impressions, "scene_starts": starts,
    }  # fmt: skip


def _must_be_right(day: date, stored: dict[str, int]) -> None:
    from django.db.models import Sum

    from ads.models import BreakDay, DeliveryDay, DeliveryHour, DeliveryMinute
    from engagement.models import PlaybackDay, PlaybackHour, PlaybackMinute

    for model in (DeliveryMinute, DeliveryHour, DeliveryDay):
        told = model._default_manager.aggregate(impressions=Sum("impressions"), revenue=Sum("revenue_micros"))
        assert (told["impressions"], told["revenue"]) == (stored["impressions"], stored["revenue_micros"]), (model, told)
    for watched in (PlaybackMinute, PlaybackHour, PlaybackDay):
        assert watched._default_manager.aggregate(starts=Sum("scene_starts"))["starts"] == stored["scene_starts"]
    assert BreakDay.objects.aggregate(total=Sum("requests"))["total"] == stored["decisions"]


if __name__ == "__main__":
    main("rebuild", measure)
