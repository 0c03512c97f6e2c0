"""A media planner with nothing but the admin: from a new advertiser to an ad that people see, and to why another one is not seen."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from playwright.sync_api import Browser, Page, expect

from ads.models import Ad, Flight, FlightBalance
from catalog.media.packaging import ffmpeg, run

from .parts import Complaints, Site, eventually
from .watching import press_play

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
PASSWORD = "a planner's own password"
SignIn = Callable[[str, str], Page]


@pytest.fixture(scope="module")
def spot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds of a picture and a tone, as somebody would send them."""
    made = tmp_path_factory.mktemp("spot") / "Isla spring.mp4"
    run([ffmpeg(), "-loglevel", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=854x480:rate=25:duration=6", "-f", "lavfi",
         "-i", "sine=frequency=440:sample_rate=44100:duration=6", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", "-shortest", str(made)])  # fmt: skip
    return made


@pytest.fixture
def sign_in(browser: Browser, site: Site, complaints: Complaints) -> SignIn:
    call_command("sync_groups", verbosity=0)

    def signed_in(name: str, group: str) -> Page:
        user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
        user.groups.add(Group.objects.get(name=group))
        context = browser.new_context(base_url=site.url, viewport={"width": 1440, "height": 900}, accept_downloads=True)
        context.set_default_timeout(15_000)
        page = context.new_page()
        complaints.watch(page)
        page.goto("/admin/")
        page.get_by_label("Username").fill(name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_text("Delivery at risk")).to_be_visible()
        return page

    return signed_in


def choose(page: Page, field: str, name: str) -> None:
    """A row by typing what it is called."""
    page.locator(f"select[name={field}] + .select2 .select2-selection").click()
    page.locator(".select2-search__field").last.fill(name)
    page.locator(".select2-results__option", has_text=name).first.click()


def save(page: Page) -> None:
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text(re.compile("was (added|changed) successfully"))).to_be_visible()


def sell_flight(page: Page, name: str, *, device: str, bid: str) -> int:
    """Fills in the form as a planner would and says what the new flight's id is."""
    now = datetime.now(UTC)
    page.goto("/admin/ads/flight/add/")
    choose(page, "campaign", "Isla spring")
    page.locator("[name=name]").fill(name)
    for end, day in (("starts_at", now - timedelta(days=1)), ("ends_at", now + timedelta(days=20))):
        page.locator(f"[name={end}_0]").fill(f"{day:%Y-%m-%d}")
        page.locator(f"[name={end}_1]").fill("00:00:00")
    page.locator("[name=bid_micros]").fill(bid)
    page.locator("[name=goal_amount]").fill("5000")
    page.locator("[name=budget_micros]").fill("900")
    page.locator("[name=priority]").fill("1")
    page.locator("[name=frequency_caps]").fill("6 per day")
    aim(page, device)
    save(page)
    return Flight.objects.get(name=name).pk


def aim(page: Page, device: str) -> None:
    devices = page.locator(".targeting details", has=page.locator("summary strong", has_text="Devices"))
    if devices.get_attribute("open") is None:
        devices.locator("summary").click()
    devices.locator("fieldset").first.locator("label", has_text=device).click()


def upload(page: Page, flight: str, name: str, spot: Path) -> Ad:
    page.goto("/admin/ads/ad/add/")
    choose(page, "flight", flight)
    page.locator("[name=name]").fill(name)
    page.locator("[name=file]").set_input_files(spot)
    page.locator("[name=category]").fill("travel")
    page.locator("[name=click_through]").fill("https://isla.example/spring")
    save(page)
    return Ad.objects.get(name=name)


def test_a_planner_sells_a_flight_sees_it_serve_and_finds_out_why_another_does_not(
    sign_in: SignIn, page: Page, spot: Path, complaints: Complaints
) -> None:
    planner, lead = sign_in("planner", "ad-ops"), sign_in("lead", "ad-ops-lead")
    planner.goto("/admin/ads/advertiser/add/")
    planner.locator("[name=name]").fill("Isla Ferries")
    planner.locator("[name=category]").fill("travel")
    save(planner)
    planner.goto("/admin/ads/campaign/add/")
    choose(planner, "advertiser", "Isla Ferries")
    planner.locator("[name=name]").fill("Isla spring")
    save(planner)
    first = sell_flight(planner, "Desks", device="Desktop", bid="80")
    ad = upload(planner, "Desks", "Spring crossing", spot)
    eventually(lambda: Ad.objects.get(pk=ad.pk).review, Ad.Review.IN_REVIEW, within=60)
