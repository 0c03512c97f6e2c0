"""Who publishes, in what order, and what happens when a server or a publisher goes away."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adplatform.eventlog import stream
from insights.live import store
from insights.live.publisher import Publisher

pytestmark = pytest.mark.django_db


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 14, 37, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def version(message: dict[str, str] | None) -> tuple[int, int]:
    assert message is not None
    fence, n = json.loads(message["body"])["version"]
    assert (message["fence"], message["n"]) == (str(fence), str(n))
    return fence, n


def test_versions_grow_and_the_last_snapshot_is_kept() -> None:
    publisher = Publisher(clock=Clock())
    first, second = publisher.tick(), publisher.tick()
    assert version(second) > version(first)
    assert second is not None
    assert store.last() == second["body"]


def test_only_one_of_two_publishers_speaks() -> None:
    leader, standby = Publisher(clock=Clock()), Publisher(clock=Clock())
    assert leader.tick()
    assert standby.tick() is None
    assert leader.tick()


def test_a_publisher_that_leaves_is_followed_at_once_by_a_larger_version() -> None:
    leader, standby = Publisher(clock=Clock()), Publisher(clock=Clock())
    before = version(leader.tick())
    leader.leave()
    assert version(standby.tick()) > before


def test_the_lease_ends_by_itself_within_two_seconds() -> None:
    Publisher(clock=Clock()).tick()
    remaining = store.client().pttl(store.LEASE_KEY)
    assert 0 < remaining <= store.LEASE_MS == 2000


def test_a_publisher_that_slept_through_its_lease_stays_silent() -> None:
    sleeper, other = Publisher(clock=Clock()), Publisher(clock=Clock())
    sleeper.tick()
    lease = sleeper.lease
    assert lease is not None
    store.client().delete(store.LEASE_KEY)
    newer = other.tick()
    assert newer is not None
    assert not store.keep(lease, "{}")
    assert store.last() == newer["body"]


def test_versions_grow_even_after_redis_lost_its_memory() -> None:
    clock = Clock()
    before = version(Publisher(clock=clock).tick())
    store.client().flushdb()
    clock.now += timedelta(seconds=2)
    assert version(Publisher(clock=clock).tick()) > before


def log_state(publisher: Publisher) -> dict[str, object]:
    message = publisher.tick()
    assert message is not None
    state: dict[str, object] = json.loads(message["body"])["log"]
    return state


def test_a_snapshot_tells_how_old_the_oldest_uncounted_event_is() -> None:
    clock = Clock()
    publisher = Publisher(clock=clock)
    assert log_state(publisher) == {"away": False, "oldest": 0.0, "unread": 0}
    sent = int(clock.now.timestamp() * 1000) - 30_000
    stream.client().xadd(stream.STREAM, {stream.FIELD: b"waiting"}, id=f"{sent}-0")
    behind = log_state(publisher)
    assert (behind["away"], behind["unread"]) == (False, 1)
    # The clock goes on by a second each time it is asked.
    assert behind["oldest"] in (31.0, 32.0)


def test_figures_go_on_while_the_event_log_is_away(settings: Any) -> None:
    settings.EVENTLOG_REDIS_URL = "unix:///nonexistent/redis.sock?db=0"
    assert log_state(Publisher(clock=Clock())) == {"away": True, "oldest": None, "unread": None}


def test_yesterday_is_read_once_a_minute() -> None:
    clock = Clock()
    publisher = Publisher(clock=clock)
    publisher.tick()
    compared = publisher.compared
    publisher.tick()
    assert publisher.compared is compared
    clock.now += timedelta(minutes=1)
    publisher.tick()
    assert publisher.compared is not compared
