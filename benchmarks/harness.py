"""What every benchmark shares: its own servers, a fresh database, how to time, and how to say what was measured on what."""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import math
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("django", "psycopg", "redis", "msgspec", "numpy", "onnxruntime", "channels", "daphne")


@dataclass(frozen=True, slots=True)
class Goal:
    """``at_least`` or ``at_most``, never both."""

    at_least: float | None = None
    at_most: float | None = None

    def met(self, value: float) -> bool:
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)

    @property
    def bound(self) -> float | None:
        return self.at_least if self.at_least is not None else self.at_most


@dataclass(frozen=True, slots=True)
class Row:
    """One figure as measured. ``goal`` and ``met`` are None where the figure is only there to compare with; ``met`` says
    whether the value lies on the right side of the goal. ``low`` and ``high`` are its 95 % interval, where there is one."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    met: bool | None = None
    low: float | None = None
    high: float | None = None

    def as_json(self) -> dict[str, Any]:
        kept = asdict(self)
        if self.low is None:
            del kept["low"], kept["high"]
        return kept


def row(name: str, value: float, unit: str, goal: Goal | None = None, *, interval: tuple[float, float] | None = None) -> Row:
    low, high = interval or (None, None)
    return Row(name, value, unit, goal.bound if goal else None, goal.met(value) if goal else None, low, high)


@dataclass(frozen=True, slots=True)
class Options:
    """``own`` holds the arguments that one benchmark has beside those of all."""

    quick: bool
    own: argparse.Namespace = field(default_factory=argparse.Namespace)


Measure = Callable[[Options], Sequence[Row]]


def main(name: str, measure: Measure, add_arguments: Callable[[argparse.ArgumentParser], None] | None = None) -> None:
    """Run one benchmark as ``python -m benchmarks.NAME [--quick] [--json]``; ``add_arguments`` declares what else it takes."""
    parser = argparse.ArgumentParser(prog=f"python -m benchmarks.{name}", description=sys.modules["__main__"].__doc__)
    parser.add_argument("--quick", action="store_true", help="at most 60 seconds, with wider scatter")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    if add_arguments is not None:
        add_arguments(parser)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        _bring_up(stack)
        described = {"benchmark": name, "machine": machine(), "versions": versions()}
        result = described | {"rows": [row.as_json() for row in measure(Options(quick=arguments.quick, own=arguments))]}
    print(json.dumps(result) if arguments.json else table(result))


def _bring_up(stack: ExitStack) -> None:
    """Servers of the benchmarks' own with an empty, migrated database. Never those of an installation: measuring empties tables."""
    for variable in ("DATABASE_URL", "INSIGHTS_DATABASE_URL", "REDIS_URL", "EVENTLOG_REDIS_URL"):
        os.environ.pop(variable, None)
        os.environ.pop(f"{variable}_FILE", None)
    os.environ["INTERMISSION_TESTING"] = "1"  # settings leave .env alone, which may name an installation's servers
    os.environ["INTERMISSION_VAR"] = str(Path(os.environ.get("INTERMISSION_VAR") or ROOT / "var") / "bench")
    os.environ["DJANGO_SETTINGS_MODULE"] = "adplatform.settings"
    os.environ.setdefault("LOG_LEVEL", "WARNING")
    from adplatform import runtime

    stack.enter_context(runtime.servers())
    _fresh_database(runtime.places())
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    empty_redis()


def _fresh_database(here: Any) -> None:
    """An earlier checkout may have left tables of another shape."""
    import psycopg
    from psycopg import sql

    from adplatform import runtime

    with psycopg.connect(here.database_url("postgres"), dbname="postgres", autocommit=True) as connection:
        name = sql.Identifier(runtime.DATABASE)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, sql.Identifier(runtime.APP_ROLE)))


def empty() -> None:
    """Leave no row and no key of an earlier measurement."""
    from django.core.management import call_command

    call_command("flush", interactive=False, verbosity=0)
    empty_redis()


def empty_redis() -> None:
    """Leave no key of an earlier measurement."""
    import redis
    from django.conf import settings

    for url in (settings.CACHE_REDIS_URL, settings.CHANNELS_REDIS_URL, settings.EVENTLOG_REDIS_URL):
        with redis.Redis.from_url(url) as client:
            client.flushdb()


def seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least ``share`` (0-1) of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def machine() -> dict[str, Any]:
    return {
        "cpu": _cpu_name(),
        "cores": psutil.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "load_before": round(psutil.getloadavg()[0], 2),
    }


def _cpu_name() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def versions() -> dict[str, str]:
    from django.db import connection

    from adplatform.eventlog import stream

    known = {"python": platform.python_version()} | {name: importlib.metadata.version(name) for name in PACKAGES}
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        known["postgresql"] = cursor.fetchone()[0]
    info: Any = stream.client().info("server")
    return known | {"redis-server": info["redis_version"]}


def progress(words: str) -> None:
    """What a long benchmark is at, on stderr: stdout is for its result."""
    print(f"{time.strftime('%H:%M:%S', time.gmtime())}  {words}", file=sys.stderr, flush=True)


def interval(row: dict[str, Any]) -> str:
    return f"({row['low']:,.4g} to {row['high']:,.4g})" if row.get("low") is not None else ""


def table(result: dict[str, Any]) -> str:
    """The result as text: one line a figure, a miss called a miss."""
    lines = [f"{result['benchmark']}", ""]
    width = max(len(row["name"]) for row in result["rows"])
    for row in result["rows"]:
        verdict = {None: "", True: "met", False: "MISSED"}[row["met"]]
        goal = f"goal {row['goal']:,g}" if row["goal"] is not None else ""
        lines.append(f"  {row['name']:<{width}}  {row['value']:>14,.6g} {row['unit']:<12} {interval(row):<24} {goal:<16} {verdict}".rstrip())
    described = ", ".join(f"{key} {value}" for key, value in result["machine"].items())
    return "\n".join([*lines, "", f"  machine: {described}", "  versions: " + ", ".join(f"{k} {v}" for k, v in result["versions"].items())])
