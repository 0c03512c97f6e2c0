"""One ad break decided, from targeting to reservation, with 1,000 live flights and the scorer as served. `python -m benchmarks.decision`."""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adplatform.settings")
os.environ.setdefault("INTERMISSION_VAR", str(Path(__file__).resolve().parent.parent / "var" / "bench"))

GOALS = {1000: (1.5, 4.0), 100: (1.0, None)}
DEVICES = ("tv", "desktop", "mobile", "tablet")
GENRES = ("drama", "comedy", "action", "nature", "sci-fi", "thriller")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true")
    options.add_argument("--json", action="store_true")
    arguments = options.parse_args()
    from adplatform import runtime

    with runtime.servers():
        _prepare()
        rows = [row for flights in (10, 100, 1000) for row in _measure(flights, 300 if arguments.quick else 2000)]
    report = {
        "benchmark": "decision",
        "machine": _machine(),
        "versions": {name: version(name) for name in ("numpy", "redis", "onnxruntime")},
        "rows": rows,
    }
    print(json.dumps(report) if arguments.json else _table(report))


def _prepare() -> None:
    import logging

    import django

    django.setup()
    logging.disable(logging.INFO)
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def _measure(flights: int, times: int) -> Iterator[dict[str, Any]]:
    """Whole `serve_break` and, on the same inventory, the floor: bare masks and one small script call in Redis."""
    import numpy as np

    from adplatform.eventlog import stream
    from ads import live_inventory
    from ads.decision import targeting
    from ads.serving import serve_break

    with _inventory(flights):
        requests = [_request(number) for number in range(times + 50)]
        now = datetime.now(UTC)
        generator = np.random.default_rng(1)
        for request in requests[:50]:
            serve_break(request, now=now, rng=generator)
        filled = 0

        def decide(number: int) -> None:
            nonlocal filled
            filled += bool(serve_break(requests[50 + number], now=now, rng=generator).ads)

        took = _timed(decide, times)
        inventory = live_inventory.current(stream.client())
        client, moment = stream.client(), now.timestamp()

        def floor(number: int) -> None:
            masks = [mask for _, mask in targeting.failures(inventory, requests[number], moment)]
            np.flatnonzero(~np.logical_or.reduce(masks))
            client.eval("return redis.call('INCRBY', KEYS[1], ARGV[1])", 1, "bench:floor", 1)

        bare = _timed(floor, times)
    goal50, goal99 = GOALS.get(flights, (None, None))
    yield _row(f"{flights} flights, p50", took, 50, goal50)
    yield _row(f"{flights} flights, p99", took, 99, goal99)
    yield _row(f"{flights} flights, floor p50", bare, 50, None)
    yield _row(f"{flights} flights, floor p99", bare, 99, None)
    yield {"name": f"{flights} flights, breaks filled", "value": round(filled / times, 3), "unit": "share", "goal": None, "met": None}


def _timed(call: Callable[[int], None], times: int) -> list[float]:
    took = []
    for number in range(times):
        started = time.perf_counter()
        call(number)
        took.append((time.perf_counter() - started) * 1000)
    return took


@contextmanager
def _inventory(flights: int) -> Iterator[None]:
    """That many live flights with an ad each, targeting as a busy season's does, in a database that is left empty again."""
    from django.db import connection

    from adplatform.eventlog import stream

    stream.client().flushdb()
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE ads_advertiser, catalog_mediaasset, ads_inventorysnapshot CASCADE")
    _create(flights)
    yield
    stream.client().flushdb()


def _create(flights: int) -> None:
    from ads.models import Ad, Advertiser, Campaign, Flight, FlightBalance
    from catalog.models import MediaAsset

    dice = random.Random(7)
    now = datetime.now(UTC)
    owners = Advertiser.objects.bulk_create([Advertiser(name=f"Advertiser {n}", category="travel") for n in range(max(4, flights // 10))])
    campaigns = Campaign.objects.bulk_create([Campaign(name=f"Campaign {n}", advertiser=dice.choice(owners)) for n in range(max(5, flights // 3))])
    made = Flight.objects.bulk_create(
        [
            Flight(
                campaign=dice.choice(campaigns), name=f"Flight {n}", state="live", starts_at=now - timedelta(days=9), ends_at=now + timedelta(days=9),
                pricing=dice.choice(["cpm", "cpm", "cpc", "cpcv"]), bid_micros=0, goal_amount=10**7, budget_micros=10**12,
                pacing=dice.choice(["even", "asap", "front_loaded"]), targeting=_targeting(dice),
                frequency_caps=[{"scope": "viewer", "count": 5, "seconds": 86_400}] if dice.random() < 0.7 else [],
            )
            for n in range(flights)
        ]
    )  # fmt: skip
    for flight in made:
        flight.bid_micros = {"cpm": dice.randint(4, 30) * 10**6, "cpc": dice.randint(300, 1500) * 1000, "cpcv": dice.randint(8, 40) * 1000}[
            flight.pricing
        ]
    Flight.objects.bulk_update(made, ["bid_micros"])
    FlightBalance.objects.bulk_create([FlightBalance(flight=flight) for flight in made])
    clips = MediaAsset.objects.bulk_create(
        [MediaAsset(kind="ad", key=f"ad-{n}", path="x", duration=dice.choice([6.0, 10.0, 15.0]), state="ready") for n in range(flights)]
    )
    Ad.objects.bulk_create(
        [
            Ad(flight=flight, name=f"Ad {n}", asset=clip, category=dice.choice(["travel", "finance", "gaming", "retail"]),
               click_through="https://brand.example/", universal_ad_id=f"bench/{n}", review="approved")
            for n, (flight, clip) in enumerate(zip(made, clips, strict=True))
        ]
    )  # fmt: skip


def _targeting(dice: random.Random) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if dice.random() < 0.5:
        found["genres"] = dice.sample(GENRES, 3)
    if dice.random() < 0.4:
        found["devices"] = dice.sample(DEVICES, 2)
    if dice.random() < 0.3:
        found["dayparts"] = list(range(17, 24))
    if dice.random() < 0.3:
        found["age_bands"] = dice.sample(["18-24", "25-34", "35-44", "45-54"], 2)
    return found


def _request(number: int) -> Any:
    from ads.decision.request import AdRequest

    dice = random.Random(number)
    return AdRequest(
        session=uuid.UUID(int=dice.getrandbits(128)), viewer=uuid.UUID(int=number % 500), consent=True, break_id="b1", break_position="mid",
        break_index=1, duration=30.0, max_ads=2, device=dice.choice(DEVICES), hour=dice.randint(0, 23), weekday=dice.randint(0, 6), title=1,
        genres=(dice.choice(GENRES),), age_band=dice.choice(["18-24", "25-34", "35-44"]), gender="female", tier="ads", monthly_hours=20.0,
        favourite_genres=("drama",),
    )  # fmt: skip


def _row(name: str, took: list[float], percentile: int, goal: float | None) -> dict[str, Any]:
    value = sorted(took)[min(len(took) - 1, len(took) * percentile // 100)]
    return {"name": name, "value": round(value, 3), "unit": "ms", "goal": goal, "met": None if goal is None else value <= goal}


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def _table(report: dict[str, Any]) -> str:
    verdict = {True: "met", False: "MISSED", None: ""}
    lines = [f"decision, on {report['machine']}; {report['versions']}; scorer: the champion, or the smoothed rates where there is none"]
    lines += [f"{row['name']:<34}{row['value']:>10} {row['unit']:<6} goal {row['goal'] or '-':<6} {verdict[row['met']]}" for row in report["rows"]]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
