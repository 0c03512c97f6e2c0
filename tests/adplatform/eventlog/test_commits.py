"""Commits of many sockets at once: all in the log, in order, each with its state or not at all."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from adplatform.eventlog import commits, stream
from adplatform.eventlog.commits import Kept, Superseded, stamped, unstamped


def logged() -> list[bytes]:
    entries: Any = stream.client().xrange(stream.STREAM)
    return [fields[stream.FIELD] for _, fields in entries]


def kept(key: str, value: bytes, *, generation: int = 0) -> Kept:
    return Kept(key, stamped(value, generation=generation), 60)


async def test_what_many_commit_at_once_is_there_once_in_the_order_of_each_with_the_last_state() -> None:
    async def one(name: str) -> None:
        for number in range(20):
            payload = f"{name}.{number}".encode()
            await joined.commit([payload], kept(f"state:{name}", payload))
            assert payload in logged()

    names = [f"session-{number}" for number in range(8)]
    async with commits.joined() as joined:
        await asyncio.gather(*map(one, names))
    found = logged()
    assert len(found) == len(set(found)) == 160
    for name in names:
        assert [payload for payload in found if payload.startswith(f"{name}.".encode())] == [f"{name}.{number}".encode() for number in range(20)]
        state: Any = stream.client().get(f"state:{name}")
        assert unstamped(state) == f"{name}.19".encode()
        assert 0 < stream.client().ttl(f"state:{name}") <= 60


async def test_everybody_who_waits_hears_that_the_log_is_away_and_goes_on_when_it_is_back(settings: Any) -> None:
    here = settings.EVENTLOG_REDIS_URL
    async with commits.joined() as joined:
        await joined.commit([b"before"])
        settings.EVENTLOG_REDIS_URL = "redis://127.0.0.1:1/0"
        answers = await asyncio.gather(*(joined.commit([b"lost"]) for _ in range(5)), return_exceptions=True)
        assert [type(answer) for answer in answers] == [stream.LogUnavailable] * 5
        settings.EVENTLOG_REDIS_URL = here
        await joined.commit([b"after"])
    assert logged() == [b"before", b"after"]


async def test_a_state_of_an_earlier_generation_is_not_kept_and_its_events_are_logged() -> None:
    async with commits.joined() as joined:
        await joined.commit([b"first"], kept("state", b"new", generation=2))
        late, same = await asyncio.gather(
            joined.commit([b"late"], kept("state", b"old", generation=1)), joined.commit([b"other"], kept("elsewhere", b"x")), return_exceptions=True
        )
        await joined.commit([], kept("state", b"newer", generation=2))
    assert isinstance(late, Superseded)
    assert same is None
    assert logged() == [b"first", b"late", b"other"]
    state: Any = stream.client().get("state")
    assert unstamped(state) == b"newer"


async def test_when_too_much_waits_the_next_one_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commits, "MOST_WAITING", 3)
    async with commits.joined() as joined:
        answers = await asyncio.gather(*(joined.commit([b"%d" % number]) for number in range(5)), return_exceptions=True)
    assert [type(answer).__name__ for answer in answers] == ["NoneType"] * 3 + ["LogUnavailable"] * 2
    assert logged() == [b"0", b"1", b"2"]
