"""Breaks decided over HTTP by a web process as `make run` starts it: latency at a steady 200 a second, and the peak beside an empty view's."""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import os
import random
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import httpx

from benchmarks import harness
from benchmarks.harness import ROOT, Goal, Options, Row, percentile, row

FLIGHTS, CAMPAIGNS = 200, 200
RATE = 200
STEADY_SECONDS, QUICK_STEADY_SECONDS = 30.0, 6.0
PEAK_SECONDS, QUICK_PEAK_SECONDS = 15.0, 4.0
# As many requests are open at once at the peak; more of them only wait longer.
AT_ONCE = 16
# An open loop that falls so far behind has lost: it stops sending rather than measure its own queue.
MOST_OPEN = 400
STARTING_SECONDS = 60.0


def measure(options: Options) -> Sequence[Row]:
    steady, peak = (QUICK_STEADY_SECONDS, QUICK_PEAK_SECONDS) if options.quick else (STEADY_SECONDS, PEAK_SECONDS)
    _stock()
    with _web() as port:
        _from_a_process_of_its_own(_closed, port, 2.0, decide=True)
        took, refused = _from_a_process_of_its_own(_open, port, steady)
        decisions, _ = _from_a_process_of_its_own(_closed, port, peak, decide=True)
        empty, _ = _from_a_process_of_its_own(_closed, port, peak, decide=False)
    name = f"{CAMPAIGNS} campaigns, open loop, {RATE}/s"
    return [
        row(f"{name}, answered", len(took) / (steady * RATE), "share", Goal(at_least=0.999)),
        row(f"{name}, refused or not sent", float(refused), "requests"),
        row(f"{name}, p50", percentile(took, 0.5), "ms"),
        row(f"{name}, p99", percentile(took, 0.99), "ms", Goal(at_most=20.0)),
        row(f"{CAMPAIGNS} campaigns, peak", len(decisions) / peak, "decisions/s"),
        row("empty view, peak", len(empty) / peak, "requests/s"),
        row("peak against the empty view's", len(decisions) / max(1, len(empty)), "share", Goal(at_least=0.5)),
    ]


def _stock() -> None:
    from django.utils import timezone

    from benchmarks.decision import _request
    from benchmarks.inventory import champion, live_flights

    harness.empty()
    live_flights(FLIGHTS, now=timezone.now(), per_campaign=FLIGHTS // CAMPAIGNS)
    champion("hashed_logistic", [_request(number) for number in range(8)])


@contextlib.contextmanager
def _web() -> Iterator[int]:
    """The line ``web`` of the Procfile, on a free port, without its quota for one address: here all come from one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {
        **os.environ, "PORT": str(port), "DATABASE_POOL_SIZE": "32", "DECISIONS_PER_MINUTE": "0", "HOLDS_PER_ADDRESS": "0",
        "INTERMISSION_VAR": str(os.environ["INTERMISSION_VAR"]),
    }  # fmt: skip
    command = [sys.executable, "-m", "daphne", "--verbosity", "0", "-b", "127.0.0.1", "-p", str(port), "adplatform.web:application"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_until_it_answers(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _wait_until_it_answers(port: int) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"http://127.0.0.1:{port}/healthz").is_success:
                return
        time.sleep(0.2)
    raise TimeoutError(f"the web process did not answer within {STARTING_SECONDS:.0f} s")


def _from_a_process_of_its_own(work: Any, *arguments: Any, **named: Any) -> tuple[list[float], int]:
    """What is measured must not share an interpreter with who measures."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found: tuple[list[float], int] = pool.apply(_run, (work, arguments, named))
    return found


def _run(work: Any, arguments: tuple[Any, ...], named: dict[str, Any]) -> tuple[list[float], int]:
    return asyncio.run(work(*arguments, **named))  # type: ignore[no-any-return]


class _Wire:
    """One kept HTTP/1.1 connection, with no more client than a request and its answer need."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> bool:
        """Whether the answer was 200."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        return head.startswith(b"HTTP/1.1 200")


def _post(number: int) -> bytes:
    dice = random.Random(number)
    body = json.dumps(
        {
            "session": str(uuid.UUID(int=dice.getrandbits(128))), "break_id": "b1", "duration": 30.0, "max_ads": 2, "break_index": 1,
            "device": dice.choice(["tv", "desktop", "mobile", "tablet"]), "hour": dice.randint(0, 23), "weekday": dice.randint(0, 6), "title": 1,
            "genres": [dice.choice(["drama", "thriller", "comedy", "documentary"])],
        }
    ).encode()  # fmt: skip
    head = f"POST /api/v1/decisions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


_EMPTY = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def _open(port: int, seconds: float) -> tuple[list[float], int]:
    """Requests leave on a clock of their own, whatever became of those before: milliseconds of each answered, from when it was due."""
    idle = [_Wire(port) for _ in range(AT_ONCE)]
    took: list[float] = []
    tasks: set[asyncio.Task[None]] = set()
    failed, offset = 0, random.randrange(1 << 40)
    started = time.perf_counter()

    async def one(number: int, due: float) -> None:
        nonlocal failed
        wire = idle.pop() if idle else _Wire(port)
        try:
            if await wire.ask(_post(offset + number)):
                took.append((time.perf_counter() - due) * 1000)
            else:
                failed += 1
        finally:
            idle.append(wire)

    for number in range(round(seconds * RATE)):
        due = started + number / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        if len(tasks) >= MOST_OPEN:
            failed += 1
            continue
        task = asyncio.create_task(one(number, due))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)
    return took, failed


async def _closed(port: int, seconds: float, *, decide: bool) -> tuple[list[float], int]:
    """`AT_ONCE` connections, each asking again as soon as it is answered."""
    took: list[float] = []
    failed, deadline, offset = 0, time.perf_counter() + seconds, random.randrange(1 << 40)

    async def one(place: int) -> None:
        nonlocal failed
        wire, number = _Wire(port), 0
        while (begun := time.perf_counter()) < deadline:
            number += 1
            if await wire.ask(_post(offset + place + number * AT_ONCE) if decide else _EMPTY):
                took.append((time.perf_counter() - begun) * 1000)
            else:
                failed += 1

    await asyncio.gather(*(one(place) for place in range(AT_ONCE)))
    return took, failed


if __name__ == "__main__":
    harness.main("http_decisions", measure)
