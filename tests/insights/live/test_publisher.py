"""Who publishes, in what order, and what happens when a server or a publisher goes away."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis

from adplatform.eventlog import stream
from insights.live import gauges, store, streams
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
    assert behind["oldest"] in (31.0, 32.0, 33.0)


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


def broken(stream: Stream, now: datetime) -> dict[str, Any]:
    raise ValueError("no figures today")


def test_a_stream_that_cannot_be_built_says_so_takes_no_other_away_and_recovers(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    publisher = Publisher(clock=clock)
    monkeypatch.setitem(streams._kinds, "some", Kind("some", lambda stream, now: {"figure": 7}))
    assert by_stream(publisher, clock, "some")["some"]["type"] == "live.tick"
    monkeypatch.setitem(streams._kinds, "some", Kind("some", broken))
    failing = by_stream(publisher, clock, "some")
    assert (failing["some"]["type"], failing["some"]["what"]) == ("live.problem", "stream")
    assert failing["now"]["type"] == "live.tick"
    assert by_stream(publisher, clock, "some")["some"]["since"] == failing["some"]["since"], "since when, not until when"
    assert json.loads(store.last("some") or "")["figure"] == 7, "its last figures stay as they were read"
    monkeypatch.setitem(streams._kinds, "some", Kind("some", lambda stream, now: {"figure": 8}))
    clock.now += timedelta(seconds=10)
    assert json.loads(by_stream(publisher, clock, "some")["some"]["body"]) == {"figure": 8}


def by_stream(publisher: Publisher, clock: Clock, *keys: str) -> dict[str, dict[str, str]]:
    for key in keys:
        assert store.watch(key, now=clock.now.timestamp())
    return {message["stream"]: message for message in publisher.tick()}


@pytest.mark.parametrize("built", [{"share": float("nan")}, {"version": [9, 9]}, {"at": datetime(2026, 11, 20, tzinfo=UTC)}])
def test_what_would_break_the_page_is_not_published(built: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(streams._kinds, "some", Kind("some", lambda stream, now: built))
    clock = Clock()
    assert by_stream(Publisher(clock=clock), clock, "some")["some"]["what"] == "stream"
    assert store.last("some") is None


def test_a_stream_with_nothing_in_it_is_still_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(streams._kinds, "some", Kind("some", lambda stream, now: {}))
    clock = Clock()
    by_stream(Publisher(clock=clock), clock, "some")
    assert json.loads(store.last("some") or "")["stream"] == "some"


def test_what_was_not_kept_is_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the older figures in Redis would stand under the newer ones' name."""
    clock = Clock()
    publisher = Publisher(clock=clock)
    publisher.tick()
    monkeypatch.setitem(streams._kinds, "now", Kind("now", lambda stream, now: {"figure": 2}))
    keep = store.keep

    def lost(*_: Any, **__: Any) -> bool:
        raise redis.ConnectionError("gone while it was told")

    monkeypatch.setattr(store, "keep", lost)
    assert publisher.tick() == []
    monkeypatch.setattr(store, "keep", keep)
    (message,) = publisher.tick()
    assert json.loads(message["body"]) == {"figure": 2}
    assert json.loads(store.last() or "")["figure"] == 2


def test_versions_of_each_stream_grow_over_a_takeover() -> None:
    clock = Clock()
    first, second = Publisher(clock=clock), Publisher(clock=clock)
    keys = ["now?title=1", "now?title=2"] if "title" in streams._kinds["now"].takes else []
    before = by_stream(first, clock, *keys)
    first.leave()
    after = by_stream(second, clock, *keys)
    assert before.keys() == after.keys()
    for key, message in after.items():
        assert (int(message["fence"]), int(message["n"])) > (int(before[key]["fence"]), int(before[key]["n"]))


def test_one_person_may_add_only_so_many_filters_at_once() -> None:
    assert all(store.watch(f"stream {number}", who=1, now=100.0) for number in range(store.MOST_NEW))
    assert not store.watch("one more", who=1, now=100.0)
    assert store.watch("stream 3", who=1, now=100.0), "what is watched already costs nothing more"
    assert store.watch("one more", who=2, now=100.0), "others are not held back"


def test_streams_are_counted() -> None:
    store.watch("now")
    store.watch("now?title=1")
    counted = {name: value for name, _, value in gauges.readings()}
    assert counted["intermission_live_streams"] == 2
    assert counted["intermission_live_streams_most"] == 60
