"""The Director under load: predicting and deciding in this process, and from an event on a real socket to its answers with many sessions at once.

Two web processes hold the sessions of one site; every session plays a film in real time, says something twice a second, and is predicted at most
once a second. A bare socket that makes the same Redis calls and nothing else runs in the same processes, in turns with it.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import random
import socket
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from statistics import median
from typing import Any

import httpx
import psutil

from benchmarks import harness, viewers
from benchmarks.harness import ROOT, Goal, Options, Row, percentile, row
from benchmarks.viewers import Seat, Told

SESSIONS, QUICK_SESSIONS = 500, 60
TURNS, QUICK_TURNS = 3, 1
SECONDS, QUICK_SECONDS = 20.0, 6.0
BARE_SECONDS, QUICK_BARE_SECONDS = 10.0, 3.0
WEB_PROCESSES = 2
IN_PROCESS, QUICK_IN_PROCESS = 4000, 400
MODEL_ROWS, QUICK_MODEL_ROWS = 20_000, 3_000
SCENES, SCENE_SEGMENTS, SEGMENT_SECONDS = 30, 5, 2.0
FLIGHTS = 20
STARTING_SECONDS = 60.0
# As often as a scene ends, so that boundaries are spread over the sessions as people's are.
SPREAD_SECONDS = SCENE_SEGMENTS * SEGMENT_SECONDS


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--sessions", type=int, default=None, help=f"live sessions (default {SESSIONS}, with --quick {QUICK_SESSIONS})")


def measure(options: Options) -> Sequence[Row]:
    sessions = options.own.sessions or (QUICK_SESSIONS if options.quick else SESSIONS)
    harness.progress("a film, ads and models of the size that training makes")
    slug = _stock()
    _train(QUICK_MODEL_ROWS if options.quick else MODEL_ROWS)
    rows = list(_in_process(slug, QUICK_IN_PROCESS if options.quick else IN_PROCESS))
    harness.progress(f"{sessions} sessions are opened")
    seats = _open_sessions(slug, sessions)
    with _web() as (ports, processes):
        rows += _sockets(options, ports, processes, seats)
    return rows


# What there is to watch


def _stock() -> str:
    """A film of many scenes that may change places, breaks with ads that sell, one small clip for all of them. Returns the film's slug."""
    from benchmarks.inventory import live_flights
    from catalog.media import integrity
    from catalog.models import Genre, MediaAsset, Mood, Scene, Title

    harness.empty()
    folder = integrity.media_root() / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("init.mp4", *(f"{n}.m4s" for n in range(SCENE_SEGMENTS))):
        (folder / name).write_bytes(b"bench")
    clip = {
        "path": "bench", "state": "ready", "duration": SPREAD_SECONDS, "files": integrity.describe(folder),
        "segments": [{"uri": f"{n}.m4s", "duration": SEGMENT_SECONDS, "tight": n != 2} for n in range(SCENE_SEGMENTS)],
    }  # fmt: skip
    title = Title.objects.create(name="A long film", slug="a-long-film", change_budget=5)
    title.genres.add(Genre.objects.create(name="Drama", slug="drama"))
    moods = list(Mood)
    for position in range(1, SCENES + 1):
        asset = MediaAsset.objects.create(kind="scene", key=f"bench-{position}", **clip)
        Scene.objects.create(
            title=title, position=position, name=f"Scene {position}", mood=moods[position % len(moods)], asset=asset,
            intensity=position * 7 % 10 / 10, optional=position % 9 == 5, break_after=position % 4 == 0,
        )  # fmt: skip
    live_flights(FLIGHTS, now=datetime.now(UTC))
    MediaAsset.objects.filter(kind="ad").update(**clip)
    return title.slug


def _train(rows: int) -> None:
    """Champions of every kind the Director asks, with as many trees as training grows, fitted on sessions drawn by chance: their size is
    what costs time, not what they know."""
    import numpy as np

    from adplatform.learning.estimators import CLASSIFICATION, REGRESSION
    from engagement.director import features, lots, prediction, value

    dice, odds = random.Random(7), np.random.default_rng(7)
    seen = np.vstack([features.build(*_some_session(dice), NOW) for _ in range(rows)])
    share = np.clip(0.7 - 0.1 * seen[:, 0] + odds.normal(0, 0.2, rows), 0, 1)
    leaves = (odds.random(rows) < 0.1 + 0.2 * (share < 0.5)).astype(np.float64)
    options = np.hstack([seen, odds.random((rows, len(lots.OWN))).astype(np.float32)])
    _champion(prediction.KIND, "random_forest", REGRESSION, seen, share, features.SCHEMA)
    _champion(prediction.LEAVE, "random_forest", CLASSIFICATION, seen, leaves, features.SCHEMA)
    _champion(value.KIND, "gradient_boosting", REGRESSION, options, share, lots.SCHEMA)


def _champion(kind: str, estimator: str, task: str, matrix: Any, labels: Any, schema: Any) -> None:
    from adplatform.learning import estimators, registry
    from engagement.models import DirectorAction

    fitted = estimators.fit(estimator, task, matrix, labels, schema, {})
    path, digest = registry.store_artifact(fitted.artifact, fitted.suffix)
    parameters = {
        "schema_fingerprint": schema.fingerprint(), "interval": {"edges": [], "low": [-0.2], "high": [0.2]},
        "trials": dict.fromkeys(DirectorAction.values, 1000),
    }  # fmt: skip
    registry.promote(registry.register(kind=kind, estimator=estimator, artifact=path, artifact_sha256=digest, parameters=parameters))


NOW = 1_800_000_000.0
KINDS = ("pause", "play", "seek", "rewind", "skip_scene", "rate", "volume", "visibility", "stall")


def _some_session(dice: random.Random) -> tuple[Any, Any]:
    """Signals folded from events by chance, and the scene that is next."""
    from engagement.director.features import SceneContext, SessionSignals

    signals, at = SessionSignals(), NOW - dice.uniform(60, 900)
    for scene in range(dice.randint(1, 12)):
        signals.update("playback.scene_start", at, scene=scene)
        for _ in range(dice.randint(0, 6)):
            at = min(NOW, at + dice.uniform(0, 5))
            data = {"rate": dice.choice((0.5, 1.0, 1.5)), "hidden": dice.random() < 0.5, "milliseconds": dice.uniform(0, 4000)}
            signals.update(f"playback.{dice.choice(KINDS)}", at, data=data)
        signals.update("playback.scene_end", at, data={"watched": dice.uniform(0, 10), "duration": 10.0})
    context = SceneContext(
        scenes=SCENES, position=dice.randint(1, SCENES), mood=dice.choice(("calm", "day", "night")), intensity=dice.random(),
        device=dice.choice(("tv", "mobile")), hour=dice.randint(0, 23),
    )  # fmt: skip
    return signals, context


# In this process


def _in_process(slug: str, times: int) -> Iterator[Row]:
    """Features and prediction as the socket asks for them, and the decision of a boundary, on plans as they stand in mid film."""
    from adplatform.eventlog import stream
    from engagement.director import market
    from engagement.director.act import act, load_watching, predict, rules
    from engagement.director.deciding import Moment, decide

    harness.progress(f"{times} decisions in this process")
    dice, now = random.Random(11), datetime.now(UTC)
    opened = [_opened(slug, now) for _ in range(20)]
    who = [load_watching(one.session.pk) for one in opened]
    predicted, decided, whole = [], [], []
    for number in range(times + 50):
        place = number % len(opened)
        signals, _ = _some_session(dice)
        plan = opened[place].state.plan
        started = time.perf_counter()
        found = predict(who[place], plan, signals, plan.played[-1], now=now)
        seen = time.perf_counter()
        prices = market.prices(who[place].title, who[place].around.device, now=now)
        decide(Moment(who[place], plan, signals, plan.played[-1], "scene_start", now, found), prices=prices, rules=rules())
        told = time.perf_counter()
        act(who[place], opened[place].state, signals, scene=plan.played[-1], trigger="scene_start", engagement=found, session_usual=None, now=now)
        ended = time.perf_counter()
        stream.client().delete(f"director:{opened[place].session.pk}")
        if found is None:
            raise RuntimeError("no engagement model serves")
        if number >= 50:  # the first ones load the models
            predicted.append((seen - started) * 1000)
            decided.append((told - started) * 1000)
            whole.append((seen - started + ended - told) * 1000)
    for name, took, goal in (
        ("features and prediction", predicted, None),
        ("features, prediction and decision", decided, Goal(at_most=1.0)),
        ("the same, with the plan stored and the decision logged", whole, None),
    ):
        yield row(f"in process: {name}, p50", percentile(took, 0.5), "ms")
        yield row(f"in process: {name}, p95", percentile(took, 0.95), "ms")
        yield row(f"in process: {name}, p99", percentile(took, 0.99), "ms", goal)


def _opened(slug: str, now: datetime) -> Any:
    from catalog.selectors import title_for_watching
    from engagement.playback.sessions import session_open

    return session_open(title=title_for_watching(slug), viewer=None, tab="", device="tv", hour=20, now=now)


# Over sockets


def _open_sessions(slug: str, count: int) -> list[Seat]:
    """Each at another moment of its first scene, and on the web processes in turn."""
    dice, now = random.Random(3), datetime.now(UTC)
    seats = []
    for number in range(count):
        one = _opened(slug, now)
        path = f"/ws/playback/{one.session.pk}/?token={one.token}"
        seats.append(Seat(port=number % WEB_PROCESSES, path=path, session=str(one.session.pk), seq=0, t=dice.uniform(0, SPREAD_SECONDS)))
    return seats


def _sockets(options: Options, ports: Sequence[int], processes: Sequence[psutil.Process], seats: Sequence[Seat]) -> list[Row]:
    turns = QUICK_TURNS if options.quick else TURNS
    seconds, bare_seconds = (QUICK_SECONDS, QUICK_BARE_SECONDS) if options.quick else (SECONDS, BARE_SECONDS)
    seats = [replace(seat, port=ports[seat.port]) for seat in seats]
    bare_seats = [replace(seat, path=f"/ws/bare/{seat.session}/", t=0.0) for seat in seats]
    bare, ours, costs = [], [], []
    for turn in range(turns):
        harness.progress(f"turn {turn + 1} of {turns}: the bare socket for {bare_seconds:g} s, then the Director for {seconds:g} s")
        (told, _), idle = _costing(processes, bare_seats, bare_seconds, seed=turn)
        bare.append(told)
        (told, playheads), busy = _costing(processes, seats, seconds, seed=1000 + turn)
        ours.append(told)
        costs.append((idle, busy))
        seats = [replace(seat, seq=told.sent[seat.session], t=t) for seat, t in zip(seats, playheads, strict=True)]
    named = f"{len(seats)} sessions, {WEB_PROCESSES} web processes, 2 events/s each"
    return [
        row("live sessions", len(seats), "sessions"),
        *_latencies(f"{named}: event to acknowledgement", [one.acks for one in ours]),
        *_latencies(f"{named}: event to engagement", [one.engagement for one in ours], goal=Goal(at_most=50.0)),
        *_latencies(f"{named}: scene start to decision", [one.decisions for one in ours], goal=Goal(at_most=50.0)),
        *_latencies("bare socket with the same Redis calls: event to acknowledgement", [one.acks for one in bare]),
        row("acknowledgement p99 over the bare socket's", median(map(_times_bare, ours, bare)), "times"),
        row("web CPU per event", median(busy for _, busy in costs), "ms"),
        row("web CPU per event, bare socket", median(idle for idle, _ in costs), "ms"),
        row("load generator late, p99", median(_p99(one.late) for one in ours), "ms"),
        row("refused or closed", sum(len(one.refused) for one in ours), "answers", Goal(at_most=0)),
        *_counted(seats),
    ]  # fmt: skip


def _latencies(name: str, turns: Sequence[Sequence[float]], goal: Goal | None = None) -> Iterator[Row]:
    """The median of the turns: one of them may have met another program's burst."""
    for share, words in ((0.5, "p50"), (0.95, "p95"), (0.99, "p99")):
        value = median(percentile(took, share) for took in turns)
        yield row(f"{name}, {words}", value, "ms", goal if share == 0.99 else None)


def _times_bare(ours: Told, bare: Told) -> float:
    return _p99(ours.acks) / _p99(bare.acks)


def _p99(took: Sequence[float]) -> float:
    return percentile(took, 0.99)


def _costing(processes: Sequence[psutil.Process], seats: Sequence[Seat], seconds: float, *, seed: int) -> tuple[tuple[Told, list[float]], float]:
    """One turn in a process of its own, and the web processes' CPU milliseconds per event in it, connecting included."""
    before = sum(_cpu(process) for process in processes)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply(viewers.run, (list(seats), seconds, seed))
    spent = sum(_cpu(process) for process in processes) - before
    return found, spent * 1000 / max(1, len(found[0].acks))


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _counted(seats: Sequence[Seat]) -> Iterator[Row]:
    """Every number each session has sent, against the log."""
    from adplatform.eventlog import stream
    from adplatform.eventlog.envelope import SERVER_TYPES, decode

    found: Counter[tuple[uuid.UUID, int]] = Counter()
    last: bytes = b"-"
    while True:
        entries: Any = stream.client().xrange(stream.STREAM, min=last, count=5000)
        if not entries:
            break
        for _, fields in entries:
            event = decode(fields[stream.FIELD])
            if event.type not in SERVER_TYPES and event.session is not None:
                found[event.session, event.seq] += 1
        last = b"(" + entries[-1][0]
    sent = [(uuid.UUID(seat.session), seq) for seat in seats for seq in range(1, seat.seq + 1)]
    yield row("events sent", len(sent), "events")
    yield row("events lost", sum(not found[key] for key in sent), "events", Goal(at_most=0))
    yield row("events in the log more than once", sum(found[key] > 1 for key in sent), "events", Goal(at_most=0))


@contextlib.contextmanager
def _web() -> Iterator[tuple[list[int], list[psutil.Process]]]:
    """Web processes as the Procfile starts them, on free ports."""
    ports = [_free_port() for _ in range(WEB_PROCESSES)]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "daphne", "--verbosity", "0", "-b", "127.0.0.1", "-p", str(port), "benchmarks.bare_socket:application"],
            cwd=ROOT, env={**os.environ, "PORT": str(port), "DATABASE_POOL_SIZE": "32"}, stdout=subprocess.DEVNULL,
        )
        for port in ports
    ]  # fmt: skip
    try:
        for port in ports:
            _wait_until_it_answers(port)
        yield ports, [psutil.Process(process.pid) for process in running]
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(port: int) -> None:
    deadline = time.monotonic() + STARTING_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"http://127.0.0.1:{port}/healthz").is_success:
                return
        time.sleep(0.2)
    raise TimeoutError(f"the web process did not answer within {STARTING_SECONDS:.0f} s")


if __name__ == "__main__":
    harness.main("director", measure, arguments)
