"""Every server and process behind the executive's page killed, one at a time: the page says what stands still and since when, keeps the last true
figure greyed, and goes on by itself. And a page that reads too slowly."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect
from websockets.sync.client import connect
from websockets.typing import Origin

from .stack import Stack, running

pytestmark = [pytest.mark.browser, pytest.mark.soak, pytest.mark.timeout(1200)]

# What the processes need to start again on a busy machine, not what a page needs to notice.
PATIENCE = 180_000
A_BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
SINCE = r".* since \d\d:\d\d:\d\d UTC"


class Watched:
    """The page of an executive, and the ads that can still be shown."""

    def __init__(self, page: Page, stack: Stack, tokens: list[str]) -> None:
        self.page, self.stack, self.tokens = page, stack, tokens
        self.root: Locator = page.locator("#live")
        self.bar = page.locator("#state")
        self.impressions = page.locator("[data-key=impressions] [data-value]")

    def show_an_ad(self) -> None:
        httpx.get(f"{self.stack.url}/t/impression/{self.tokens.pop()}", headers=A_BROWSER, timeout=10).raise_for_status()

    def is_live_and_true(self) -> None:
        """Live, and each figure equal to SQL over the raw events and the ledger, now that nothing more is sent."""
        expect(self.root).to_have_attribute("data-state", "live", timeout=PATIENCE)
        (counted,) = self.stack.sql("SELECT count(*) FROM ads_adevent WHERE type = 'ad.impression' AND valid")
        (booked,) = self.stack.sql("SELECT coalesce(sum(amount_micros), 0)::bigint FROM ads_ledgerentry")
        expect(self.impressions).to_have_text(f"{counted:,}", timeout=PATIENCE)
        money = (Decimal(booked) / 10**6).quantize(Decimal("0.01"), ROUND_HALF_UP)
        expect(self.page.locator("[data-key=revenue] [data-value]")).to_have_text(f"${money:,}", timeout=PATIENCE)
        expect(self.root).not_to_have_attribute("data-stale", re.compile(""))

    def says(self, words: str, *, figure: str) -> None:
        """What stands still and since when, with the last figure greyed."""
        expect(self.bar).to_contain_text(re.compile(words + SINCE), timeout=PATIENCE)
        expect(self.root).to_have_attribute("data-stale", "")
        expect(self.impressions).to_have_text(figure)
        assert "grayscale" in self.page.locator("[data-key=impressions]").evaluate("tile => getComputedStyle(tile).filter")


@pytest.fixture(scope="module")
def stack() -> Iterator[tuple[Stack, dict[str, Any]]]:
    with running(ads=12) as (stack, made):
        yield stack, made


@pytest.fixture
def watched(browser: Any, stack: tuple[Stack, dict[str, Any]]) -> Iterator[Watched]:
    up, made = stack
    context = browser.new_context(base_url=up.url, viewport={"width": 1280, "height": 900})
    name, value = made["cookie"]
    context.add_cookies([{"name": name, "value": value, "url": up.url}])
    page = context.new_page()
    page.goto("/live/")
    yield Watched(page, up, made["tokens"])
    context.close()


def test_whatever_is_killed_the_page_says_so_shows_nothing_wrong_and_recovers(watched: Watched) -> None:
    stack = watched.stack
    watched.show_an_ad()
    watched.is_live_and_true()
    figure = watched.impressions.inner_text()

    stack.kill("publisher")
    watched.show_an_ad()
    watched.says("the live publisher is silent", figure=figure)
    stack.begin("publisher")
    watched.is_live_and_true()
    figure = watched.impressions.inner_text()

    stack.kill("consumer")
    watched.show_an_ad()
    watched.says("The event consumer is behind: nothing", figure=figure)
    stack.begin("consumer")
    watched.is_live_and_true()
    figure = watched.impressions.inner_text()

    stack.kill_server("eventlog")
    watched.says("The event log does not answer: nothing", figure=figure)
    stack.bring_back()
    watched.show_an_ad()
    watched.is_live_and_true()
    figure = watched.impressions.inner_text()

    stack.kill_server("cache")
    watched.says("Redis does not answer", figure=figure)
    stack.bring_back()
    watched.show_an_ad()
    watched.is_live_and_true()
    figure = watched.impressions.inner_text()

    stack.kill_server("postgres")
    watched.says("The database does not answer", figure=figure)
    stack.bring_back()
    watched.show_an_ad()
    watched.is_live_and_true()
    assert int(watched.impressions.inner_text()) == 6

    stack.kill("web")
    watched.says("(Connection lost|The server does not answer)", figure="6")
    stack.begin("web")
    watched.is_live_and_true()


def test_a_page_that_reads_nothing_for_long_loses_stale_snapshots_and_keeps_its_connection(stack: tuple[Stack, dict[str, Any]]) -> None:
    up, made = stack
    name, value = made["cookie"]
    headers = {"Cookie": f"{name}={value}"}
    address = f"ws://127.0.0.1:{up.port}/ws/live/"
    with connect(address, additional_headers=headers, origin=Origin(up.url), max_size=None, max_queue=1) as page:
        first = json.loads(page.recv(30))["snapshot"]["version"]
        time.sleep(8)  # the page hangs; the publisher goes on
        old = [json.loads(page.recv(10))["snapshot"]["version"] for _ in range(2)]
        assert first < old[0] < old[1]
        with pytest.raises(TimeoutError):
            page.recv(2.5)
        page.send('{"type": "seen", "stream": "now"}')
        newest = json.loads(page.recv(10))["snapshot"]["version"]
        assert newest[0] == old[1][0] and newest[1] > old[1][1] + 5, "what lay between is lost, the newest is there"
