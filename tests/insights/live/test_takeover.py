"""Publishers as processes of their own: killed, stopped, and cut off from their servers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import pytest
from django.db import connection

from insights.live import store

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[3]


class Publishing:
    def __init__(self, log: IO[str]) -> None:
        database = connection.settings_dict
        url = f"postgresql://{database['USER']}@{quote(str(database['HOST']), safe='')}/{database['NAME']}"
        environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
        command = [sys.executable, "manage.py", "publish_live"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=log, stdout=log)

    def end(self, number: int) -> None:
        self.process.send_signal(number)
        self.process.wait(20)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[IO[str]]:
    with (tmp_path / "publisher.log").open("w") as handle:
        yield handle


KEYS = (store.MAIN, "now?campaign=3", "trend?range=15m")
Version = tuple[int, int]


class Pages:
    """What pages of several streams would have: each newer snapshot, and never an older one after it."""

    def __init__(self) -> None:
        self.versions: dict[str, Version] = dict.fromkeys(KEYS, (0, 0))

    def look(self) -> Version:
        """The version that every stream has reached."""
        for key in KEYS:
            assert store.watch(key)
            if body := store.last(key):
                fence, n = json.loads(body)["version"]
                assert (fence, n) >= self.versions[key], f"{key} went back"
                self.versions[key] = (fence, n)
        return min(self.versions.values())


def wait_for(condition: Callable[[], bool], publishing: Publishing) -> None:
    deadline = time.monotonic() + 100
    while not condition():
        assert publishing.process.poll() is None, "the publisher ended by itself"
        assert time.monotonic() < deadline, "the publisher did not get there"
        time.sleep(0.05)


def cut_database_connections() -> None:
    with connection.cursor() as cursor:
        statement = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
        cursor.execute(statement, [connection.settings_dict["NAME"]])


def test_figures_go_on_through_a_cut_connection_a_kill_and_a_stop(log: IO[str]) -> None:
    first, second = Publishing(log), Publishing(log)
    pages = Pages()
    try:
        wait_for(lambda: pages.look() > (0, 1), first)
        cut_database_connections()
        before = pages.look()
        wait_for(lambda: pages.look() > (before[0], before[1] + 2), first)
        speaking, other = (first, second) if str(first.process.pid) in lease_holder() else (second, first)
        speaking.end(signal.SIGKILL)
        wait_for(lambda: pages.look()[0] > before[0], other)
        other.end(signal.SIGTERM)
        assert other.process.returncode == 0
        assert lease_holder() == ""
    finally:
        for publishing in (first, second):
            if publishing.process.poll() is None:
                publishing.end(signal.SIGKILL)
    written = Path(log.name).read_text()
    assert "live_publisher_waits" not in written, "a cut connection is replaced, and no page says that the database is away"


def lease_holder() -> str:
    holder: Any = store.client().get(store.LEASE_KEY)
    return holder.decode() if holder else ""
