"""From an event sent to the edge until the figure on a dashboard moves, through real processes; and what the dashboards cost.

Web, consumer and publisher run as they do in production. An impression is posted over HTTP; the clock stops when a snapshot
that counts it arrives on a dashboard's WebSocket.
"""

from __future__ import annotations

import argparse
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
import psutil
import websockets
from asgiref.sync import sync_to_async

from benchmarks.harness import ROOT, Goal, Options, Row, main, percentile, progress, row

BACKGROUND_PER_SECOND = 2000
STARTING_SECONDS = 300.0
LONGEST_WAIT = 30.0
# Reports of what names itself a script would not count.
A_BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}


def measure(options: Options) -> list[Row]:
    from benchmarks import live_world

    now = datetime.now(UTC)
    world = live_world.fill(events=options.own.events or (200_000 if options.quick else 10_000_000), ads=60 if options.quick else 100, now=now)
    rows = [
        row("raw events behind the figures", world.events, "events"),
        row("rollup rows behind the figures", world.rollup_rows, "rows"),
        row("decisions of the Director behind the figures", world.decisions, "rows"),
    ]
    progress("building every kind of stream")
    rows += _build(4 if options.quick else 40)
    tokens, sessions = _tokens(16 if options.quick else 160, now)
    with _processes() as (port, processes):
        cookie = _executive()
        progress("loading pages")
        rows += _pages(port, cookie, times=5 if options.quick else 40)
        rows += asyncio.run(_watch(port, cookie, tokens, sessions, processes, options))
    return rows


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--events", type=int, help="raw events behind the pages, instead of 10 million (200,000 when quick)")


def _examples() -> list[str]:
    """Of every kind of stream the whole, and each way of narrowing it once."""
    from insights.live.kinds import KINDS
    from insights.live.streams import BadStream, parse

    values = _values()
    found = []
    for kind in KINDS:
        needed = [f"{name}={values[name][0]}" for name in kind.needs]
        for one in ("", *(f"{name}={value}" for name in kind.takes if name not in kind.needs for value in values.get(name, ()))):
            key = f"{kind.name}?{'&'.join(filter(None, (*needed, one)))}".rstrip("?")
            try:
                found.append(parse(key).key)
            except BadStream:
                continue  # of another kind the same name may be of other values
    return list(dict.fromkeys(found))


def _values() -> dict[str, list[str]]:
    from ads.models import Advertiser, Campaign
    from catalog.models import Title

    title = Title.objects.order_by("pk")[0]
    return {
        "range": ["15m", "24h", "7d", "30d"],
        "compare": ["previous", "week"],
        "campaign": [str(Campaign.objects.order_by("pk")[0].pk)],
        "advertiser": [str(Advertiser.objects.order_by("pk")[0].pk)],
        "title": [title.slug, str(title.pk)],
        "device": ["tv"],
        "genre": ["drama"],
    }


def _build(times: int) -> list[Row]:
    from insights.live.builds import make
    from insights.live.streams import parse

    rows = []
    for key in _examples():
        took = []
        for _ in range(times):
            started = time.perf_counter()
            made = make(parse(key), lambda: datetime.now(UTC))
            took.append((time.perf_counter() - started) * 1000)
            if made.wrong:
                raise RuntimeError(f"{key} cannot be built: {made.reason}") from made.error
        rows += [row(f"build {key}, first", took[0], "ms"), row(f"build {key}, p95", percentile(took[1:], 0.95), "ms", Goal(at_most=150))]
    return rows


def _tokens(count: int, now: datetime) -> tuple[list[str], list[Any]]:
    """Tracking tokens of reserved ads, and open playback sessions for the background's heartbeats."""
    from ads.decision.request import AdRequest
    from ads.serving import serve_break
    from benchmarks import inventory
    from catalog.models import Title

    films = [list(title.scenes.order_by("position")) for title in Title.objects.order_by("pk")[:4]]
    open_sessions = inventory.sessions(films, max(count, 200), now=now)
    tokens = []
    for session, scenes in open_sessions[:count]:
        request = AdRequest(
            session=session, break_id="b1", break_position="mid", break_index=0, duration=20.0, max_ads=1, device="tv", hour=20, weekday=2,
            title=scenes[0].title_id, genres=("drama",),
        )  # fmt: skip
        tokens += [ad.token for ad in serve_break(request, now=now).ads]
    return tokens, [session for session, _ in open_sessions]


Processes = dict[str, "subprocess.Popen[bytes]"]


@contextlib.contextmanager
def _processes() -> Iterator[tuple[int, Processes]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {**os.environ, "PORT": str(port), "DATABASE_POOL_SIZE": "16"}
    commands = {
        "web": ["-m", "daphne", "-v", "0", "-b", "127.0.0.1", "-p", str(port), "adplatform.web:application"],
        "consumer": ["manage.py", "consume_events"],
        "publisher": ["manage.py", "publish_live"],
        "standby": ["manage.py", "publish_live"],
    }
    running = {
        name: subprocess.Popen([sys.executable, *command], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for name, command in commands.items()
    }
    try:
        _wait_until_ready(port)
        yield port, running
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            process.wait()


def _pages(port: int, cookie: str, *, times: int) -> list[Row]:
    """Time to the last byte of every page of a tab, and of the refetch of every kind, one after the other."""
    from django.urls import NoReverseMatch, reverse

    from insights.live.kinds import KINDS
    from insights.templatetags.live_shell import TABS

    paths = []
    for name, _, _ in TABS:
        with contextlib.suppress(NoReverseMatch):
            paths.append(reverse(name))
    paths += [f"/live/snapshot.json?stream={kind.name}" for kind in KINDS if not kind.needs]
    rows = []
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers={"Cookie": cookie}, timeout=30) as client:
        for path in paths:
            took = []
            for _ in range(times + 1):
                started = time.perf_counter()
                response = client.get(path)
                took.append((time.perf_counter() - started) * 1000)
                if response.status_code not in (200, 204):
                    raise RuntimeError(f"{path} answered {response.status_code}")
            rows.append(row(f"{path}, p95", percentile(took[1:], 0.95), "ms", Goal(at_most=500)))
    return rows


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
    """Open pages. The first one's figures are read; of all of them, how late each tick of the main stream came."""

    def __init__(self) -> None:
        self.impressions = -1
        self.moved = asyncio.Condition()
        self.age: list[float] = []
        self.beyond: list[float] = []
        self.heard: dict[int, float] = {}

    async def watch(self, port: int, cookie: str, number: int, streams: Sequence[str]) -> None:
        headers = {"Cookie": cookie, "Origin": f"http://127.0.0.1:{port}"}
        async with websockets.connect(f"ws://127.0.0.1:{port}/ws/live/", additional_headers=headers, max_size=None, compression=None) as page:
            await page.send(json.dumps({"type": "watch", "streams": list(streams)}))
            async for text in page:
                message = json.loads(text)
                if message["type"] not in ("snapshot", "still"):
                    continue
                await page.send(json.dumps({"type": "seen", "stream": message["stream"]}))
                if message["stream"] == streams[0]:
                    await self._hear(number, message["snapshot"])

    async def _hear(self, number: int, snapshot: dict[str, Any]) -> None:
        now = time.time()
        self.age.append(now - datetime.fromisoformat(snapshot["built_at"]).timestamp())
        if number in self.heard:
            self.beyond.append(max(0.0, now - self.heard[number] - 1))
        self.heard[number] = now
        if number == 0 and "totals" in snapshot:
            async with self.moved:
                self.impressions = snapshot["totals"]["impressions"]
                self.moved.notify_all()

    async def until(self, impressions: int) -> None:
        async with self.moved:
            await self.moved.wait_for(lambda: self.impressions >= impressions)


def _transactions() -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


async def _asked_of_the_database(seconds: float) -> float:
    """Transactions a second of all processes, while nothing happens but ticks."""
    before = await sync_to_async(_transactions)()
    await asyncio.sleep(seconds)
    return (await sync_to_async(_transactions)() - before) / seconds


def _cpu(processes: Processes) -> dict[str, float]:
    times = {name: psutil.Process(process.pid).cpu_times() for name, process in processes.items()}
    return {name: used.user + used.system for name, used in times.items()}


async def _watch(port: int, cookie: str, tokens: Sequence[str], sessions: Sequence[Any], processes: Processes, options: Options) -> list[Row]:
    pages = Dashboards()
    dashboards, calm = (50, 4.0) if options.quick else (300, 20.0)
    # The stream at the head is the one whose ticks are timed; the pages beside it look at trends, some through a filter of their own.
    filters = [f"trend?campaign={pk}" for pk in await sync_to_async(_campaigns)(10)]
    first = asyncio.create_task(pages.watch(port, cookie, 0, ["now", "trend"]))
    await asyncio.wait_for(pages.until(0), 60)
    await asyncio.sleep(calm / 2)
    one = await _asked_of_the_database(calm)
    half = len(tokens) // 2
    quiet = await _event_to_figure(port, pages, tokens[:half])
    others = [asyncio.create_task(pages.watch(port, cookie, n, ["now", "trend"])) for n in range(1, dashboards)]
    await asyncio.sleep(calm)
    many = await _asked_of_the_database(calm)
    filtered = [asyncio.create_task(pages.watch(port, cookie, dashboards + n, ["now", key])) for n, key in enumerate(filters)]
    await asyncio.sleep(calm / 2)
    pages.age.clear()
    pages.beyond.clear()
    stop = threading.Event()
    sent: list[int] = []
    background = threading.Thread(target=_background, args=(sessions, stop, sent))
    background.start()
    began, before = time.monotonic(), _cpu(processes)
    try:
        loaded = await _event_to_figure(port, pages, tokens[half:])
    finally:
        stop.set()
        background.join()
    lasted = time.monotonic() - began
    used = {name: (after - before[name]) / lasted for name, after in _cpu(processes).items()}
    age, beyond = list(pages.age), list(pages.beyond)
    takeover = await _takeover(pages, processes)
    for task in (first, *others, *filtered):
        task.cancel()
    await asyncio.gather(first, *others, *filtered, return_exceptions=True)
    return [
        row("event to moved figure, quiet, p50", percentile(quiet, 0.5), "s"),
        row("event to moved figure, quiet, p95", percentile(quiet, 0.95), "s", Goal(at_most=2)),
        row("database transactions, 1 dashboard open", one, "1/s"),
        row(f"database transactions, {dashboards} dashboards open", many, "1/s"),
        row("background while loaded", sum(sent) / lasted, "events/s"),
        row("dashboards while loaded", dashboards + len(filters), "sockets"),
        row("streams while loaded", len(filters) + 2, "streams"),
        row("event to moved figure, loaded, p50", percentile(loaded, 0.5), "s"),
        row("event to moved figure, loaded, p95", percentile(loaded, 0.95), "s", Goal(at_most=2)),
        row("snapshot built to received on each dashboard, p95", percentile(age, 0.95), "s", Goal(at_most=1)),
        row("snapshot built to received on each dashboard, p99", percentile(age, 0.99), "s", Goal(at_most=1)),
        row("tick later than a second after the one before, p95", percentile(beyond, 0.95), "s", Goal(at_most=1)),
        row("tick later than a second after the one before, p99", percentile(beyond, 0.99), "s", Goal(at_most=1)),
        row("ticks received", len(age), "ticks"),
        *(row(f"processor of the {name} while loaded", used[name], "cores") for name in ("publisher", "web", "consumer")),
        row("publisher killed to figures of the other", takeover, "s", Goal(at_most=3)),
    ]


def _campaigns(count: int) -> list[int]:
    from ads.models import Campaign

    return list(Campaign.objects.order_by("pk").values_list("pk", flat=True)[:count])


async def _takeover(pages: Dashboards, processes: Processes) -> float:
    from insights.live import store

    holder: Any = store.client().get(store.LEASE_KEY)
    leading = next(name for name in ("publisher", "standby") if f":{processes[name].pid}:" in holder.decode())
    processes[leading].kill()
    killed = time.time()
    while pages.heard[0] < killed + 0.2:  # what was on its way may still come
        await asyncio.sleep(0.01)
    return pages.heard[0] - killed


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
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(pages.until(before + 1), LONGEST_WAIT)
            waits.append(time.perf_counter() - started)
            if waits[-1] >= LONGEST_WAIT:
                break  # a miss as it is; what comes later could not be told from this one
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
    main("live", measure, arguments)
