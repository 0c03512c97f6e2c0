"""Sockets of insights. They hold no figure and no logic: permission, group, relay."""

from __future__ import annotations

import asyncio
import contextlib
import json

import redis
import structlog
from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseError

from insights.live import store
from insights.live.permissions import may_watch, user_group

log = structlog.get_logger(__name__)

NOT_ALLOWED = 4403
TRY_AGAIN_LATER = 1013
UNSEEN_LIMIT = 3


class LiveConsumer(AsyncWebsocketConsumer):
    """Relays snapshots to one page.

    The page answers each snapshot with ``{"type": "seen"}``. While UNSEEN_LIMIT of them are unanswered only the newest one
    waits, so a slow page loses stale snapshots and never its connection. ``{"type": "pause"}`` and ``{"type": "resume"}``
    stop and continue the flow.
    """

    recheck_seconds = 60.0

    async def connect(self) -> None:
        user = self.scope.get("user")
        self.user_id: int | None = getattr(user, "pk", None)
        self.version = (0, 0)
        self.unseen = 0
        self.waiting: dict[str, str] | None = None
        self.paused = False
        self.watchdog: asyncio.Task[None] | None = None
        if not await database_sync_to_async(may_watch)(self.user_id):
            await self.close(code=NOT_ALLOWED)
            return
        # Joined before the last snapshot is read: a tick in between is relayed or recognised as older, never missed.
        try:
            for group in self._groups():
                await self.channel_layer.group_add(group, self.channel_name)
        except (redis.RedisError, OSError) as error:
            log.warning("live_socket_turned_away", reason=str(error), action="the page tries again by itself")
            await self.close(code=TRY_AGAIN_LATER)
            return
        await self.accept()
        await self._send_last()
        self.watchdog = asyncio.create_task(self._recheck())

    async def disconnect(self, code: int) -> None:
        if self.watchdog:
            self.watchdog.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.watchdog
            # Without Redis there is no group to leave: memberships expire by themselves.
            with contextlib.suppress(redis.RedisError, OSError):
                for group in self._groups():
                    await self.channel_layer.group_discard(group, self.channel_name)

    def _groups(self) -> tuple[str, ...]:
        return (store.GROUP, user_group(self.user_id or 0))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        try:
            kind = json.loads(text_data or "")["type"]
        except (ValueError, KeyError, TypeError):
            return
        if kind == "seen":
            self.unseen = max(0, self.unseen - 1)
            await self._flush()
        elif kind == "pause":
            self.paused = True
        elif kind == "resume":
            self.paused, self.unseen, self.version = False, 0, (0, 0)
            await self._send_last()

    async def live_tick(self, event: dict[str, str]) -> None:
        version = (int(event["fence"]), int(event["n"]))
        if self.paused or version <= self.version:
            return
        self.version, self.waiting = version, event
        await self._flush()

    async def live_problem(self, event: dict[str, str]) -> None:
        if not self.paused:
            await self.send(text_data=json.dumps({"type": "problem", "what": event["what"], "since": event["since"]}))

    async def live_permissions(self, event: dict[str, str]) -> None:
        await self._check()

    async def _flush(self) -> None:
        if self.waiting and self.unseen < UNSEEN_LIMIT:
            body, self.waiting = self.waiting["body"], None
            self.unseen += 1
            await self.send(text_data=f'{{"type":"snapshot","snapshot":{body}}}')

    async def _send_last(self) -> None:
        try:
            body = await database_sync_to_async(store.last)()
        except redis.RedisError:
            return
        if body:
            fence, n = json.loads(body)["version"]
            await self.live_tick({"fence": str(fence), "n": str(n), "body": body})

    async def _recheck(self) -> None:
        while True:
            await asyncio.sleep(self.recheck_seconds)
            await self._check()

    async def _check(self) -> None:
        try:
            allowed = await database_sync_to_async(may_watch)(self.user_id)
        except DatabaseError:
            return  # Asked again within a minute; no figure comes from an absent database meanwhile.
        if not allowed:
            await self.close(code=NOT_ALLOWED)
