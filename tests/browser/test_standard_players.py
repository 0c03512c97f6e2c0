"""Players we did not write show a title of ours with its breaks, on the pages of docs/standard-players.md, and what they report bills once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page

from adplatform import runtime
from ads.api.breaks import foreign_session
from ads.models import AdEvent, AdPolicy, Decision, LedgerEntry
from catalog.models import MediaAsset, Scene, Title

from .parts import Complaints, Site, eventually

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
SCRIPTS = {
    "shaka-player.compiled.js": runtime.ROOT / "node_modules/shaka-player/dist/shaka-player.compiled.js",
    "hls.min.js": runtime.ROOT / "node_modules/hls.js/dist/hls.min.js",
}
OVER = """async () => {
  const film = document.getElementById("film");
  if (!film.ended || film.duration < 7) return false;
  await new Promise((later) => setTimeout(later, 1500));
  return film.ended;
}"""
PAGES = dict(re.findall(r"<!-- page: (\S+) -->\n```html\n(.*?)```", (runtime.ROOT / "docs/standard-players.md").read_text(), re.S))


@pytest.fixture(scope="module")
def reel(site: Site) -> Iterator[str]:
    """A film of two scenes of 4 s with a break before and one between them, of clips that are there already."""
    title = Title.objects.create(name="Short reel", slug="short-reel", setting="diagnostic")
    for position, key in enumerate(("colour-bars-s1", "colour-bars-s3"), start=1):
        asset = MediaAsset.objects.get(key=key)
        asset.pk, asset.key = None, f"short-reel-s{position}"
        asset.save()
        Scene.objects.create(
            title=title, position=position, name=f"Scene {position}", mood="day", intensity=0.5, break_after=position == 1, asset=asset
        )
    AdPolicy.objects.create(title=title, pre_roll=True, break_seconds=13, break_ads=2)
    yield title.slug
    # The site goes on for the other tests, which know their titles.
    Title.objects.filter(pk=title.pk).update(published=False)


@pytest.fixture(scope="module")
def elsewhere(site: Site, reel: str) -> Iterator[str]:
    """Somebody else's site, on another port and so another origin, with the pages and the players."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.removeprefix("/")
            page = PAGES.get(name, "").replace("https://ads.example", site.url).replace("ember-coast", reel)
            body = SCRIPTS[name].read_bytes() if name in SCRIPTS else page.encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/javascript" if name in SCRIPTS else "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Nothing: what matters shows in the pages."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@dataclass
class Watching:
    """A page, and what it asked the ad server for."""

    page: Page
    asked: list[str] = field(default_factory=list)
    complaints: Complaints = field(default_factory=Complaints)

    def open(self, address: str) -> None:
        self.complaints.watch(self.page)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.goto(address)

    def over(self) -> bool:
        """Whether the film has come to its end, and nothing follows: an ad in the same element ends too."""
        return bool(self.page.evaluate(OVER))

    def beacons(self) -> list[str]:
        return [url for url in self.asked if "/t/" in url]

    def told(self, event: str) -> int:
        return len({url for url in self.beacons() if f"/t/{event}/" in url})

    def decisions(self) -> list[Decision]:
        """Of the session which the breaks were asked for with, in their order in the film."""
        queries = [parse_qs(urlsplit(url).query) for url in self.asked if "/api/v1/vast?" in url or "/api/v1/assetlist?" in url]
        (name,) = {(query.get("session") or query["_HLS_primary_id"])[0] for query in queries}
        decided = Decision.objects.filter(session=foreign_session(name)).order_by("break_id")
        eventually(decided.count, 2)
        return list(decided)


@pytest.fixture(scope="module")
def watched(browser: Browser, elsewhere: str) -> Iterator[dict[str, Watching]]:
    """All pages at once, watched to the end of the film."""
    context = browser.new_context()
    watching = {name: Watching(context.new_page()) for name in PAGES}
    for name, one in watching.items():
        one.open(f"{elsewhere}/{name}")
    for one in watching.values():
        eventually(one.over, True, within=90)
    yield watching
    context.close()


@pytest.mark.parametrize("name", PAGES)
def test_a_player_shows_the_film_with_its_breaks_and_what_it_tells_bills_each_ad_once(watched: dict[str, Watching], name: str) -> None:
    one = watched[name]
    assert one.complaints.found == []
    decisions = one.decisions()
    assert [decision.break_id for decision in decisions] == ["b0", "b1"]
    shown = sorted((decision.pk, slot["slot"]) for decision in decisions for slot in decision.slots)
    assert len(shown) >= 3, "a pod before the film, and an ad within it"
    assert [one.told(event) for event in ("impression", "start", "firstQuartile", "midpoint", "thirdQuartile")] == [len(shown)] * 5
    charges = LedgerEntry.objects.filter(decision__in=[decision.pk for decision in decisions])
    eventually(charges.count, len(shown))
    for url in one.beacons():
        httpx.get(url, headers={"User-Agent": "HeadlessChrome"}).raise_for_status()
    # The log keeps its order: what comes after the copies is stored after them.
    last = httpx.get(re.sub(r"/t/\w+/", "/t/resume/", one.beacons()[0]), headers={"User-Agent": "HeadlessChrome"})
    assert last.status_code == 200
    events = AdEvent.objects.filter(decision__in=[decision.pk for decision in decisions])
    eventually(events.filter(type="ad.resume").count, 1)
    impressions = events.filter(type="ad.impression", valid=True).values_list("decision", "slot")
    assert sorted(impressions) == shown == sorted((charge.decision, charge.slot) for charge in charges.all())
    assert {(charge.kind, charge.amount_micros > 0) for charge in charges} == {("impression", True)}


def test_the_page_of_hls_js_tells_that_each_ad_was_seen_to_its_end(watched: dict[str, Watching]) -> None:
    one = watched["hls-interstitials"]
    decisions = one.decisions()
    assert one.told("complete") == sum(len(decision.slots) for decision in decisions)
    completed = AdEvent.objects.filter(decision__in=[decision.pk for decision in decisions], type="ad.complete", valid=True)
    eventually(completed.count, one.told("complete"))
