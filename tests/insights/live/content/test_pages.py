"""Who may open the pages of titles and content, and what a strange address says."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client

from adplatform.permissions import ADVERTISER_MEMBER, EDITOR, EXECUTIVE, GROUPS
from ads.models import Advertiser, AdvertiserMember
from insights.live.content import worked
from tests.media import Films

pytestmark = pytest.mark.django_db
PAGE, CATALOGUE = "/live/titles/test-pattern/", "/live/content/"


def member_of(group: str) -> Client:
    call_command("sync_groups", verbosity=0)
    user = User.objects.create_user(f"someone-{group}", is_staff=GROUPS[group].staff)
    user.groups.add(Group.objects.get(name=group))
    if group == ADVERTISER_MEMBER:
        AdvertiserMember.objects.create(user=user, advertiser=Advertiser.objects.create(name="A brand"))
    client = Client()
    client.force_login(user)
    return client


def test_editors_open_the_pages_and_their_streams_and_go_on_to_the_decisions(films: Films) -> None:
    client = member_of(EDITOR)
    page = client.get(PAGE)
    assert page.status_code == 200 and 'data-decisions="yes"' in page.text
    assert f"/admin/catalog/title/{films.pattern.pk}/story/" in page.text
    assert client.get(CATALOGUE).status_code == 200
    assert client.get("/live/").status_code == 403
    for stream in ("title?title=test-pattern&days=7", "content"):
        assert client.get("/live/snapshot.json", {"stream": stream}).status_code == 204
    assert client.get("/live/snapshot.json", {"stream": "now"}).status_code == 403


def test_executives_read_them_without_a_way_into_the_admin(films: Films) -> None:
    page = member_of(EXECUTIVE).get(PAGE)
    assert page.status_code == 200 and 'data-decisions="no"' in page.text and "/admin/" not in page.text


def test_who_is_of_an_advertiser_opens_neither_page_nor_stream(films: Films) -> None:
    client = member_of(ADVERTISER_MEMBER)
    assert {client.get(one).status_code for one in (PAGE, CATALOGUE)} == {403}
    refused = client.get("/live/snapshot.json", {"stream": "content"})
    assert (refused.status_code, refused.json()["problem"]) == (403, "not_allowed")


def test_a_title_that_is_not_there_is_told_in_a_sentence(films: Films) -> None:
    page = member_of(EDITOR).get("/live/titles/unheard-of/")
    assert page.status_code == 404
    assert "There is no title “unheard-of”" in page.text and CATALOGUE in page.text


def test_a_page_that_is_opened_has_its_figures_worked_out(films: Films) -> None:
    client = member_of(EDITOR)
    client.get(PAGE, {"days": "7"})
    client.get(CATALOGUE)
    kept = worked.last([f"title:{films.pattern.pk}:7", "precursors:7", "content", "precursors:28"])
    assert all(kept) and kept[2] is not None and kept[2]["titles_on_offer"] == 2
