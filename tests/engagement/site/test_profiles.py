"""Profiles: whose they are, and what can be done with them."""

from __future__ import annotations

import uuid

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from catalog.models import Genre
from engagement import services
from engagement.models import Viewer

pytestmark = pytest.mark.django_db

ANSWERS = {"name": "Mira", "colour": "#F25C54", "age_band": "25-34", "gender": "female", "tier": "ads", "monthly_hours": "12.5", "ads_consent": "on"}


@pytest.fixture
def drama() -> Genre:
    return Genre.objects.create(name="Drama", slug="drama")


def test_an_anonymous_visitor_makes_a_profile_that_belongs_to_the_browser(client: Client, drama: Genre) -> None:
    response = client.post("/profiles/new/", ANSWERS | {"favourite_genres": [drama.pk]})
    assert response.status_code == 302
    viewer = Viewer.objects.get()
    assert (viewer.name, viewer.age_band, viewer.monthly_hours, viewer.ads_consent) == ("Mira", "25-34", 12.5, True)
    assert viewer.account is None
    assert viewer.browser is not None
    assert list(viewer.favourite_genres.all()) == [drama]
    assert client.session["viewer"] == str(viewer.pk)
    assert response.cookies["browser"]["httponly"]


def test_a_second_profile_of_the_same_browser_has_the_same_owner(client: Client) -> None:
    client.post("/profiles/new/", ANSWERS)
    client.post("/profiles/new/", ANSWERS | {"name": "Jon"})
    assert Viewer.objects.values("browser").distinct().count() == 1
    assert b"Mira" in client.get("/profiles/").content


def test_nobody_sees_or_picks_the_profile_of_another_browser(client: Client) -> None:
    other = services.viewer_create(actor=None, browser=uuid.uuid4(), name="Stranger")
    client.post("/profiles/new/", ANSWERS)
    assert b"Stranger" not in client.get("/profiles/").content
    for page in ("pick", "delete"):
        assert client.post(f"/profiles/{other.pk}/{page}/").status_code == 404
    assert client.get(f"/profiles/{other.pk}/").status_code == 404


def test_a_forged_browser_cookie_owns_nothing(client: Client) -> None:
    other = services.viewer_create(actor=None, browser=uuid.uuid4(), name="Stranger")
    client.cookies["browser"] = f"{other.browser}:forged"
    assert b"Stranger" not in client.get("/profiles/").content


def test_a_signed_in_person_sees_the_profiles_of_the_account(client: Client) -> None:
    user = User.objects.create_user("ana", password="long enough")
    services.viewer_create(actor=user, browser=None, name="Ana")
    client.force_login(user)
    assert b"Ana" in client.get("/profiles/").content
    client.post("/profiles/new/", ANSWERS)
    assert Viewer.objects.get(name="Mira").account == user


def test_changing_a_profile_takes_consent_back(client: Client) -> None:
    client.post("/profiles/new/", ANSWERS)
    viewer = Viewer.objects.get()
    client.post(f"/profiles/{viewer.pk}/", {key: value for key, value in ANSWERS.items() if key != "ads_consent"})
    viewer.refresh_from_db()
    assert viewer.ads_consent is False


def test_a_wrong_answer_is_shown_beside_its_field(client: Client) -> None:
    response = client.post("/profiles/new/", ANSWERS | {"monthly_hours": "900"})
    assert response.status_code == 400
    assert b"744" in response.content
    assert not Viewer.objects.exists()


def test_a_deleted_profile_is_no_longer_the_current_one(client: Client) -> None:
    client.post("/profiles/new/", ANSWERS)
    client.post(f"/profiles/{Viewer.objects.get().pk}/delete/")
    assert not Viewer.objects.exists()
    assert "viewer" not in client.session


def test_an_owner_has_at_most_twelve_profiles() -> None:
    browser = uuid.uuid4()
    for number in range(services.MOST_PROFILES):
        services.viewer_create(actor=None, browser=browser, name=f"Nr {number}")
    with pytest.raises(services.TooManyProfiles):
        services.viewer_create(actor=None, browser=browser, name="One too many")


def test_the_demo_controls_are_kept_and_can_be_taken_back(client: Client) -> None:
    client.post("/profiles/demo/", {"device": "tv", "hour": "0"})
    assert (client.session["demo_device"], client.session["demo_hour"]) == ("tv", 0)
    assert b"Demo:" in client.get("/profiles/").content
    client.post("/profiles/demo/", {"device": "", "hour": ""})
    assert (client.session["demo_device"], client.session["demo_hour"]) == ("", None)
    assert b"Demo:" not in client.get("/profiles/").content
    assert client.post("/profiles/demo/", {"device": "fridge", "hour": ""}).status_code == 400


@pytest.mark.parametrize(("group", "page"), [("viewer", "/"), ("executive", "/live/"), ("ad-ops", "/admin/"), ("advertiser-member", "/")])
def test_signing_in_leads_to_the_page_of_ones_work(client: Client, group: str, page: str) -> None:
    user = User.objects.create_user("ana", password="long enough")
    user.groups.add(Group.objects.get_or_create(name=group)[0])
    response = client.post("/accounts/login/", {"username": "ana", "password": "long enough"})
    assert response.headers["Location"] == page


def test_the_page_asked_for_comes_before_the_page_of_ones_work(client: Client) -> None:
    User.objects.create_user("ana", password="long enough")
    response = client.post("/accounts/login/?next=/profiles/", {"username": "ana", "password": "long enough", "next": "/profiles/"})
    assert response.headers["Location"] == "/profiles/"


def test_a_wrong_password_says_so_without_saying_which(client: Client) -> None:
    response = client.post("/accounts/login/", {"username": "ana", "password": "wrong"})
    assert b"do not match an account" in response.content


def test_a_profile_says_where_it_lives_and_places_that_are_none_are_refused(client: Client) -> None:
    client.post("/profiles/new/", ANSWERS | {"country": "DE", "timezone": "Europe/Berlin"})
    viewer = Viewer.objects.get()
    assert (viewer.country, viewer.timezone) == ("DE", "Europe/Berlin")
    page = client.get(f"/profiles/{viewer.pk}/").content.decode()
    assert '<option value="Europe/Berlin" selected>Berlin</option>' in page
    for wrong in ({"country": "XX"}, {"timezone": "Europe/Atlantis"}):
        assert client.post(f"/profiles/{viewer.pk}/", ANSWERS | wrong).status_code == 400
