"""What the open sockets of one process need from time to time, asked once for all of them: that their streams go on being published, and
whether their people may still see them. Three hundred sockets cost the database two queries a minute, as one does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import Protocol
from weakref import WeakKeyDictionary

import redis
import structlog
from asgiref.sync import sync_to_async
from channels.db import database_sync_to_async
from django.db import Error as DatabaseError
from django.utils import timezone

from . import store
from .permissions import Rights, Visit, standing

log = structlog.get_logger(__name__)

WATCH_SECONDS = 5.0
RECHECK_SECONDS = 60.0


class Open(Protocol):
    """A socket as the keeper knows it."""

    @property
    def visit(self) -> Visit: ...

    def watched(self) -> Collection[str]: ...

    async def unplaced(self, keys: Collection[str]) -> None:
        """These streams are published no longer: there are too many."""

    async def listen_again(self) -> None:
        """Join those streams anew of which nothing was heard for long."""

    async def judged(self, rights: Rights | None) -> None:
        """What its person may see now; None when the session is over."""


class Keeper:
    """Of the sockets of one event loop, while there are any."""

    def __init__(self) -> None:
        self.sockets: set[Open] = set()
        self.tasks: list[asyncio.Task[None]] = []

    def add(self, socket: Open) -> None:
        self.sockets.add(socket)
        if not self.tasks:
            self.tasks = [
                asyncio.create_task(_every(WATCH_SECONDS, self.keep_watched)),
                asyncio.create_task(_every(RECHECK_SECONDS, self.recheck)),
            ]

    def discard(self, socket: Open) -> None:
        self.sockets.discard(socket)
        if not self.sockets:
            for task in self.tasks:
                task.cancel()
            self.tasks = []

    async def keep_watched(self) -> None:
        keys = {key for socket in self.sockets for key in socket.watched()}
        unplaced = set(await sync_to_async(store.keep_watched, thread_sensitive=False)(keys))
        for socket in list(self.sockets):
            if lost := unplaced.intersection(socket.watched()):
                await socket.unplaced(lost)
            await socket.listen_again()

    async def recheck(self) -> None:
        await self.judge(self.sockets)

    async def judge(self, sockets: Iterable[Open]) -> None:
        """Ask what these may see now, and tell them. Raises django.db.Error."""
        asked = list(sockets)
        found = await database_sync_to_async(standing)({socket.visit for socket in asked}, now=timezone.now())
        for socket in asked:
            with contextlib.suppress(redis.RedisError, OSError):
                await socket.judged(found.get(socket.visit))


async def _every(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await act()
        except (redis.RedisError, DatabaseError, OSError) as error:
            # Asked again at the next turn; no figure comes from an absent server meanwhile.
            log.warning("live_sockets_unattended", reason=str(error).splitlines()[:1])


_keepers: WeakKeyDictionary[asyncio.AbstractEventLoop, Keeper] = WeakKeyDictionary()


def of_this_loop() -> Keeper:
    return _keepers.setdefault(asyncio.get_running_loop(), Keeper())
