"""The compiled inventory of this process: compared with a version in Redis on each request, rebuilt when it was raised."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import Any

import msgspec
import redis
from django.db import transaction

from adplatform.eventlog import stream

from .decision.inventory import Inventory, Rows, compile_inventory
from .models import Ad, InventorySnapshot
from .selectors import inventory_rows

VERSION_KEY, CONTENT_KEY = "inventory:version", "inventory:content"
# How long a request may be served from the inventory before the last change, while another thread compiles the new one.
TOLERATED_SECONDS = 0.5


class UnreadableSnapshot(ValueError):
    """A stored inventory whose rows this version of the software cannot read; the message says which value."""


class InventoryCache:
    """The inventory that this process serves, and the one thread at a time that compiles another.

    While it compiles, the other threads go on with the old one, for so short a time that a pause still acts within a second.
    ``signal`` is what the version key held before the rows were read, so a change during the read is noticed later.
    """

    def __init__(self) -> None:
        self._compiling = threading.Lock()
        self._since = 0.0
        self._signal: bytes | None = None
        self._replaced: bytes | None = None
        self._inventory: Inventory | None = None
        self.landing_pages: dict[int, str] = {}

    def latest(self) -> Inventory | None:
        return self._inventory

    def at(self, signal: bytes) -> Inventory:
        """The inventory that belongs to the version ``signal`` read from Redis, or the one before while that is being compiled."""
        inventory = self._inventory
        if inventory is not None and signal == self._signal:
            return inventory
        if not self._compiling.acquire(blocking=inventory is None):
            if inventory is not None and time.monotonic() - self._since < TOLERATED_SECONDS:
                return inventory
            self._compiling.acquire()
        try:
            return self._compiled(signal)
        finally:
            self._compiling.release()

    def _compiled(self, signal: bytes) -> Inventory:
        if self._inventory is not None and signal in (self._signal, self._replaced):
            # Another thread was here meanwhile, perhaps for a later version than the one this request has read.
            return self._inventory
        self._since = time.monotonic()
        self._inventory = _build()
        self.landing_pages = _landing_pages()
        self._replaced, self._signal = self._signal, signal
        return self._inventory


cache = InventoryCache()


def _build() -> Inventory:
    rows = inventory_rows()
    inventory = compile_inventory(rows)
    InventorySnapshot.objects.bulk_create([InventorySnapshot(version=inventory.version, rows=rows.packed())], ignore_conflicts=True)
    return inventory


def _landing_pages() -> dict[int, str]:
    return dict(Ad.objects.values_list("pk", "click_through"))


def snapshot(version: int) -> Inventory:
    """The inventory a stored decision was made from. Raises InventorySnapshot.DoesNotExist when it is not kept, and
    UnreadableSnapshot when it is kept and cannot be read."""
    rows = bytes(InventorySnapshot.objects.get(pk=version).rows)
    try:
        return compile_inventory(Rows.unpacked(rows))
    except (msgspec.DecodeError, TypeError, ValueError) as error:
        raise UnreadableSnapshot(str(error)) from error


def current(client: redis.Redis) -> Inventory:
    """The inventory as of now, at the price of one read of its version."""
    return cache.at(client.get(VERSION_KEY) or begin_version(client))  # type: ignore[arg-type]


def begin_version(client: redis.Redis) -> bytes:
    """A first version where Redis has none or lost it: a new number, so that no process takes it for the one it knows."""
    client.set(VERSION_KEY, time.time_ns(), nx=True)
    version: Any = client.get(VERSION_KEY)
    return bytes(version)


def click_through(ad: int) -> str | None:
    """Where a click on this ad leads, from memory; ads that left the inventory keep leading where they did."""
    with contextlib.suppress(redis.exceptions.RedisError):
        current(stream.client())
    return cache.landing_pages.get(ad)


def watch(client: redis.Redis) -> None:
    """Raise the version when the rows are not those of the last look: Redis may have been away when a change committed."""
    content = str(inventory_rows().version()).encode()
    if client.get(CONTENT_KEY) != content:
        _raise_now()
        client.set(CONTENT_KEY, content)


def raise_version() -> None:
    """Make every process rebuild its inventory, once the surrounding transaction has committed."""
    transaction.on_commit(_raise_now, robust=True)


def _raise_now() -> None:
    client: redis.Redis = stream.client()
    client.set(VERSION_KEY, time.time_ns())
