"""The dashboards' socket. It holds no figure and no logic: permission, groups, relay."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from typing import Any

import redis
import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseError

from insights.live import store
from insights.live.permissions import NotAllowed, Rights, rights, user_group
from insights.live.streams import BadStream, parse

log = structlog.get_logger(__name__)

NOT_ALLOWED = 4403
TRY_AGAIN_LATER = 1013
UNSEEN_LIMIT = 3
MOST_STREAMS = 8
FULL = "so many different filters are watched just now that this one finds no place; watch it with fewer filters or try again in a minute"


@dataclass(slots=True)
class Relayed:
    """One stream as this page has it. ``asked`` is the page's name for it, which a narrowed one keeps; ``content`` is what it was last sent."""

    asked: str
    version: tuple[int, int] = (0, 0)
    content: str = ""
    unseen: int = 0
    waiting: dict[str, str] | None = None


class LiveConsumer(AsyncWebsocketConsumer):
    """Relays snapshots of named streams to one page.

    ``{"type": "watch", "streams": [..]}`` says which; until then it is the main one. Each is answered by ``snapshot``, and while nothing
    but its age changes by ``still``; one that may not be watched by ``refused`` with the reason. The page answers both with
    ``{"type": "seen", "stream": ..}``. While UNSEEN_LIMIT of a stream are unanswered only the newest waits, so a slow page loses
    stale snapshots and never its connection. ``{"type": "pause"}`` and ``{"type": "resume"}`` stop and continue the flow.
    """

    recheck_seconds = 60.0
    watch_seconds = 5.0

    async def connect(self) -> None:
        user = self.scope.get("user")
        self.user_id: int | None = getattr(user, "pk", None)
        self.streams: dict[str, Relayed] = {}
        self.paused = False
        self.loops: list[asyncio.Task[None]] = []
        self.rights: Rights = await database_sync_to_async(rights)(self.user_id)
        if not self.rights.any:
            await self.close(code=NOT_ALLOWED)
            return
        try:
            await self.channel_layer.group_add(user_group(self.user_id or 0), self.channel_name)
        except (redis.RedisError, OSError) as error:
            log.warning("live_socket_turned_away", reason=str(error), action="the page tries again by itself")
            await self.close(code=TRY_AGAIN_LATER)
            return
        await self.accept()
        if self.rights.business or self.rights.advertiser:
            await self._watch([store.MAIN])
        self.loops = [
            asyncio.create_task(self._every(self.recheck_seconds, self._check)),
            asyncio.create_task(self._every(self.watch_seconds, self._keep_watched)),
        ]

    async def disconnect(self, code: int) -> None:
        for loop in self.loops:
            loop.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await loop
        # Without Redis there is no group to leave: memberships expire by themselves.
        with contextlib.suppress(redis.RedisError, OSError):
            for group in (user_group(self.user_id or 0), *map(store.group, self.streams)):
                await self.channel_layer.group_discard(group, self.channel_name)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            message = json.loads(text_data or "")
            kind = message["type"]
        except (ValueError, KeyError, TypeError):
            return
        if kind == "seen":
            await self._seen(message.get("stream", store.MAIN))
        elif kind == "watch":
            await self._asked(message.get("streams"))
        elif kind == "pause":
            self.paused = True
        elif kind == "resume":
            self.paused = False
            for key, relayed in self.streams.items():
                self.streams[key] = Relayed(relayed.asked)
                await self._send_last(key)

    async def _asked(self, wanted: Any) -> None:
        if not isinstance(wanted, list) or not all(isinstance(one, str) for one in wanted) or len(wanted) > MOST_STREAMS:
            await self._refuse("", f"name at most {MOST_STREAMS} streams as a list of texts")
            return
        await self._watch(wanted)

    async def _watch(self, wanted: list[str]) -> None:
        """From now on these and no others."""
        keys: dict[str, str] = {}
        for asked in wanted:
            try:
                keys[self.rights.narrowed(parse(asked)).key] = asked
            except (BadStream, NotAllowed) as reason:
                await self._refuse(asked, str(reason))
        try:
            for key in [key for key in self.streams if key not in keys]:
                del self.streams[key]
                await self.channel_layer.group_discard(store.group(key), self.channel_name)
            for key, asked in keys.items():
                if key in self.streams:
                    self.streams[key].asked = asked
                elif await database_sync_to_async(store.watch)(key):
                    await self._join(key, asked)
                else:
                    await self._refuse(asked, FULL)
        except (redis.RedisError, OSError) as error:
            log.warning("live_socket_ended", reason=str(error), action="the page tries again by itself")
            await self.close(code=TRY_AGAIN_LATER)

    async def _join(self, key: str, asked: str) -> None:
        # Joined before the last snapshot is read: a tick in between is relayed or recognised as older, never missed.
        self.streams[key] = Relayed(asked)
        await self.channel_layer.group_add(store.group(key), self.channel_name)
        await self._send_last(key)

    async def _refuse(self, asked: str, reason: str) -> None:
        await self.send(text_data=json.dumps({"type": "refused", "stream": asked, "reason": reason}))

    async def live_tick(self, event: dict[str, str]) -> None:
        relayed = self.streams.get(event["stream"])
        version = (int(event["fence"]), int(event["n"]))
        if relayed is None or self.paused or version <= relayed.version:
            return
        # What is in it waits on while newer ones say that nothing but their age has changed.
        if relayed.waiting and not event["body"] and relayed.waiting["content"] == event["content"]:
            event = {**event, "body": relayed.waiting["body"]}
        relayed.version, relayed.waiting = version, event
        await self._flush(relayed)

    async def live_problem(self, event: dict[str, str]) -> None:
        relayed = self.streams.get(event["stream"])
        if relayed and not self.paused:
            await self.send(text_data=json.dumps({"type": "problem", "stream": relayed.asked, "what": event["what"], "since": event["since"]}))

    async def live_permissions(self, event: dict[str, str]) -> None:
        await self._check()

    async def _seen(self, asked: Any) -> None:
        for relayed in self.streams.values():
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
            text = await database_sync_to_async(store.last)(key)
        except redis.RedisError:
            return
        if text:
            found = json.loads(text)
            fence, n = found["version"]
            meta = {name: found.pop(name) for name in ("stream", "version", "content", "built_at", "every", "log")}
            await self.live_tick(
                {"stream": key, "fence": str(fence), "n": str(n), "content": meta["content"], "meta": json.dumps(meta), "body": json.dumps(found)}
            )

    async def _every(self, seconds: float, act: Any) -> None:
        while True:
            await asyncio.sleep(seconds)
            await act()

    async def _keep_watched(self) -> None:
        with contextlib.suppress(redis.RedisError):
            for key in list(self.streams):
                await database_sync_to_async(store.watch)(key)

    async def _check(self) -> None:
        try:
            found = await database_sync_to_async(rights)(self.user_id)
        except DatabaseError:
            return  # Asked again within a minute; no figure comes from an absent database meanwhile.
        if not found.any:
            await self.close(code=NOT_ALLOWED)
        elif found != self.rights:
            self.rights = found
            await self._watch([relayed.asked for relayed in self.streams.values()])
