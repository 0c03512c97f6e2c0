"""One thread compiles the inventory; the others neither wait for it nor go on with an old one for long."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from adplatform import warmth
from adplatform.eventlog import stream
from ads import live_inventory, reservation
from ads.decision.inventory import Inventory
from ads.models import Decision
from tests.ads.decision.rows import flight, inventory

from .inventory import make_ad

STOCK = inventory(flight(1))


class Compiler:
    """Stands where the rows are read: compiles when it is let."""

    def __init__(self) -> None:
        self.started, self.go = threading.Event(), threading.Event()
        self.builds = 0

    def __call__(self) -> Inventory:
        self.builds += 1
        if self.builds > 1:
            self.started.set()
            assert self.go.wait(10)
        return replace(STOCK, version=self.builds)


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Compiler:
    made = Compiler()
    monkeypatch.setattr(live_inventory, "_build", made)
    monkeypatch.setattr(live_inventory, "_landing_pages", dict)
    return made


def test_while_one_thread_compiles_the_others_go_on_with_the_inventory_before(compiler: Compiler) -> None:
    cache = live_inventory.InventoryCache()
    assert cache.at(b"1").version == 1
    with ThreadPoolExecutor(1) as pool:
        compiling = pool.submit(cache.at, b"2")
        assert compiler.started.wait(10)
        assert cache.at(b"2").version == 1
        compiler.go.set()
        assert compiling.result().version == 2
    assert cache.at(b"2").version == 2
    assert cache.at(b"1").version == 2
    assert compiler.builds == 2


def test_a_long_compilation_is_waited_for_so_that_a_pause_acts_within_a_second(compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_inventory, "TOLERATED_SECONDS", 0.0)
    cache = live_inventory.InventoryCache()
    cache.at(b"1")
    with ThreadPoolExecutor(2) as pool:
        compiling = pool.submit(cache.at, b"2")
        assert compiler.started.wait(10)
        waiting = pool.submit(cache.at, b"2")
        compiler.go.set()
        assert (compiling.result().version, waiting.result().version) == (2, 2)
    assert compiler.builds == 2


@pytest.mark.django_db(transaction=True)
def test_a_warm_process_has_its_inventory_and_counters_and_has_decided_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    ad = make_ad()
    fresh: Any = live_inventory.InventoryCache()
    monkeypatch.setattr(live_inventory, "cache", fresh)
    warmth.run()
    assert fresh.latest().ad_id.tolist() == [ad.pk]
    client = stream.client()
    assert client.exists(reservation.READY)
    assert not client.exists(stream.STREAM)
    assert not Decision.objects.exists()
