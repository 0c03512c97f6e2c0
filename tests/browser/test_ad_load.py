"""A title with an ad policy of its own, as a person meets it: ads before the film, a stretch without any, an ad that cannot be had."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from ads import policy
from ads.models import AdEvent, AdPolicy
from engagement.models import PlaybackSession

from .parts import Complaints, Site, eventually
from .watching import shown, start_sampling

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(180)]


@contextmanager
def ad_policy(site: Site, **fields: Any) -> Iterator[None]:
    """In force, in the site's processes too."""
    made = AdPolicy.objects.create(title=site.films.bars, **fields)
    time.sleep(policy.KEPT_SECONDS + 0.5)
    try:
        yield
    finally:
        made.delete()
        time.sleep(policy.KEPT_SECONDS + 0.5)


def press_play(page: Page) -> None:
    page.goto("/watch/colour-bars/")
    page.get_by_role("button", name=re.compile("^(Play|Start over)$")).last.click()


def test_a_pre_roll_comes_before_the_film_and_after_a_long_watch_a_break_is_left_out_with_its_reason(
    page: Page, site: Site, complaints: Complaints
) -> None:
    with ad_policy(site, pre_roll=True, break_seconds=15, long_watch_seconds=8, ad_free_seconds=600):
        press_play(page)
        start_sampling(page)
        expect(page.locator("[data-part=ad-count]")).to_contain_text("1 of 2 · 0:0", timeout=20_000)
        page.locator("[data-part=ad-why]").click()
        why = page.locator("[data-part=why-body]")
        expect(why).to_contain_text("Before the film")
        expect(why).to_contain_text("A guaranteed number of deliveries")
        page.keyboard.press("Escape")
        page.keyboard.press("d")
        expect(page.locator("[data-part=plan]")).to_contain_text("After a long watch, a stretch of the film comes without ads", timeout=60_000)
        page.wait_for_selector("[data-part=end]:not([hidden])", timeout=60_000)
        seen = [clip.key for clip in shown(page)]
        assert [key.startswith("ad-") for key in seen] == [True, True, False, False, False, False]
    session = PlaybackSession.objects.filter(title=site.films.bars, synthetic=False).latest("started_at")
    eventually(lambda: AdEvent.objects.filter(session=session.pk, type="ad.complete", valid=True).count(), 2)
    assert complaints.found == []


def test_an_ad_whose_clip_cannot_be_had_is_passed_over_and_reported_with_its_code(page: Page, site: Site) -> None:
    def missing(route: Route) -> None:
        route.fulfill(status=404, body="")

    with ad_policy(site, pre_roll=False, break_seconds=15):
        page.route(re.compile("|".join(rf"/media/{asset.path}/.*\.m4s" for asset in site.films.ads.values())), missing)
        press_play(page)
        page.wait_for_selector("[data-part=end]:not([hidden])", timeout=60_000)
    session = PlaybackSession.objects.filter(title=site.films.bars, synthetic=False).latest("started_at")
    errors = AdEvent.objects.filter(session=session.pk, type="ad.error")
    eventually(errors.count, 2)
    assert {event.data["code"] for event in errors} == {401}
    assert not AdEvent.objects.filter(session=session.pk, type="ad.impression").exists()
