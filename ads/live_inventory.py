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


class InventoryCache:
    """``signal`` is what the version key held before the rows were read, so a change during the read is noticed later."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._signal: bytes | None = None
        self._inventory: Inventory | None = None
        self.landing_pages: dict[int, str] = {}

    def latest(self) -> Inventory | None:
        return self._inventory

    def at(self, signal: bytes) -> Inventory:
        """The inventory that belongs to the version ``signal`` read from Redis."""
        inventory = self._inventory
        if inventory is not None and signal == self._signal:
            return inventory
        with self._lock:
            if self._inventory is None or signal != self._signal:
                self._inventory = _build()
                self.landing_pages = dict(Ad.objects.values_list("pk", "click_through"))
                self._signal = signal
            return self._inventory


cache = InventoryCache()


def _build() -> Inventory:
    rows = inventory_rows()
    inventory = compile_inventory(rows)
    InventorySnapshot.objects.bulk_create([InventorySnapshot(version=inventory.version, rows=rows.packed())], ignore_conflicts=True)
    return inventory


def snapshot(version: int) -> Inventory:
    """The inventory a stored decision was made from. Raises InventorySnapshot.DoesNotExist when it is not kept, or cannot be read."""
    rows = bytes(InventorySnapshot.objects.get(pk=version).rows)
    try:
        return compile_inventory(Rows.unpacked(rows))
    except msgspec.ValidationError as error:
        raise InventorySnapshot.DoesNotExist(f"inventory {version} was packed when flights were described otherwise: {error}") from error


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
