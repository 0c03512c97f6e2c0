"""Processes of their own for the tests of money: one interpreter that forks as many real processes as it is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote


def database_environment() -> dict[str, str]:
    """The environment in which another process works on this test's database and Redis number."""
    from django.db import connection

    database = connection.settings_dict
    url = f"postgresql://{database['USER']}@{quote(str(database['HOST']), safe='')}/{database['NAME']}"
    return {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}


def start(task: str, **arguments: Any) -> subprocess.Popen[bytes]:
    """Run one of the tasks below in another process, on this test's database and Redis number."""
    return subprocess.Popen([sys.executable, "-m", "tests.ads.child", task, json.dumps(arguments)], env=database_environment())


def watch(*, processes: int, requests: int, viewers: list[str], at: str) -> int:
    """In each of ``processes`` so many breaks, of viewers drawn in turn: decided, and every ad in them reported twice. Every third
    process stores what waits in the log now and then, as several consumers would."""
    children = []
    for number in range(processes):
        child = os.fork()
        if not child:
            os._exit(_watch(number, processes, requests, viewers, datetime.fromisoformat(at)))
        children.append(child)
    return max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)


def _watch(process: int, processes: int, requests: int, viewers: list[str], at: datetime) -> int:
    from adplatform.eventlog import consumer
    from ads.serving import serve_break
    from tests.ads.inventory import make_request, track

    for number in range(requests):
        viewer = uuid.UUID(viewers[(number * processes + process) % len(viewers)])
        served = serve_break(make_request(viewer=viewer, consent=True, max_ads=3), now=at)
        for ad in served.ads:
            track(ad.token, "ad.impression", at=at + timedelta(seconds=1))
            track(ad.token, "ad.impression", at=at + timedelta(seconds=1))
        if process % 3 == 0 and number % 12 == 11:
            consumer.drain(now=at + timedelta(seconds=1))
    return 0


def die_before_answering(*, session: str, at: str) -> int:
    """Decide and reserve a break whose best ad another viewer takes meanwhile, and be killed where the answer would be written."""
    from ads import serving as served
    from tests.ads.inventory import make_request

    serving: Any = served
    now, decide = datetime.fromisoformat(at), serving._decide

    def late(*asked: Any) -> Any:
        serving._decide = decide
        decided = decide(*asked)
        serving.serve_break(make_request(max_ads=1), now=now)
        return decided

    serving._decide = late
    serving._answer = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
    serving.serve_break(make_request(session=uuid.UUID(session), max_ads=1), now=now)
    return 0


if __name__ == "__main__":
    import django

    django.setup()
    TASKS: dict[str, Callable[..., int]] = {"watch": watch, "die_before_answering": die_before_answering}
    sys.exit(TASKS[sys.argv[1]](**json.loads(sys.argv[2])))
