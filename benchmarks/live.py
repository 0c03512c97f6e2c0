"""From an event sent to the edge until the figure on a dashboard moves, through real processes; and what the dashboards cost.

Web, consumer and publisher run as they do in production. An impression is posted over HTTP; the clock stops when a snapshot
that counts it arrives on a dashboard's WebSocket.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import websockets

from benchmarks.harness import ROOT, Goal, Options, Row, main, percentile, row

BACKGROUND_PER_SECOND = 2000
STARTING_SECONDS = 60.0
# Reports of what names itself a script would not count.
A_BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


def measure(options: Options) -> list[Row]:
    from adplatform.eventlog.partitions import days_around, ensure_partitions

    now = datetime.now(UTC)
    ensure_partitions(days_around(now.date(), ahead=1))
    rows = [row("rollup rows behind the figures", _fill_rollups(ads=100 if options.quick else 300, now=now), "rows")]
    rows += _build(50 if options.quick else 200)
    tokens, sessions = _tokens(60 if options.quick else 240, now)
    with _processes() as port:
        cookie = _executive()
        rows += asyncio.run(_watch(port, cookie, tokens, sessions, dashboards=50 if options.quick else 300))
    return rows


def _fill_rollups(*, ads: int, now: datetime) -> int:
    """Two days of minutes, hours and days of ``ads`` ads on 12 titles and 4 devices, as an hour of each day delivers them."""
    from django.db import connection

    total = 0
    for table, step, count in (("minute", "1 minute", 90), ("hour", "1 hour", 48), ("day", "1 day", 3)):
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO ads_delivery{table} (bucket, advertiser_id, campaign_id, flight_id, ad_id, title_id, genre, device, synthetic,"  # noqa: S608
                " decided, impressions, first_quartiles, midpoints, third_quartiles, completed_views, skips, clicks, errors, invalid, revenue_micros)"
                f" SELECT date_trunc('{table}', %s::timestamptz) - n * interval '{step}', ad / 30, ad / 10, ad, ad, title, 'drama', device, true,"
                " 3, 3, 3, 3, 2, 2, 0, 0, 0, 0, 45000 FROM generate_series(0, %s) n, generate_series(1, %s) ad, generate_series(1, 12) title,"
                " unnest(ARRAY['tv', 'desktop', 'mobile', 'tablet']) device",
                [now, count - 1, ads],
            )
            total += cursor.rowcount
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return total


def _build(times: int) -> list[Row]:
    from insights.live.business import snapshot

    took = []
    compared_ms = []
    for _ in range(times):
        now = datetime.now(UTC)
        started = time.perf_counter()
        compared = snapshot.yesterday(now)
        compared_ms.append((time.perf_counter() - started) * 1000)
        started = time.perf_counter()
        snapshot.build(now, compared=compared)
        took.append((time.perf_counter() - started) * 1000)
    return [
        row("build one snapshot, p50", percentile(took, 0.5), "ms"),
        row("build one snapshot, p95", percentile(took, 0.95), "ms", Goal(at_most=500)),
        row("read yesterday, once a minute, p95", percentile(compared_ms, 0.95), "ms"),
    ]


def _tokens(count: int, now: datetime) -> tuple[list[str], list[Any]]:
    """Tracking tokens of reserved ads, and open playback sessions for the background's heartbeats."""
    from ads.decision.request import AdRequest
    from ads.serving import serve_break
    from benchmarks import inventory

    inventory.live_flights(20, now=now)
    open_sessions = inventory.sessions(inventory.titles(4), max(count, 200), now=now)
    tokens = []
    for session, scenes in open_sessions[:count]:
        request = AdRequest(
            session=session, break_id="b1", break_position="mid", break_index=0, duration=20.0, max_ads=1, device="tv", hour=20, weekday=2,
            title=scenes[0].title_id, genres=("drama",),
        )  # fmt: skip
        tokens += [ad.token for ad in serve_break(request, now=now).ads]
    return tokens, [session for session, _ in open_sessions]


@contextlib.contextmanager
def _processes() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {**os.environ, "PORT": str(port)}
    commands = (
        [sys.executable, "-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port), "adplatform.web:application"],
        [sys.executable, "manage.py", "consume_events"],
        [sys.executable, "manage.py", "publish_live"],
    )
    running = [subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for command in commands]
    try:
        _wait_until_ready(port)
        yield port
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"http://127.0.0.1:{port}/readyz").json()["status"] == "ready":
                return
        time.sleep(0.3)
    raise TimeoutError(f"web, consumer and publisher were not ready within {STARTING_SECONDS:.0f} s")


def _executive() -> str:
    from django.conf import settings
    from django.contrib.auth.models import Group, User
    from django.test import Client

    user = User.objects.create_user("bench")
    user.groups.add(Group.objects.get_or_create(name="executive")[0])
    client = Client()
    client.force_login(user)
    return f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"


class Dashboards:
    """Open pages. The first one's figures are read; of all of them, how late each tick came."""

    def __init__(self) -> None:
        self.impressions = -1
        self.moved = asyncio.Condition()
        self.lateness: list[float] = []

    async def watch(self, port: int, cookie: str, *, read: bool) -> None:
        headers = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{port}"}
        async with websockets.connect(f"ws://127.0.0.1:{port}/ws/live/", additional_headers=headers, max_size=None) as page:
            async for text in page:
                await page.send('{"type": "seen"}')
                message = json.loads(text)
                if message["type"] != "snapshot":
                    continue
                snapshot = message["snapshot"]
                self.lateness.append(time.time() - datetime.fromisoformat(snapshot["built_at"]).timestamp())
                if read:
                    async with self.moved:
                        self.impressions = snapshot["totals"]["impressions"]
                        self.moved.notify_all()

    async def until(self, impressions: int) -> None:
        async with self.moved:
            await self.moved.wait_for(lambda: self.impressions >= impressions)


async def _watch(port: int, cookie: str, tokens: Sequence[str], sessions: Sequence[Any], *, dashboards: int) -> list[Row]:
    pages = Dashboards()
    first = asyncio.create_task(pages.watch(port, cookie, read=True))
    await asyncio.wait_for(pages.until(0), 20)
    half = len(tokens) // 2
    quiet = await _event_to_figure(port, pages, tokens[:half])
    pages.lateness.clear()
    others = [asyncio.create_task(pages.watch(port, cookie, read=False)) for _ in range(dashboards - 1)]
    await asyncio.sleep(5)
    stop = threading.Event()
    sent: list[int] = []
    background = threading.Thread(target=_background, args=(sessions, stop, sent))
    background.start()
    began = time.monotonic()
    try:
        loaded = await _event_to_figure(port, pages, tokens[half:])
    finally:
        stop.set()
        background.join()
        for task in (first, *others):
            task.cancel()
        await asyncio.gather(first, *others, return_exceptions=True)
    return [
        row("event to moved figure, quiet, p50", percentile(quiet, 0.5), "s"),
        row("event to moved figure, quiet, p95", percentile(quiet, 0.95), "s", Goal(at_most=2)),
        row("background while loaded", sum(sent) / (time.monotonic() - began), "events/s"),
        row("dashboards while loaded", dashboards, "sockets"),
        row("event to moved figure, loaded, p50", percentile(loaded, 0.5), "s"),
        row("event to moved figure, loaded, p95", percentile(loaded, 0.95), "s", Goal(at_most=2)),
        row("snapshot built to received on each dashboard, p95", percentile(pages.lateness, 0.95), "s", Goal(at_most=1)),
        row("ticks received", len(pages.lateness), "ticks"),
    ]


async def _event_to_figure(port: int, pages: Dashboards, tokens: Sequence[str]) -> list[float]:
    waits = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=10, headers=A_BROWSER) as client:
        for number, token in enumerate(tokens):
            # Spread over the second between two ticks: the wait for the next tick is part of the figure.
            await asyncio.sleep(0.05 + (number * 0.37) % 1.0)
            before = pages.impressions
            started = time.perf_counter()
            response = await client.get(f"/t/impression/{token}")
            response.raise_for_status()
            await asyncio.wait_for(pages.until(before + 1), 30)
            waits.append(time.perf_counter() - started)
    return waits


def _background(sessions: Sequence[Any], stop: threading.Event, sent: list[int]) -> None:
    """Heartbeats of open sessions straight into the log, BACKGROUND_PER_SECOND of them."""
    from adplatform.eventlog import ids, stream
    from adplatform.eventlog.envelope import Event

    slices = 10
    due = time.monotonic()
    seq = 0
    while not stop.is_set():
        now = datetime.now(UTC)
        batch = []
        for _ in range(BACKGROUND_PER_SECOND // slices):
            seq += 1
            at = now - timedelta(milliseconds=seq % 100)
            session = sessions[seq % len(sessions)]
            batch.append(
                Event(id=ids.new_id(at), type="playback.heartbeat", occurred_at=at, received_at=now, session=session, seq=seq, synthetic=True)
            )
        stream.append(batch)
        sent.append(len(batch))
        due += 1 / slices
        time.sleep(max(0.0, due - time.monotonic()))


if __name__ == "__main__":
    main("live", measure)
