"""The executive's page: alive, true to the ledger, and honest when its figures stop."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db.models import Sum
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from ads.decision.request import AdRequest
from ads.models import AdEvent, LedgerEntry
from ads.serving import serve_break
from catalog.models import Title

from .conftest import _process
from .parts import Complaints, Site

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PATIENCE = 60_000


@pytest.fixture
def executive(context: BrowserContext, site: Site) -> Iterator[User]:
    user = User.objects.create_user("executive")
    user.groups.add(Group.objects.get_or_create(name="executive")[0])
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site.url}])
    yield user
    user.delete()


def impression() -> str:
    """The path of an impression pixel of an ad just reserved."""
    now = datetime.now(UTC)
    title = Title.objects.order_by("pk")[0]
    request = AdRequest(
        session=uuid.uuid4(),
        break_id="b1",
        break_position="mid",
        break_index=0,
        duration=30.0,
        max_ads=1,
        device="tv",
        hour=20,
        weekday=2,
        title=title.pk,
    )
    return f"/t/impression/{serve_break(request, now=now).ads[0].token}"


@pytest.mark.usefixtures("executive")
def test_an_impression_moves_the_figures_and_silence_and_refusal_are_told(page: Page, complaints: Complaints, tmp_path: Path) -> None:
    root, state, impressions = page.locator("#live"), page.locator("#state"), page.locator("[data-key=impressions] [data-value]")
    publisher = "manage.py", "publish_live"
    with _process(tmp_path / "first.log", *publisher) as first:
        page.goto("/live/")
        expect(root).to_have_attribute("data-state", "live", timeout=PATIENCE)
        before = int(impressions.inner_text().replace(",", ""))
        assert page.request.get(impression()).ok
        expect(impressions).to_have_text(f"{before + 1:,}")
        assert AdEvent.objects.filter(type="ad.impression", valid=True).count() == before + 1
        booked = LedgerEntry.objects.aggregate(booked=Sum("amount_micros"))["booked"]
        expect(page.locator("[data-key=revenue] [data-value]")).to_have_text(f"${booked / 1e6:,.2f}")

        minutes = page.locator("[data-figure=minutes]")
        minutes.get_by_text("Show as a table").click()
        expect(minutes.locator("tbody tr")).to_have_count(16)
        page.get_by_text("7 days").click()
        expect(page.locator("#trend-words")).to_contain_text("last 7 days, by day")
        assert page.url.endswith("?range=7d")
        page.go_back()
        expect(page.locator("#trend-words")).to_contain_text("last 24 hours, by hour")
        page.get_by_role("button", name="Pause").click()
        expect(state).to_contain_text("Paused")
        page.get_by_role("button", name="Resume").click()
        expect(root).to_have_attribute("data-state", "live")
        first.kill()
        first.wait()
        expect(state).to_contain_text(re.compile(r"the live publisher is silent since \d\d:\d\d:\d\d UTC"))
        expect(impressions).to_have_text(f"{before + 1:,}")
    with _process(tmp_path / "second.log", *publisher):
        expect(root).to_have_attribute("data-state", "live", timeout=PATIENCE)
        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_function("document.documentElement.scrollWidth === 390")
        User.objects.get(username="executive").groups.clear()
        expect(state).to_contain_text("may no longer see these figures")
    assert complaints.found == []
