"""The chat in a real browser: an answer in stages, its figures, a follow-up, cancelling, and names that never become markup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page, expect

from adplatform.models import RollupState
from ads.models import Advertiser, Campaign, DeliveryDay, DeliveryHour
from insights.models import Conversation

from .parts import Complaints, Site

pytestmark = [pytest.mark.browser, pytest.mark.django_db(databases=["default", "insights"]), pytest.mark.timeout(240)]

HOSTILE = "<img src=x onerror=alert(1)>"
NAMES = ("Harbour lights", HOSTILE, "=HYPERLINK(1)")


@pytest.fixture
def asker(context: BrowserContext, site: Site) -> Iterator[User]:
    """Somebody of the business, three campaigns and ten days of what they delivered."""
    call_command("semantic_grant", verbosity=0)
    user = User.objects.create_superuser("asks")
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site.url}])
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    owner = Advertiser.objects.create(name="Asked about", category="travel")
    rows = []
    for number, campaign_name in enumerate(NAMES, start=1):
        campaign = Campaign.objects.create(advertiser=owner, name=campaign_name)
        rows += [
            {
                "bucket": today - timedelta(days=back), "advertiser_id": owner.pk, "campaign_id": campaign.pk, "flight_id": number, "ad_id": 1,
                "title_id": 1, "genre": "drama", "device": device, "synthetic": False, "impressions": 100 * number + back, "clicks": number,
                "completed_views": 50 * number, "revenue_micros": 1_000_000 * number,
            }
            for back in range(1, 11)
            for device in ("tv", "mobile")
        ]  # fmt: skip
    DeliveryDay.objects.bulk_create(DeliveryDay(**row) for row in rows)
    DeliveryHour.objects.bulk_create(DeliveryHour(**row) for row in rows)
    RollupState.objects.update_or_create(name="ads.delivery", defaults={"filled_to": timezone.now()})
    yield user
    Conversation.objects.filter(user=user).delete()
    for model in (DeliveryDay, DeliveryHour):
        model.objects.filter(advertiser_id=owner.pk).delete()
    owner.campaigns.all().delete()
    owner.delete()
    user.delete()


def ask(page: Page, question: str, turns: int) -> None:
    page.locator("#question").fill(question)
    page.keyboard.press("Enter")
    expect(page.locator(".turn")).to_have_count(turns)
    expect(page.locator(".turn-pending")).to_have_count(0)


def test_a_conversation_from_the_first_question_to_the_phone(page: Page, complaints: Complaints, asker: User) -> None:
    seen: list[str] = []
    page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: seen.append(str(frame))))
    page.goto("/insights/")
    ask(page, "impressions by campaign in all time", 1)
    stages = re.findall(r'"stage": "(\w+)"', "".join(seen))
    assert stages[:2] == ["understood", "plan"]
    assert {"sql", "rows", "text"} <= set(stages)
    answer = page.locator(".turn").last
    expect(answer.locator(".figures-box tbody tr")).to_have_count(3)
    expect(answer.locator("canvas")).to_be_visible()
    expect(page.locator("#said")).to_contain_text("impressions")

    # A figure shows its cell and its SQL; the keyboard does as well as the mouse.
    figure = answer.locator(".figure[data-kind=figure]").first
    figure.focus()
    page.keyboard.press("Enter")
    expect(answer.locator(".marked")).to_have_text(figure.inner_text())
    page.get_by_role("button", name="Show the SQL").click()
    expect(answer.get_by_text("SELECT").first).to_be_visible()
    answer.get_by_role("button", name="campaign", exact=True).click()
    expect(answer.locator(".figures-box tbody th").first).to_have_text(HOSTILE)
    expect(page.locator("main img")).to_have_count(0)

    # How it was read is in parts; with the keyboard one is changed, and the changed question is answered.
    answer.locator("button.reading-chip").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(".menu-item").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".turn")).to_have_count(2)
    expect(page.locator(".turn").last.locator(".turn-edited")).to_contain_text("changed: impressions to")

    # A follow-up edits the answer before it; the last question can be taken back to edit it.
    page.locator("#question").focus()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#question")).to_have_value("impressions by campaign in all time")
    ask(page, "and by device?", 3)
    expect(page.locator(".turn").last.locator(".figures-box tbody")).to_contain_text("mobile")

    # What was asked is there again, found by what was said in it, and fits a phone.
    page.set_viewport_size({"width": 390, "height": 844})
    page.reload()
    expect(page.locator(".turn")).to_have_count(3)
    page.wait_for_function("document.documentElement.scrollWidth === 390")
    page.locator("#conversations summary").click()
    page.locator("#search").fill("nothing of the kind")
    expect(page.locator("#no-conversations")).to_have_text("Nothing found.")
    page.locator("#search").fill("campaign")
    expect(page.locator("#conversation-list a")).to_have_count(1)
    assert complaints.found == []


def test_a_question_is_cancelled_and_one_is_answered_where_no_socket_can_be_had(
    page: Page, context: BrowserContext, complaints: Complaints, asker: User
) -> None:
    page.add_init_script("WebSocket.prototype.send = () => {}")  # it opens, and what is said is lost on its way
    page.goto("/insights/")
    page.locator("#question").fill("impressions in all time")
    page.keyboard.press("Enter")
    expect(page.locator(".turn-pending")).to_contain_text("Reading the question")
    page.keyboard.press("Escape")
    expect(page.locator(".turn")).to_contain_text("Cancelled.")
    assert complaints.found == []

    other = context.new_page()
    other.add_init_script("window.WebSocket = class extends WebSocket { constructor(url) { super(`${url}nowhere/`); } }")
    other.goto("/insights/")
    ask(other, "impressions in all time", 1)
    expect(other.locator(".turn .kpi dd").first).to_have_text("12,330")
