"""A person watches a film with an ad break in it, in real time, and everything about it is true afterwards."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from django.db.models import Sum
from playwright.sync_api import Page, expect

from ads.models import AdEvent, Decision, FlightBalance, LedgerEntry
from engagement.models import PlaybackEvent, PlaybackSession
from engagement.playback.plan import next_epoch
from engagement.playback.publishing import change_plan

from .parts import Complaints, Site, eventually
from .watching import playhead, press_play, shown, start_sampling

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]
FILM = ("colour-bars-s1", "colour-bars-s2", "colour-bars-s3", "colour-bars-s4")
ONCE_EACH = dict.fromkeys(("ad.impression", "ad.start", "ad.viewable", "ad.first_quartile", "ad.midpoint", "ad.third_quartile", "ad.complete"), 1)


def _session(slug: str) -> PlaybackSession:
    return PlaybackSession.objects.filter(title__slug=slug, synthetic=False).latest("started_at")


def test_a_film_plays_in_order_with_its_ads_and_every_ad_is_counted_and_charged_once(page: Page, site: Site, complaints: Complaints) -> None:
    press_play(page, "colour-bars")
    start_sampling(page)
    expect(page.locator("[data-part=ad-count]")).to_contain_text("1 of 2 · 0:0", timeout=20_000)
    page.locator("[data-part=ad-why]").click()
    expect(page.locator("[data-part=why-body]")).to_contain_text("Predicted click rate")
    expect(page.locator("[data-part=why-body]")).to_contain_text("Not used for lack of consent")
    page.wait_for_selector("[data-part=end]:not([hidden])", timeout=60_000)

    seen = [clip.key for clip in shown(page)]
    ads = [key for key in seen if key.startswith("ad-")]
    assert seen == [FILM[0], FILM[1], *ads, FILM[2], FILM[3]]
    assert len(ads) == 2
    times = [(clip.first, clip.last) for clip in shown(page)]
    assert times == sorted(times), "the playhead never went back"
    assert all(after[0] - before[1] < 0.8 for before, after in pairwise(times)), "no gap at any join"

    session = _session("colour-bars")
    events = AdEvent.objects.filter(session=session.pk)
    eventually(lambda: events.filter(type="ad.complete").count(), 2)
    for slot in (0, 1):
        types = Counter(events.filter(slot=slot, valid=True).exclude(type="ad.heartbeat").values_list("type", flat=True))
        assert types == ONCE_EACH
    decision = Decision.objects.get(session=session.pk)
    charges = LedgerEntry.objects.filter(decision=decision.pk)
    eventually(charges.count, 2)
    assert {charge.kind for charge in charges} == {"impression"}
    assert all(charge.amount_micros > 0 for charge in charges)
    for flight in {charge.flight_id for charge in charges}:
        ledger = LedgerEntry.objects.filter(flight=flight).aggregate(total=Sum("amount_micros"))["total"]
        assert FlightBalance.objects.get(flight=flight).booked_micros == ledger

    playback = PlaybackEvent.objects.filter(session=session.pk)
    eventually(lambda: playback.filter(type="playback.end").count(), 1)
    scenes = playback.filter(type="playback.scene_end").order_by("seq")
    assert [event.data["completed"] for event in scenes] == [True] * 4
    assert [event.scene for event in scenes] == list(site.films.bars.scenes.values_list("pk", flat=True))
    assert complaints.found == []


def test_an_ad_may_be_skipped_after_its_offset_and_the_film_goes_on_and_is_resumed_where_it_was_left(page: Page, complaints: Complaints) -> None:
    press_play(page, "test-pattern")
    page.keyboard.press("n")
    page.keyboard.press("n")
    skip = page.locator("[data-part=ad-skip]")
    expect(skip).to_have_text("Skip ad", timeout=20_000)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("5")
    expect(skip).to_be_visible()
    page.keyboard.press("s")
    expect(page.locator("[data-part=ad-count]")).to_contain_text("2 of 2")
    expect(skip).to_have_text("Skip ad", timeout=10_000)
    skip.click()
    expect(page.locator("[data-part=ad-bar]")).to_be_hidden()
    expect(page.locator("[data-part=scene-name]")).to_have_text("Blue")
    page.wait_for_timeout(1500)
    left = playhead(page)

    session = _session("test-pattern")
    events = AdEvent.objects.filter(session=session.pk, valid=True)
    eventually(lambda: events.filter(type="ad.skip").count(), 2)
    assert events.filter(type="ad.impression").count() == 2
    assert not events.filter(type="ad.complete").exists()

    eventually(lambda: _session("test-pattern").resume_scene is not None, True)
    page.reload()
    page.get_by_role("button", name="Resume").click()
    eventually(lambda: playhead(page) > 0.3, True)
    expect(page.locator("[data-part=scene-name]")).to_have_text("Blue")
    assert abs(playhead(page) - left) < 3
    assert PlaybackSession.objects.filter(viewer=session.viewer_id).count() == 1
    assert complaints.found == []


def test_the_player_is_run_by_the_keyboard(page: Page, complaints: Complaints) -> None:
    press_play(page, "test-pattern")
    video = "document.querySelector('video')"
    page.keyboard.press("k")
    eventually(lambda: page.evaluate(f"{video}.paused"), True)
    page.keyboard.press("m")
    assert page.evaluate(f"{video}.muted") is True
    page.keyboard.press(">")
    assert page.evaluate(f"{video}.playbackRate") == 1.25
    page.keyboard.press("c")
    expect(page.locator("[data-part=captions-toggle]")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("d")
    expect(page.locator("[data-part=director]")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()
    page.keyboard.press("k")
    eventually(lambda: page.evaluate(f"{video}.paused"), False)
    expect(page.locator("[data-part=captions]")).to_contain_text("Caption of test-pattern-s1", timeout=5_000)
    assert complaints.found == []


def test_without_a_socket_the_events_go_over_http_and_the_film_goes_on(page: Page) -> None:
    page.route_web_socket("**/ws/playback/**", lambda socket: socket.close())
    press_play(page, "colour-bars")
    expect(page.locator("[data-part=link-state]")).to_have_text("Reconnecting…")
    session = _session("colour-bars")
    events = PlaybackEvent.objects.filter(session=session.pk)
    eventually(lambda: set(events.values_list("type", flat=True)) >= {"playback.start", "playback.scene_start", "playback.heartbeat"}, True)
    expect(page.locator("[data-part=scene-name]")).to_have_text("Olive", timeout=15_000)


def test_a_playback_that_went_on_elsewhere_reopens_by_itself(page: Page) -> None:
    press_play(page, "test-pattern")
    session = _session("test-pattern")
    renewed = change_plan(session.pk, lambda plan: next_epoch(plan, scene_id=plan.played[0], offset=0.5, seen_until=0)[0])
    eventually(lambda: f"epoch={renewed.plan.epoch}" in page.evaluate("performance.getEntriesByType('resource').map((one) => one.name).join()"), True)
    eventually(lambda: playhead(page) > 0.5, True)
    expect(page.locator("[data-part=trouble]")).to_be_hidden()
