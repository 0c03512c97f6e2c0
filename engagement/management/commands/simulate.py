"""A synthetic audience: a stretch of history written in process, or viewers in real time over HTTP and sockets."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import time
import uuid
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from django.conf import settings
from django.core import signing
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from adplatform.eventlog.consumer import Unavailable
from adplatform.eventlog.stream import LogUnavailable
from adplatform.moments import read_moment
from engagement.retention.rollup import take_traces
from engagement.simulation import world
from engagement.simulation.audience import DEFAULT, Audience, AudienceProblem, load
from engagement.simulation.history import Report, still_to_write, write_history
from engagement.simulation.realtime import Crowd, Site
from engagement.site import current

LONGEST_HISTORY_DAYS = 60
REALTIME_PEOPLE = 60
SITE_WAIT_SECONDS = 60
MOST_TRACES = 1_000_000


class Command(BaseCommand):
    help = "Write synthetic history (--days --sessions --seed), or send synthetic viewers in real time (--realtime --viewers)"

    def add_arguments(self, parser: Any) -> None:
        parser.add_argument("--days", type=int, default=7, help=f"days of history before now, 1 to {LONGEST_HISTORY_DAYS}")
        parser.add_argument("--sessions", type=int, default=500, help="sessions of history to write")
        parser.add_argument("--until", type=read_moment, help="ISO time at which history ends (default: now; UTC unless it says otherwise)")
        parser.add_argument("--go-on", action="store_true", help="write only what comes after the history that is there, and its part of --sessions")
        parser.add_argument("--seed", type=int, default=1, help="the same seed draws the same people and choices")
        parser.add_argument("--audience", type=Path, default=DEFAULT, help="YAML file that describes the audience")
        parser.add_argument("--realtime", action="store_true", help="watch over real HTTP and WebSocket until stopped")
        parser.add_argument("--viewers", type=int, default=4, help="with --realtime: how many watch at a time")
        parser.add_argument("--base-url", default="http://127.0.0.1:8000", help="with --realtime: where the site is")
        parser.add_argument("--seconds", type=float, default=None, help="with --realtime: stop after so long")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            audience = load(options["audience"])
            if options["realtime"]:
                self._realtime(audience, options)
            else:
                self._history(audience, options)
        except (AudienceProblem, world.NothingToWatch) as problem:
            raise CommandError(str(problem)) from problem
        except (LogUnavailable, Unavailable) as problem:
            raise CommandError(f"a server is away ({problem}); start it and run this again") from problem

    def _history(self, audience: Audience, options: dict[str, Any]) -> None:
        days, sessions = options["days"], options["sessions"]
        if not 1 <= days <= LONGEST_HISTORY_DAYS:
            raise CommandError(f"--days is 1 to {LONGEST_HISTORY_DAYS}, not {days}")
        if sessions < 1:
            raise CommandError(f"--sessions is at least 1, not {sessions}")
        until: datetime = options["until"] or timezone.now()
        if options["go_on"]:
            days, sessions = still_to_write(days=days, sessions=sessions, until=until)
            if not sessions:
                self.stdout.write("that stretch of history is written already")
                return
        began = time.monotonic()
        report = write_history(
            audience=audience,
            days=days,
            sessions=sessions,
            seed=options["seed"],
            until=until,
            goes_on=options["go_on"],
            truth_folder=settings.VAR_DIR / "truth",
            progress=Bar(self.stdout, "sessions"),
        )
        take_traces(now=timezone.now(), most=MOST_TRACES)
        self.stdout.write(describe(report, time.monotonic() - began))

    def _realtime(self, audience: Audience, options: dict[str, Any]) -> None:
        if options["viewers"] < 1:
            raise CommandError(f"--viewers is at least 1, not {options['viewers']}")
        wait_for_site(options["base_url"])
        rng = np.random.default_rng(options["seed"])
        place = world.survey()
        persons = world.settle_people(audience, place, rng=rng, count=max(options["viewers"], REALTIME_PEOPLE))
        site = Site(options["base_url"].rstrip("/"), {person.id: browser_cookies(person.id) for person in persons})
        crowd = Crowd(audience, place, persons, site, np.random.default_rng())
        asyncio.run(until_stopped(crowd, options["viewers"], options["seconds"]))


def wait_for_site(base_url: str) -> None:
    """Raises CommandError when nothing answers there."""
    deadline = time.monotonic() + SITE_WAIT_SECONDS
    while True:
        try:
            httpx.get(f"{base_url}/healthz", timeout=5)
            return
        except httpx.HTTPError as error:
            if time.monotonic() > deadline:
                raise CommandError(f"no site answers at {base_url} ({error}); start it or set --base-url") from error
            time.sleep(1)


def browser_cookies(viewer: uuid.UUID) -> dict[str, str]:
    """Those of a browser that owns this profile and has chosen it, as the profile page would leave them."""
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store[current.SESSION_KEY] = str(viewer)
    store.save()
    owner = signing.get_cookie_signer(salt=current.COOKIE).sign(str(viewer))
    return {settings.SESSION_COOKIE_NAME: str(store.session_key), current.COOKIE: owner}


async def until_stopped(crowd: Crowd, viewers: int, seconds: float | None) -> None:
    task = asyncio.create_task(crowd.run(viewers, seconds=seconds))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError, TimeoutError):
        await task


def describe(report: Report, seconds: float) -> str:
    if not (report.first and report.last):
        return "no session fell into that stretch of time"
    return (
        f"{report.sessions} synthetic sessions ({report.finished} finished), {report.breaks} breaks, {report.ads} ads"
        f" ({report.invalid} of them in invalid traffic), {report.clicks} clicks, {report.events} events"
        f" from {report.first:%Y-%m-%d %H:%M} to {report.last:%Y-%m-%d %H:%M} UTC, written in {seconds:.1f} s"
    )


class Bar:
    """A progress bar on a terminal, a line at each tenth elsewhere."""

    def __init__(self, out: Any, what: str) -> None:
        self.out, self.what, self.began, self.shown = out, what, time.monotonic(), -1

    def __call__(self, done: int, total: int) -> None:
        percent = done * 100 // total
        step = 1 if sys.stdout.isatty() else 10
        if percent // step == self.shown:
            return
        self.shown = percent // step
        left = (time.monotonic() - self.began) / done * (total - done)
        line = f"  {'#' * (percent // 4):<25} {percent:3d} %  {done}/{total} {self.what}, {left:.0f} s left"
        self.out.write(f"\r{line}   " if sys.stdout.isatty() else line, ending="\n" if step == 10 or done == total else "")
        self.out.flush()
