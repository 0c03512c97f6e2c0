"""Events through the log, tables, ledger and rollups with one consumer, and what the edge and the append before it can take.

The events are those of real sessions: breaks decided and reserved by the ad server, their tracking events and a heartbeat a
second, each judged by the edge. Every figure is checked against the tables before it is printed.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from benchmarks.harness import ROOT, Goal, Options, Row, main, percentile, row, seconds

WATCHED_SECONDS = 60
APPEND_AT_ONCE = 500
LATENCY_PAUSE = 0.05


def measure(options: Options) -> list[Row]:
    from adplatform.eventlog import stream
    from adplatform.eventlog.partitions import days_around, ensure_partitions

    now = datetime.now(UTC)
    ensure_partitions(days_around(now.date(), ahead=1))
    sent = list(_journeys(400 if options.quick else 1500, now))
    rows, events = _edge(sent, now)
    decided = [entry.payload for entry in _take_back_decisions()]
    rows.append(row("decisions waiting beside them", len(decided), "events"))
    # As in life: a decision is in the log before the events of its ads.
    payloads = [payload for payload in decided if payload is not None] + events
    append_seconds = seconds(lambda: [stream.append_payloads(payloads[at : at + APPEND_AT_ONCE]) for at in range(0, len(payloads), APPEND_AT_ONCE)])
    rows.append(row("append, 500 in a round trip", len(payloads) / append_seconds, "events/s"))
    rows += _consume(payloads)
    rows.append(_close(now))
    rows += _latency(100 if options.quick else 400)
    return rows


def _journeys(count: int, now: datetime) -> Iterator[tuple[Any, list[dict[str, Any]]]]:
    """(session token, raw events) of ``count`` viewers who watch a minute with one break of two ads."""
    from adplatform.eventlog import tokens
    from ads.serving import serve_break
    from benchmarks import inventory

    chance = random.Random(11)
    inventory.live_flights(100, now=now)
    for session, scenes in inventory.sessions(inventory.titles(12), count, now=now):
        token = tokens.SessionToken(session, None, scenes[0].title_id, int(now.timestamp()) + 3600)
        started = now - timedelta(seconds=WATCHED_SECONDS + 40)
        served = serve_break(_request(session, scenes[0].title_id), now=started)
        watching = list(_watching(scenes, started))
        for place, ad in enumerate(served.ads):
            watching += _tracking(ad, started + timedelta(seconds=20 * (place + 1)), clicks=chance.random() < 0.05)
        yield token, watching


def _request(session: Any, title: int) -> Any:
    from ads.decision.request import AdRequest
    from benchmarks.inventory import GENRES

    return AdRequest(
        session=session, break_id="b1", break_position="mid", break_index=0, duration=20.0, max_ads=2, device="tv", hour=20, weekday=2,
        title=title, genres=(GENRES[title % 4],),
    )  # fmt: skip


def _watching(scenes: Sequence[Any], started: datetime) -> Iterator[dict[str, Any]]:
    yield _raw("playback.start", started, 0, position={"scene": scenes[0].pk, "offset": 0})
    for second in range(WATCHED_SECONDS):
        scene, offset = scenes[second // 10 % len(scenes)].pk, second % 10
        at, position = started + timedelta(seconds=second), {"scene": scene, "offset": float(offset)}
        if offset == 0:
            yield _raw("playback.scene_start", at, second * 3, position=position)
        yield _raw("playback.heartbeat", at, second * 3 + 1, position=position, data=_heartbeat(second))
        if offset == 9:
            yield _raw("playback.scene_end", at, second * 3 + 2, position=position, data={"watched": 10.0})


def _heartbeat(second: int) -> dict[str, Any]:
    return {"t": float(second), "buffer": 12.5, "dropped": 0, "playing": True, "rate": 1.0}


def _tracking(ad: Any, at: datetime, *, clicks: bool) -> Iterator[dict[str, Any]]:
    kinds = ["ad.impression", "ad.start", "ad.first_quartile", "ad.midpoint", "ad.third_quartile", "ad.complete"]
    for step, kind in enumerate(kinds):
        yield _raw(kind, at + timedelta(seconds=ad.duration * max(0, step - 1) / 4), step, token=ad.token)
    for beat in range(round(ad.duration)):
        yield _raw("ad.heartbeat", at + timedelta(seconds=beat), 10 + beat, token=ad.token)
    if clicks:
        yield _raw("ad.click", at + timedelta(seconds=5), 0, token=ad.token)


def _raw(kind: str, at: datetime, seq: int, **more: Any) -> dict[str, Any]:
    from adplatform.eventlog import ids

    return {"v": 1, "id": str(ids.new_id(at)), "type": kind, "occurred_at": at.isoformat(), "seq": seq, **more}


def _edge(sent: Sequence[tuple[Any, list[dict[str, Any]]]], now: datetime) -> tuple[list[Row], list[bytes]]:
    """Judge everything as the edge does, and return it encoded as the log carries it."""
    from adplatform.eventlog import ingest
    from adplatform.eventlog.envelope import encode

    batches = [(token, [msgspec.Raw(msgspec.json.encode(raw)) for raw in raws]) for token, raws in sent]
    started = time.perf_counter()
    judged = [
        ingest.accept(raws, session=token, received_at=now, ip_hash=f"{household:016x}", ua_hash="0" * 16, request_id="bench")
        for household, (token, raws) in enumerate(batches)
    ]
    took = time.perf_counter() - started
    assert not any(accepted.refused for accepted in judged), "the edge refused what it should take"
    events = [event for accepted in judged for event in accepted.events]
    events.sort(key=lambda event: event.occurred_at)
    return [row("edge: read, check signature and judge, one core", len(events) / took, "events/s")], [encode(event) for event in events]


def _take_back_decisions() -> list[Any]:
    """What serving appended while the journeys were made, so that everything waits in the log in one order."""
    from adplatform.eventlog import stream

    answer: Any = stream.client().xrange(stream.STREAM)
    entries = [stream.Entry(stream_id, fields[stream.FIELD]) for stream_id, fields in answer]
    stream.client().delete(stream.STREAM)
    return entries


def _consume(payloads: Sequence[bytes]) -> list[Row]:
    from adplatform.eventlog import health
    from adplatform.models import DeadEvent
    from ads.models import AdEvent, Decision, LedgerEntry
    from engagement.models import PlaybackEvent

    done = subprocess.run([sys.executable, "manage.py", "consume_events", "--until-empty"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    took = float(done.stdout.split()[-2])
    stored = AdEvent.objects.count() + PlaybackEvent.objects.count() + Decision.objects.count()
    assert stored == len(payloads), f"{len(payloads)} events appended, {stored} stored"
    assert DeadEvent.objects.count() == 0
    assert health.snapshot()["lag"] == 0
    return [
        row("events stored by one consumer", stored / took, "events/s", Goal(at_least=20_000)),
        row("events in that run", stored, "events"),
        row("of them charged in the ledger", LedgerEntry.objects.count(), "entries"),
        row("of them judged invalid", AdEvent.objects.filter(valid=False).count() + PlaybackEvent.objects.filter(valid=False).count(), "events"),
    ]


def _close(now: datetime) -> Row:
    """What beat does each minute, for everything stored: the order of each slot's events judged for good."""
    from ads.closing import close_windows

    started = time.perf_counter()
    closed = close_windows(now=now + timedelta(hours=1))
    return row("events judged for good at the closing of their windows", closed.judged / (time.perf_counter() - started), "events/s")


def _latency(count: int) -> list[Row]:
    """One event at a time through a running consumer: from its append to when another connection sees it."""
    from adplatform.eventlog import ids, stream
    from adplatform.eventlog.envelope import Event
    from engagement.models import PlaybackEvent, PlaybackSession

    session = PlaybackSession.objects.values_list("pk", flat=True)[0]
    waits = []
    with subprocess.Popen([sys.executable, "manage.py", "consume_events"], cwd=ROOT) as consumer:
        try:
            for number in range(count + 1):
                now = datetime.now(UTC)
                event = Event(id=ids.new_id(now), type="playback.pause", occurred_at=now, received_at=now, session=session, seq=10**6 + number)
                started = time.perf_counter()
                stream.append([event])
                while not PlaybackEvent.objects.filter(pk=event.id, day=ids.day_of(event.id)).exists():
                    time.sleep(0.001)
                waits.append((time.perf_counter() - started) * 1000)
                time.sleep(LATENCY_PAUSE)
        finally:
            consumer.terminate()
    steady = waits[1:]  # the first one waited for the process to start
    return [
        row("event to table, one at a time, p50", percentile(steady, 0.5), "ms"),
        row("event to table, one at a time, p99", percentile(steady, 0.99), "ms", Goal(at_most=2000)),
    ]


if __name__ == "__main__":
    main("eventlog", measure)
