"""The dashboards' socket. It holds no figure and no logic: permission, groups, relay."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Awaitable, Collection
from dataclasses import dataclass, field
from typing import Any, TypeVar

import redis
import structlog
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseError

from engagement.playback.messages import TokenBucket
from insights.live import keeper, store
from insights.live.permissions import NotAllowed, Rights, Visit, name_of, rights, user_group
from insights.live.streams import BadStream, parse

log = structlog.get_logger(__name__)

SIGNED_OUT = 4401
NOT_ALLOWED = 4403
FLOODING = 4429
TRY_AGAIN_LATER = 1013
UNSEEN_LIMIT = 3
MOST_STREAMS = 8
LARGEST_MESSAGE = 8192
# A page that shows MOST_STREAMS answers as many messages a second; the rest is for who turns through filters.
MESSAGES_A_SECOND = 20.0
BURST = 120.0
# Taking up a stream asks Redis three times and sends a whole snapshot.
STREAM_COST = 4
LAYER_SECONDS = 5.0
SILENT_SECONDS = 5.0
FULL = "so many different filters are watched just now that this one finds no place; watch it with fewer filters or try again in a minute"
FLOOD = "too many messages; ask for at most a few filters a second"

Done = TypeVar("Done")


@dataclass(slots=True)
class Relayed:
    """One stream as this page has it. ``asked`` is the page's name for it, which a narrowed one keeps; ``content`` is what it was last sent."""

    asked: str
    version: tuple[int, int] = (0, 0)
    content: str = ""
    unseen: int = 0
    waiting: dict[str, str] | None = None
    heard: float = field(default_factory=time.monotonic)


class LiveConsumer(AsyncWebsocketConsumer):
    """Relays snapshots of named streams to one page.

    ``{"type": "watch", "streams": [..]}`` says which; until then it is the main one. Each is answered by ``snapshot``, and while nothing
    but its age changes by ``still``; one that may not be watched by ``refused`` with the reason; one whose figures cannot be read just now
    by ``problem`` with ``what`` (database, stream) and ``since``. The page answers the first two with ``{"type": "seen", "stream": ..}``.
    While UNSEEN_LIMIT of a stream are unanswered only the newest waits, so a slow page loses stale snapshots and never its connection.
    ``{"type": "pause"}`` and ``{"type": "resume"}`` stop and continue the flow. Closed with SIGNED_OUT when its session ends, NOT_ALLOWED
    when its person may see nothing any more, FLOODING when it says too much, and TRY_AGAIN_LATER while a server is away.
    """

    streams: dict[str, Relayed]

    async def connect(self) -> None:
        session = self.scope.get("session")
        self.visit: Visit = (getattr(self.scope.get("user"), "pk", None) or 0, getattr(session, "session_key", None) or "")
        self.streams = {}
        self.wanted: list[str] = []
        self.rights = Rights()
        self.paused = self.over = False
        # The keeper and the page's own messages both change what is watched; each finds the other's work finished.
        self.turn = asyncio.Lock()
        self.bucket = TokenBucket(rate=MESSAGES_A_SECOND, burst=BURST, left=BURST, at=time.monotonic())
        if not self.visit[0]:
            await self.close(code=NOT_ALLOWED)
            return
        try:
            # Joined before the right is read: one taken away in between is told to this socket too.
            await _soon(self.channel_layer.group_add(user_group(self.visit[0]), self.channel_name))
            self.rights = await database_sync_to_async(rights)(self.visit[0])
        except (redis.RedisError, OSError, DatabaseError) as error:
            log.warning("live_socket_turned_away", reason=str(error), action="the page tries again by itself")
            await self.close(code=TRY_AGAIN_LATER)
            return
        if not self.rights.any:
            await self.close(code=NOT_ALLOWED)
            return
        await self.accept()
        keeper.of_this_loop().add(self)
        if self.rights.business or self.rights.advertiser is not None:
            await self._watch([store.MAIN])

    async def disconnect(self, code: int) -> None:
        self.over = True
        keeper.of_this_loop().discard(self)
        # Without Redis there is no group to leave: memberships expire by themselves.
        with contextlib.suppress(redis.RedisError, OSError):
            for group in (user_group(self.visit[0]), *map(store.group, self.streams)):
                await _soon(self.channel_layer.group_discard(group, self.channel_name))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.over:
            return
        message = _read(text_data)
        if not self.bucket.take(1, now=time.monotonic()):
            await self._end(FLOODING, FLOOD)
            return
        match message.get("type"):
            case "seen":
                await self._seen(message.get("stream", store.MAIN))
            case "watch":
                await self._asked(message.get("streams"))
            case "pause":
                self.paused = True
            case "resume" if self.paused:
                await self._resume()

    async def _resume(self) -> None:
        if not self._affordable(self.streams):
            await self._refuse("", FLOOD)
            return
        self.paused = False
        async with self.turn:
            for key, relayed in list(self.streams.items()):
                self.streams[key] = Relayed(relayed.asked)
                await self._or_end(self._join(key, relayed.asked))

    async def _asked(self, wanted: Any) -> None:
        if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted) or len(wanted) > MOST_STREAMS:
            await self._refuse("", f"name at most {MOST_STREAMS} streams as a list of texts")
        elif not self._affordable(wanted):
            # What it had is watched no longer either: a page must not show one filter under another's name.
            await self._watch([])
            for asked in wanted:
                await self._refuse(asked, FLOOD)
        else:
            await self._watch(wanted)

    def _affordable(self, streams: Collection[str]) -> bool:
        return self.bucket.take(STREAM_COST * len(streams), now=time.monotonic())

    async def _watch(self, wanted: list[str]) -> None:
        async with self.turn:
            self.wanted = wanted
            await self._or_end(self._narrow())

    async def _narrow(self) -> None:
        """From now on what was asked for, as far as it may be seen, and nothing else. Raises redis.RedisError, OSError."""
        keys: dict[str, str] = {}
        refused: dict[str, str] = {}
        for asked in dict.fromkeys(self.wanted):
            try:
                key = self.rights.narrowed(parse(asked)).key
            except (BadStream, NotAllowed) as problem:
                refused[asked] = str(problem)
                continue
            if keys.setdefault(key, asked) != asked:
                refused[asked] = f"it is the same stream as {keys[key]}; watch it by one name"
        gone = [key for key in self.streams if key not in keys]
        # Nothing of them is relayed from here on, whatever is still on its way.
        self.streams = {key: relayed for key, relayed in self.streams.items() if key in keys}
        for asked, reason in refused.items():
            await self._refuse(asked, reason)
        for key in gone:
            await _soon(self.channel_layer.group_discard(store.group(key), self.channel_name))
        for key, asked in keys.items():
            if key in self.streams:
                self.streams[key].asked = asked
            else:
                await self._join(key, asked)

    async def _join(self, key: str, asked: str) -> None:
        if not await sync_to_async(store.watch, thread_sensitive=False)(key, who=self.visit[0]):
            self.streams.pop(key, None)
            await self._refuse(asked, FULL)
            return
        # Joined before the last snapshot is read: a tick in between is relayed or recognised as older, never missed.
        self.streams[key] = Relayed(asked)
        await _soon(self.channel_layer.group_add(store.group(key), self.channel_name))
        await self._send_last(key)

    async def _refuse(self, asked: str, reason: str) -> None:
        await self.send(text_data=json.dumps({"type": "refused", "stream": asked, "reason": reason}))

    async def _end(self, code: int, reason: str = "") -> None:
        if not self.over:
            self.over = True
            keeper.of_this_loop().discard(self)
            await self.close(code=code, reason=reason or None)

    async def _or_end(self, work: Awaitable[None]) -> None:
        try:
            await work
        except (redis.RedisError, OSError) as error:
            log.warning("live_socket_ended", reason=str(error), action="the page tries again by itself")
            await self._end(TRY_AGAIN_LATER)

    # What the channel layer says

    async def live_tick(self, event: dict[str, str]) -> None:
        relayed = self.streams.get(event["stream"])
        version = (int(event["fence"]), int(event["n"]))
        if relayed is None or self.paused or self.over or version <= relayed.version:
            return
        # What is in it waits on while newer ones say that nothing but their age has changed.
        if relayed.waiting and not event["body"] and relayed.waiting["content"] == event["content"]:
            event = {**event, "body": relayed.waiting["body"]}
        relayed.version, relayed.waiting, relayed.heard = version, event, time.monotonic()
        await self._flush(relayed)

    async def live_problem(self, event: dict[str, str]) -> None:
        relayed = self.streams.get(event["stream"])
        if relayed and not self.paused and not self.over:
            relayed.heard = time.monotonic()
            await self.send(text_data=json.dumps({"type": "problem", "stream": relayed.asked, "what": event["what"], "since": event["since"]}))

    async def live_permissions(self, event: dict[str, str]) -> None:
        # A database that is away shows nobody anything new; the keeper asks again within a minute.
        with contextlib.suppress(DatabaseError):
            await keeper.of_this_loop().judge([self])

    async def live_signed_out(self, event: dict[str, str]) -> None:
        if event["session"] == name_of(self.visit[1]):
            await self._end(SIGNED_OUT)

    async def _seen(self, asked: Any) -> None:
        for relayed in list(self.streams.values()):
            if relayed.asked == asked:
                relayed.unseen = max(0, relayed.unseen - 1)
                await self._flush(relayed)

    async def _flush(self, relayed: Relayed) -> None:
        if not relayed.waiting or relayed.unseen >= UNSEEN_LIMIT:
            return
        event, relayed.waiting = relayed.waiting, None
        relayed.unseen += 1
        name = json.dumps(relayed.asked)
        if event["body"]:
            relayed.content = event["content"]
            await self.send(text_data=f'{{"type":"snapshot","stream":{name},"snapshot":{store.joined(event["meta"], event["body"])}}}')
        elif relayed.content == event["content"]:
            await self.send(text_data=f'{{"type":"still","stream":{name},"snapshot":{event["meta"]}}}')
        else:
            # The snapshot that held it was lost on its way here.
            relayed.unseen -= 1
            relayed.version = (0, 0)
            await self._send_last(event["stream"])

    async def _send_last(self, key: str) -> None:
        try:
            parts = await sync_to_async(store.last_parts, thread_sensitive=False)(key)
        except redis.RedisError:
            return
        if parts:
            meta, body = parts
            known = json.loads(meta)
            fence, n = known["version"]
            await self.live_tick(
                {"stream": key, "fence": str(fence), "n": str(n), "content": known["content"], "meta": meta, "body": body}
            )  # fmt: skip

    # What the keeper of all sockets asks and says

    def watched(self) -> Collection[str]:
        return () if self.paused else self.streams.keys()

    async def unplaced(self, keys: Collection[str]) -> None:
        async with self.turn:
            for key in keys & self.streams.keys():
                await self._refuse(self.streams.pop(key).asked, FULL)

    async def listen_again(self) -> None:
        """A Redis that lost its memory knows no members; nobody would notice."""
        for key, relayed in list(self.streams.items()):
            if not self.paused and time.monotonic() - relayed.heard > SILENT_SECONDS:
                await _soon(self.channel_layer.group_add(store.group(key), self.channel_name))
                await self._send_last(key)

    async def judged(self, rights: Rights | None) -> None:
        if rights is None:
            await self._end(SIGNED_OUT)
        elif not rights.any:
            await self._end(NOT_ALLOWED)
        else:
            await _soon(self.channel_layer.group_add(user_group(self.visit[0]), self.channel_name))
            if rights != self.rights:
                async with self.turn:
                    self.rights = rights
                    await self._or_end(self._narrow())


def _read(text: str | None) -> dict[str, Any]:
    """Empty for what is no message of ours: binary, huge, unreadable or of another shape."""
    if not text or len(text) > LARGEST_MESSAGE:
        return {}
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}


async def _soon(work: Awaitable[Done]) -> Done:
    """The layer waits for a Redis that hangs without end. Raises TimeoutError."""
    return await asyncio.wait_for(work, LAYER_SECONDS)
