"""The history of what is sold reads as sentences: when, who, why, and what was changed from what to what."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from ads import services
from ads.admin.flights import FlightAdmin
from ads.models import Ad, AdPolicy

from .inventory import make_ad

pytestmark = pytest.mark.django_db


@pytest.fixture
def planner() -> User:
    return User.objects.create_superuser("planner")


@pytest.fixture
def client(planner: User) -> Client:
    signed_in = Client()
    signed_in.force_login(planner)
    return signed_in


def told(client: Client, row: Any, page: int = 1) -> list[tuple[str, str, dict[str, tuple[list[str], list[str]]]]]:
    """(why, who, {column: (was, becomes)}) of each version, latest first, as the page was given them; each word of it is on the page."""
    answer = client.get(reverse(f"admin:ads_{row._meta.model_name}_history", args=[row.pk]), {"p": page})
    text = answer.content.decode()
    versions = [(one.why, one.who, {change.label: (change.was, change.becomes) for change in one.changes}) for one in answer.context["page_obj"]]
    for why, who, changes in versions:
        assert all(word in text for word in (why, who, *changes))
    return versions


def test_a_change_of_terms_is_told_in_money_words_and_only_where_it_differs(client: Client, planner: User) -> None:
    flight = make_ad(targeting={"include": {"devices": ["tv"]}}, goal_amount=1000, bid_micros=20_000_000).flight
    changes = {
        "bid_micros": 24_500_000, "goal_amount": 12_000, "targeting": {"include": {"devices": ["tv", "mobile"]}}, "strict_caps": True,
        "frequency_caps": [{"scope": "flight", "count": 3, "per": "day", "times": 1}, {"scope": "advertiser", "count": 1, "per": "pod", "times": 1}],
    }  # fmt: skip
    services.row_update(actor=planner, row=flight, changes=changes, reason="Imported from terms.csv")
    why, who, found = told(client, flight)[0]
    assert (why, who) == ("Imported from terms.csv", "planner")
    assert found == {
        "Bid": (["20.00 USD"], ["24.50 USD"]),
        "Goal": (["1,000 impressions"], ["12,000 impressions"]),
        "Whom it reaches": (["Devices: only TV"], ["Devices: only TV, Mobile"]),
        "Frequency caps": (["none"], ["3 per day per flight", "1 per break per advertiser"]),
        "Caps are strict": (["no"], ["yes"]),
    }


def test_a_state_is_told_by_its_word_and_a_row_without_a_person_is_the_systems(client: Client, planner: User) -> None:
    flight = make_ad().flight
    services.flight_pause(actor=planner, flight=flight)
    versions = told(client, flight)
    assert versions[0] == ("Paused", "planner", {"State": (["Live"], ["Paused"])})
    assert versions[-1][1:] == ("the system", {})


def test_an_ad_tells_who_approved_it(client: Client, planner: User) -> None:
    ad = make_ad()
    Ad.objects.filter(pk=ad.pk).update(review=Ad.Review.IN_REVIEW)
    ad.refresh_from_db()
    ad.save()
    services.ad_approve(actor=planner, ad=ad, note="Fine for families")
    why, who, found = told(client, ad)[0]
    assert (why, who) == ("Approved: Fine for families", "planner")
    assert found == {"Review": (["In review"], ["Approved"]), "Note of the review": (["none"], ["Fine for families"])}


def test_a_policy_tells_its_price(client: Client, planner: User) -> None:
    policy = services.row_create(actor=planner, row=AdPolicy(reserve_micros=1_000_000))
    services.row_update(actor=planner, row=policy, changes={"reserve_micros": 2_500_000})
    assert told(client, policy)[0][2] == {"Reserve price": (["1.00 USD"], ["2.50 USD"])}


def test_the_oldest_line_of_a_page_is_held_against_the_next_page(client: Client, planner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FlightAdmin, "history_list_per_page", 1)
    flight = make_ad().flight
    services.row_update(actor=planner, row=flight, changes={"priority": 2})
    services.row_update(actor=planner, row=flight, changes={"priority": 3})
    assert [told(client, flight, page)[0][2] for page in (1, 2)] == [{"Priority": (["2"], ["3"])}, {"Priority": (["5"], ["2"])}]


def test_who_signs_in_at_the_admin_lands_in_the_admin(planner: User) -> None:
    planner.set_password("quite-a-secret")
    planner.save()
    browser, login = Client(), reverse("admin:login")
    assert '<input type="hidden" name="next" value="/admin/" form="login-form">' in browser.get(login).content.decode()
    answer = browser.post(login, {"username": "planner", "password": "quite-a-secret", "next": "/admin/"})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
