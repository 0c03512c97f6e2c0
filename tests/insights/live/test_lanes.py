"""The publisher with its threads: slow, hanging and refused streams, and many of them, beside the main one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from insights.live import builds, publisher, store, streams
from insights.live.builds import lanes_of_threads
from insights.live.publisher import Publisher
from insights.live.streams import Kind, Stream

from .test_publisher import Clock

pytestmark = pytest.mark.django_db

Add = Callable[[str, Callable[[Stream, datetime], Mapping[str, Any]]], None]
Messages = dict[str, dict[str, str]]


@pytest.fixture
def kinds(monkeypatch: pytest.MonkeyPatch) -> Add:
    """Replace or add a kind of stream."""
    return lambda name, build: monkeypatch.setitem(streams._kinds, name, Kind(name, build, takes={"n": streams.number}))


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """A publisher that waits for nobody longer than a moment."""
    monkeypatch.setattr(publisher, "REST_SECONDS", 0.02)
    lanes = lanes_of_threads()
    yield Publisher(lanes=lanes)
    lanes.close()


def tick(one: Publisher, *keys: str) -> Messages:
    for key in keys:
        assert store.watch(key)
    return {message["stream"]: message for message in one.tick()}


def until(one: Publisher, condition: Callable[[Messages], bool], *keys: str) -> list[Messages]:
    """Tick until it is so; every tick on the way has brought the main stream."""
    seen = []
    for _ in range(2000):
        seen.append(tick(one, *keys))
        if condition(seen[-1]):
            return seen
    raise AssertionError(f"it never came to that; the last tick was {seen[-1]}")


def test_a_stream_that_hangs_holds_up_neither_the_main_one_nor_the_others(kinds: Add, beside: Publisher) -> None:
    over = threading.Event()
    kinds("now", lambda stream, now: {"figure": 1})
    kinds("hanging", lambda stream, now: {"waited": over.wait(30)})
    kinds("other", lambda stream, now: {"figure": 2})
    try:
        seen = until(beside, lambda messages: "other" in messages, "hanging", "other")
        seen += [tick(beside, "hanging", "other") for _ in range(5)]
        assert all(messages["now"]["type"] == "live.tick" for messages in seen)
        assert all("hanging" not in messages for messages in seen), "nothing is said of what was never built"
        assert seen[-1]["other"]["type"] == "live.tick"
    finally:
        over.set()
    assert until(beside, lambda messages: "hanging" in messages, "hanging")[-1]["hanging"]["body"] == '{"waited":true}'


def test_sixty_filters_each_have_their_turn_and_the_main_stream_every_tick(kinds: Add, beside: Publisher) -> None:
    built: Counter[str] = Counter()
    pause = threading.Event()

    def build(stream: Stream, now: datetime) -> dict[str, Any]:
        pause.wait(0.01)
        built[stream.key] += 1
        return {"figure": built[stream.key]}

    kinds("now", lambda stream, now: {"figure": 1})
    kinds("filtered", build)
    keys = [f"filtered?n={n}" for n in range(1, 60)]
    seen = until(beside, lambda messages: len(built) == len(keys) and min(built.values()) >= 2, *keys)
    assert all(messages["now"]["type"] == "live.tick" for messages in seen)
    assert max(built.values()) - min(built.values()) <= 1, "nobody has a second turn before everybody had the first"


def test_a_statement_that_takes_too_long_is_ended_and_the_stream_says_so(kinds: Add, beside: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builds, "READING", builds.READING.replace(str(builds.STATEMENT_MS), "100"))

    def endless(stream: Stream, now: datetime) -> dict[str, Any]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(60)")
        return {}

    kinds("now", lambda stream, now: {"figure": 1})
    kinds("endless", endless)
    messages = until(beside, lambda messages: "endless" in messages, "endless")[-1]
    assert (messages["endless"]["type"], messages["endless"]["what"]) == ("live.problem", "stream")
    assert messages["now"]["type"] == "live.tick", "the database is not away for that"


def test_a_database_that_hangs_is_told_with_the_time_since_when_and_recovers(kinds: Add, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publisher, "MAIN_SECONDS", 0.01)
    over = threading.Event()
    clock, lanes = Clock(), lanes_of_threads()
    began = clock.now
    hanging = Publisher(clock=clock, lanes=lanes)
    kinds("now", lambda stream, now: {"waited": over.wait(30)})
    try:
        said = until(hanging, bool)[-1]["now"]
        assert (said["type"], said["what"]) == ("live.problem", "database")
        assert timedelta(0) < datetime.fromisoformat(said["since"]) - began < publisher.HANGS
    finally:
        over.set()
    assert until(hanging, lambda messages: messages["now"]["type"] == "live.tick")
    lanes.close()


def test_a_slow_stream_that_everybody_left_is_not_built_when_its_turn_comes(kinds: Add, beside: Publisher) -> None:
    over, built = threading.Event(), Counter[str]()
    kinds("now", lambda stream, now: {"figure": 1})
    kinds("hanging", lambda stream, now: {"waited": over.wait(30)})
    kinds("queued", lambda stream, now: {"n": built.update([stream.key])})
    tick(beside, "hanging?n=1", "hanging?n=2", "queued")
    store.client().delete(store.WATCHED_KEY)
    tick(beside)
    over.set()
    until(beside, lambda _: not set(beside.running) - {store.MAIN})
    assert not built
