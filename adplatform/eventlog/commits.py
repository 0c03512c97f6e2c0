"""Group commit: what the sockets of one process append and keep goes to Redis together, every few milliseconds.

A commit is all or nothing: its events are in the log, in order, and its state is kept, or neither is. Commits made one after the other are
stored in that order.
"""

from __future__ import annotations

import asyncio
import hashlib
import weakref
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import redis
import redis.asyncio
from django.conf import settings
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from .stream import FIELD, STREAM, LogUnavailable

# A lone event hardly notices; under load it makes one round trip of many.
GATHER_SECONDS = 0.002
MOST_TOGETHER = 500
# Whoever comes when so much waits is sent away: the log is slower than its senders.
MOST_WAITING = 5_000
TIMEOUT_SECONDS = 5.0
GENERATION_DIGITS = 6

# One command, so that nothing can come between its parts. An error of the first write leaves nothing written. A value begins with the
# digits of its generation; of another generation only a later one takes its place.
SCRIPT = f"""
local events, superseded = tonumber(ARGV[1]), {{}}
for n = 2, events + 1 do redis.call('XADD', KEYS[1], '*', '{FIELD.decode()}', ARGV[n]) end
for n = 2, #KEYS do
    local value, seconds = ARGV[events + 2 * n - 2], ARGV[events + 2 * n - 1]
    local before = redis.call('GETRANGE', KEYS[n], 0, {GENERATION_DIGITS - 1})
    if before == '' or tonumber(before) <= tonumber(string.sub(value, 1, {GENERATION_DIGITS})) then
        redis.call('SET', KEYS[n], value, 'EX', seconds)
    else
        superseded[#superseded + 1] = KEYS[n]
    end
end
return superseded"""
SHA = hashlib.sha1(SCRIPT.encode(), usedforsecurity=False).hexdigest()


class Superseded(RuntimeError):
    """The events are in the log, but somebody keeps a later generation of the state."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A key's next value, and for how many seconds it is kept. ``value`` is one that `stamped` made."""

    key: str
    value: bytes
    seconds: int


def stamped(value: bytes, *, generation: int) -> bytes:
    """A value as it is kept: one of an earlier ``generation`` never replaces one of a later."""
    return b"%0*d" % (GENERATION_DIGITS, generation) + value


def unstamped(kept: bytes) -> bytes:
    return kept[GENERATION_DIGITS:]


@dataclass(frozen=True, slots=True)
class _Waiting:
    payloads: Sequence[bytes]
    kept: Kept | None
    done: asyncio.Future[None]


class Commits:
    """The commits of one event loop; use `joined` to get it."""

    def __init__(self) -> None:
        self.users = 0
        self._waiting: list[_Waiting] = []
        self._flushing: asyncio.Task[None] | None = None
        self._clients: dict[str, redis.asyncio.Redis] = {}

    async def commit(self, payloads: Sequence[bytes], kept: Kept | None = None) -> None:
        """Returns once the encoded events are in the log and ``kept`` with them. Raises LogUnavailable: then the sender has to send
        them again, since nobody knows whether they arrived. Raises Superseded."""
        if len(self._waiting) >= MOST_WAITING:
            raise LogUnavailable(f"{MOST_WAITING} commits wait for Redis already")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(payloads, kept, done))
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        await done

    async def _flush(self) -> None:
        """One round trip at a time, so that the order in which commits came is the order in the log."""
        try:
            while self._waiting:
                await asyncio.sleep(GATHER_SECONDS)
                batch, self._waiting = self._waiting[:MOST_TOGETHER], self._waiting[MOST_TOGETHER:]
                try:
                    superseded = await self._store(batch)
                except (redis.exceptions.RedisError, OSError) as error:
                    _settle(batch, LogUnavailable(str(error) or type(error).__name__))
                else:
                    late = [one for one in batch if one.kept is not None and one.kept.key.encode() in superseded]
                    _settle(late, Superseded(f"a later generation is kept of {len(superseded)} keys"))
                    _settle(batch, None)
        finally:
            self._flushing = None
            left, self._waiting = self._waiting, []
            _settle(left, LogUnavailable("the commits of this process ended"))

    async def _store(self, batch: Sequence[_Waiting]) -> list[bytes]:
        """Returns the keys of which a later generation is kept."""
        payloads = [payload for one in batch for payload in one.payloads]
        # The last value of a key is the one that counts, and each names the state after all of its events before.
        kept = {one.kept.key: one.kept for one in batch if one.kept is not None}
        values = [part for one in kept.values() for part in (one.value, one.seconds)]
        arguments: list[Any] = [STREAM, *kept, len(payloads), *payloads, *values]
        client = self._client()
        try:
            superseded: Any = await client.evalsha(SHA, 1 + len(kept), *arguments)
        except redis.exceptions.NoScriptError:
            superseded = await client.eval(SCRIPT, 1 + len(kept), *arguments)
        return list(superseded)

    def _client(self) -> redis.asyncio.Redis:
        """Never tries again by itself: what was sent may have been stored."""
        url = settings.EVENTLOG_REDIS_URL
        if url not in self._clients:
            self._clients[url] = redis.asyncio.Redis.from_url(
                url, retry=Retry(NoBackoff(), 0), socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
            )
        return self._clients[url]

    async def close(self) -> None:
        if self._flushing is not None:
            await self._flushing
        for client in self._clients.values():
            await client.aclose()
        self._clients.clear()


def _settle(batch: Sequence[_Waiting], error: LogUnavailable | Superseded | None) -> None:
    for one in batch:
        if one.done.done():
            continue
        if error is None:
            one.done.set_result(None)
        else:
            one.done.set_exception(error)


_by_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Commits] = weakref.WeakKeyDictionary()


@asynccontextmanager
async def joined() -> AsyncIterator[Commits]:
    """The commits of this event loop, for as long as the block lasts; its connection closes with the last one who leaves."""
    commits = _by_loop.setdefault(asyncio.get_running_loop(), Commits())
    commits.users += 1
    try:
        yield commits
    finally:
        commits.users -= 1
        if not commits.users:
            await commits.close()
