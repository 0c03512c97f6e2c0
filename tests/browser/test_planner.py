"""A media planner with nothing but the admin: from a new advertiser to an ad that people see, and to why another one is not seen."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from playwright.sync_api import Browser, Page, expect

from ads import services
from ads.models import Ad, Campaign, Flight, FlightBalance, FunnelHour
from catalog.media.packaging import ffmpeg, run

from .parts import Complaints, Site, eventually
from .watching import press_play

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(300)]
PASSWORD = "a planner's own password"
SignIn = Callable[[str, str], Page]
Watch = Callable[[str], bool]


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
    page.locator("[name=category]").select_option("travel")
    page.locator("[name=click_through]").fill("https://isla.example/spring")
    save(page)
    return Ad.objects.get(name=name)


def approve(page: Page, ad: Ad) -> None:
    page.goto(f"/admin/ads/ad/{ad.pk}/change/")
    page.get_by_role("button", name="Approve", exact=True).click()
    eventually(lambda: Ad.objects.get(pk=ad.pk).review, Ad.Review.APPROVED)


def launch(page: Page, flight: int) -> None:
    page.goto(f"/admin/ads/flight/{flight}/change/")
    page.get_by_role("button", name="Launch").click()
    eventually(lambda: Flight.objects.get(pk=flight).state, Flight.State.LIVE)


@pytest.fixture
def watch(browser: Browser, site: Site) -> Watch:
    """People who never came before watch until the first break has begun, until one meets this advertiser there: now and then the engine
    shows another ad to learn how it does."""

    def met(advertiser: str) -> bool:
        return any(first_ad() == advertiser for _ in range(4))

    def first_ad() -> str:
        context = browser.new_context(base_url=site.url, viewport={"width": 1280, "height": 720})
        page = context.new_page()
        press_play(page, "colour-bars")
        expect(page.locator("[data-part=ad-count]")).to_contain_text("1 of", timeout=30_000)
        shown = page.locator("[data-part=ad-name]").inner_text()
        page.locator("[data-part=ad-why]").click()
        told = page.locator("[data-part=why-body]")
        expect(told).to_contain_text("Predicted click rate")
        context.close()
        return shown

    return met


@pytest.fixture
def _others_get_their_turn_again() -> Iterator[None]:
    yield
    for campaign in Campaign.objects.filter(name="Isla spring"):
        services.campaign_end(actor=User.objects.get(username="planner"), campaign=campaign)


@pytest.mark.usefixtures("_others_get_their_turn_again")
def test_a_planner_sells_a_flight_sees_it_serve_and_finds_out_why_another_does_not(
    sign_in: SignIn, watch: Watch, spot: Path, complaints: Complaints
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
    desks = sell_flight(planner, "Desks", device="Desktop", bid="80")
    ad = upload(planner, "Desks", "Spring crossing", spot)
    eventually(lambda: Ad.objects.get(pk=ad.pk).review, Ad.Review.IN_REVIEW, within=60)
    approve(lead, ad)
    planner.goto(f"/admin/ads/flight/{desks}/forecast/")
    expect(planner.locator(".foresight-page")).to_contain_text(re.compile("impressions|is logged"))
    launch(planner, desks)
    assert watch("Isla Ferries")

    eventually(lambda: FlightBalance.objects.get(flight=desks).impressions > 0, True, within=30)
    planner.goto("/admin/ads/flight/?q=Desks")
    expect(planner.locator("#result_list, table").get_by_text(re.compile(r"^[1-9]\d* impressions?$"))).to_be_visible()

    rooms = sell_flight(planner, "Living rooms", device="TV", bid="120")
    second = upload(planner, "Living rooms", "Evening crossing", spot)
    eventually(lambda: Ad.objects.get(pk=second.pk).review, Ad.Review.IN_REVIEW, within=60)
    approve(lead, second)
    launch(planner, rooms)
    assert watch("Isla Ferries"), "by its first flight"
    eventually(lambda: FunnelHour.objects.filter(flight_id=rooms, reason="device_not_targeted").exists(), True, within=30)
    planner.goto(f"/admin/ads/flight/{rooms}/why/")
    expect(planner.locator(".why-verdict")).to_contain_text("on devices it does not target")
    assert FlightBalance.objects.get(flight=rooms).impressions == 0
    planner.goto(f"/admin/ads/flight/{rooms}/change/")
    aim(planner, "Desktop")
    save(planner)
    assert watch("Isla Ferries")
    eventually(lambda: FlightBalance.objects.get(flight=rooms).impressions > 0, True, within=30)

    planner.goto("/admin/reports/?by=flight&period=today")
    expect(planner.get_by_role("rowheader", name="Living rooms")).to_be_visible()
    with planner.expect_download() as download:
        planner.get_by_role("link", name="CSV", exact=True).click()
    report = list(csv.DictReader(Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()))
    shown = {row["Flight"]: int(row["Impressions"]) for row in report}
    booked = {flight: FlightBalance.objects.get(flight=flight).impressions for flight in (desks, rooms)}
    assert (shown["Desks"], shown["Living rooms"]) == (booked[desks], booked[rooms])
    assert complaints.found == []
