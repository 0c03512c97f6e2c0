"""Finding something to watch, and saying who watches."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from engagement.models import Viewer

from .parts import Complaints

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_profile_is_made_and_greets_its_owner(page: Page, complaints: Complaints) -> None:
    page.goto("/")
    page.get_by_role("link", name="Make a profile").click()
    page.get_by_label("Name").fill("Mira")
    page.get_by_label("Age").select_option("25-34")
    page.get_by_text("Comedy").click()
    page.get_by_label("Use this profile to choose my ads").check()
    page.get_by_role("button", name="Make profile").click()
    expect(page.locator(".chip-name")).to_have_text("Mira")
    viewer = Viewer.objects.get(name="Mira")
    assert viewer.ads_consent
    assert [genre.name for genre in viewer.favourite_genres.all()] == ["Comedy"]
    assert complaints.found == []


def test_search_offers_titles_while_typing_and_a_title_opens_over_the_page(page: Page, complaints: Complaints) -> None:
    page.goto("/")
    box = page.get_by_role("combobox")
    box.press_sequentially("chase", delay=10)
    expect(page.get_by_role("option")).to_contain_text(["Test Pattern"])
    box.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("1 title")
    page.locator(".tile").first.click()
    dialog = page.locator("#detail")
    expect(dialog.get_by_role("heading", name="Test Pattern", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(r"/title/test-pattern/$"))
    dialog.get_by_role("button", name="4 of 5 stars").click()
    expect(dialog.get_by_text("Your rating")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page).to_have_url(re.compile(r"q=chase"))
    assert complaints.found == []


def test_rows_are_walked_by_arrow_keys(page: Page) -> None:
    page.goto("/")
    tiles = page.locator("#row-new ~ .row-frame .tile")
    tiles.first.focus()
    page.keyboard.press("ArrowRight")
    expect(tiles.nth(1)).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(tiles.first).to_be_focused()
