"""Real consumer processes, killed and cut off in the middle of their batches: nothing lost, nothing doubled."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from django.db import connection

from adplatform.eventlog import consumer, ids, stream
from adplatform.eventlog.partitions import ensure_partitions
from adplatform.models import DeadEvent
from engagement.models import PlaybackDay, PlaybackEvent, PlaybackHour, PlaybackMinute
from tests.adplatform.eventlog.conftest import make_event

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("own_handler")]

PATIENCE = 60


def start_consumer() -> subprocess.Popen[bytes]:
    """``manage.py consume_events`` on this test's own database and Redis number."""
    database = connection.settings_dict
    url = f"postgresql://{database['USER']}@{quote(str(database['HOST']), safe='')}/{database['NAME']}"
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.adplatform.eventlog.child.settings"}
    return subprocess.Popen([sys.executable, "manage.py", "consume_events"], env=environment, stderr=subprocess.PIPE)


@contextmanager
def consumers(number: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    running = [start_consumer() for _ in range(number)]
    try:
        yield running
    finally:
        for process in running:
            process.kill()
            process.communicate()


def wait_for(what: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < until, "the consumer did not get there"
        time.sleep(0.005)


def being_worked_on() -> bool:
    return int(stream.backlog()["pending"]) > 0


def append(count: int) -> None:
    """``count`` events, each of them twice, slow enough that a batch takes about a fifth of a second."""
    for first in range(0, count, 500):
        events = [make_event(number, data={"slow": 0.001}) for number in range(first, min(first + 500, count))]
        stream.append(events + events[::2])
        stream.append(events[1::2])


def assert_stored_once(count: int) -> None:
    consumer.drain()
    assert PlaybackEvent.objects.count() == count
    for grain in (PlaybackMinute, PlaybackHour, PlaybackDay):
        assert sum(grain.objects.values_list("pauses", flat=True)) == count
    assert DeadEvent.objects.count() == 0
    assert stream.backlog() == {"lag": 0, "pending": 0, "oldest_ms": None}


def cut_database_connections() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )


def cut_redis_connections() -> None:
    mine = stream.client().client_id()
    number = str(stream.client().connection_pool.connection_kwargs["db"])
    for other in stream.client().client_list():
        if other["db"] == number and int(other["id"]) != mine and other["cmd"].startswith(("xread", "xack", "xauto", "publish")):
            stream.client().client_kill_filter(_id=other["id"])


@pytest.mark.parametrize("kills", [3, pytest.param(40, marks=pytest.mark.soak)])
def test_consumers_killed_in_the_middle_of_batches_lose_nothing_and_double_nothing(kills: int) -> None:
    ensure_partitions([ids.day_of(ids.new_id())])
    chance, count = random.Random(7), 300 * kills
    append(count)
    for _ in range(kills):
        with consumers(2) as (first, second):
            wait_for(being_worked_on)
            time.sleep(chance.uniform(0.05, 0.6))
            first.send_signal(signal.SIGKILL)
            time.sleep(chance.uniform(0, 0.2))
            second.send_signal(signal.SIGKILL)
    assert_stored_once(count)


def test_a_consumer_cut_off_from_its_servers_waits_and_goes_on() -> None:
    ensure_partitions([ids.day_of(ids.new_id())])
    append(500)
    with consumers(1) as (process,):
        for cut in (cut_database_connections, cut_redis_connections, cut_database_connections):
            wait_for(being_worked_on)
            cut()
            time.sleep(0.3)
        wait_for(lambda: stream.backlog()["oldest_ms"] is None)
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert b"consumer_waiting" in said
    assert b"consumer_recovered" in said
    assert b"Traceback" not in said
    assert_stored_once(500)


def test_a_consumer_told_to_stop_finishes_its_batch_and_leaves_nothing_pending() -> None:
    ensure_partitions([ids.day_of(ids.new_id())])
    append(500)
    with consumers(1) as (process,):
        wait_for(being_worked_on)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 0
    backlog = stream.backlog()
    assert backlog["pending"] == 0
    assert backlog["lag"] > 0
    assert stream.client().xinfo_consumers(stream.STREAM, stream.GROUP) == []
    assert_stored_once(500)
