"""Who publishes, in what order, and what happens when a server or a publisher goes away."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adplatform.eventlog import stream
from insights.live import store, streams
from insights.live.publisher import Publisher
from insights.live.streams import Kind, Stream

pytestmark = pytest.mark.django_db


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 14, 37, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now


def version(messages: list[dict[str, str]]) -> tuple[int, int]:
    (message,) = messages
    fence, n = json.loads(message["meta"])["version"]
    assert (message["fence"], message["n"]) == (str(fence), str(n))
    return fence, n


def test_versions_grow_and_the_last_snapshot_is_kept() -> None:
    publisher = Publisher(clock=Clock())
    first, second = publisher.tick(), publisher.tick()
    assert version(second) > version(first)
    last = json.loads(store.last() or "")
    assert last["version"] == list(version(second))
    assert last["tiles"]["impressions"]["value"] == 0


def test_only_one_of_two_publishers_speaks() -> None:
    leader, standby = Publisher(clock=Clock()), Publisher(clock=Clock())
    assert leader.tick()
    assert standby.tick() == []
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
    newer = version(other.tick())
    assert not store.keep(lease, store.MAIN, meta="{}", body="{}")
    assert json.loads(store.last() or "")["version"] == list(newer)


def test_versions_grow_even_after_redis_lost_its_memory() -> None:
    clock = Clock()
    before = version(Publisher(clock=clock).tick())
    store.client().flushdb()
    clock.now += timedelta(seconds=2)
    assert version(Publisher(clock=clock).tick()) > before


def log_state(publisher: Publisher) -> dict[str, object]:
    (message,) = publisher.tick()
    state: dict[str, object] = json.loads(message["meta"])["log"]
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


def test_what_did_not_change_is_told_without_being_sent_again() -> None:
    publisher = Publisher(clock=Clock())
    (first,), (second,) = publisher.tick(), publisher.tick()
    assert first["body"] and not second["body"]
    assert first["content"] == second["content"]


def test_a_filter_is_published_while_somebody_watches_it_and_no_longer() -> None:
    clock = Clock()
    publisher = Publisher(clock=clock)
    assert store.watch("now", now=clock.now.timestamp())
    assert [message["stream"] for message in publisher.tick()] == ["now"]
    assert store.watch("nothing", now=clock.now.timestamp())
    assert [message["stream"] for message in publisher.tick()] == ["now"], "what no release knows is left out"
    assert store.watched(now=clock.now.timestamp() + store.WATCHED_SECONDS + 1) == []


def test_there_are_only_so_many_streams_at_once(settings: Any) -> None:
    settings.LIVE_MOST_STREAMS = 2
    assert store.watch("one", now=100.0) and store.watch("two", now=100.0)
    assert not store.watch("three", now=101.0)
    assert store.watch("one", now=101.0), "what is watched already costs nothing more"
    assert store.watch("three", now=100.0 + store.WATCHED_SECONDS), "who stopped watching makes room"


def test_a_stream_that_cannot_be_built_says_so_and_takes_no_other_away(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(stream: Stream, now: datetime) -> dict[str, Any]:
        raise ValueError("no figures today")

    monkeypatch.setitem(streams._kinds, "broken", Kind("broken", broken))
    clock = Clock()
    store.watch("broken", now=clock.now.timestamp())
    sent = {message["stream"]: json.loads(message["body"]) for message in Publisher(clock=clock).tick()}
    assert "could not be put together" in sent["broken"]["failed"]
    assert "tiles" in sent["now"]
