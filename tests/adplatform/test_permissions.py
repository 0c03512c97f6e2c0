"""The matrix of docs/permissions.md, cell by cell, against the running site."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.db import connections
from django.test import Client

from adplatform.permissions import (
    AD_OPS,
    AD_OPS_LEAD,
    ADVERTISER_MEMBER,
    ANSWERS,
    AUDIENCE,
    BILLING,
    CONTENT,
    DISMISSING,
    EDITOR,
    EXECUTIVE,
    FINDINGS,
    GROUPS,
    HISTORY,
    LEARNING,
    OWN,
    READ_ONLY,
    SELLING,
    SIGNING_OFF,
    VERIFYING,
    VIEWER,
)
from ads.models import AdvertiserMember
from tests.ads.inventory import make_ad

# The chat page reads suggestions as the read-only role.
pytestmark = pytest.mark.django_db(databases=["default", "insights"])

PAGES = ("/", "/admin/", "/live/", "/live/models/", "/live/experiments/", "/live/content/", "/live/insights/", "/insights/", "/insights/help/")
RIGHTS = SIGNING_OFF + DISMISSING + VERIFYING
SIGN_IN, FORBIDDEN, OPEN = "sign in", "no", "yes"
MATRIX = {
    None: (OPEN, SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN, SIGN_IN),
    VIEWER: (OPEN, SIGN_IN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN),
    EXECUTIVE: (OPEN, SIGN_IN, OPEN, OPEN, OPEN, OPEN, OPEN, OPEN, OPEN),
    AD_OPS: (OPEN, OPEN, OPEN, OPEN, OPEN, OPEN, OPEN, OPEN, OPEN),
    AD_OPS_LEAD: (OPEN, OPEN, OPEN, OPEN, OPEN, OPEN, OPEN, OPEN, OPEN),
    EDITOR: (OPEN, OPEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, OPEN, FORBIDDEN, FORBIDDEN, FORBIDDEN),
    READ_ONLY: (OPEN, OPEN, OPEN, OPEN, OPEN, OPEN, OPEN, OPEN, OPEN),
    ADVERTISER_MEMBER: (OPEN, OPEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN),
}
CELLS = [(group, page, expected) for group, row in MATRIX.items() for page, expected in zip(PAGES, row, strict=True)]


@pytest.fixture(scope="module", autouse=True)
def _leaves_no_reader_behind() -> Iterator[None]:
    yield
    connections["insights"].close()


@pytest.fixture
def groups() -> None:
    call_command("sync_groups", verbosity=0)


def member_of(group: str) -> User:
    user = User.objects.create_user(f"someone-{group}", password="a long password", is_staff=GROUPS[group].staff)
    user.groups.add(Group.objects.get(name=group))
    return user


@pytest.mark.parametrize(("group", "page", "expected"), CELLS)
@pytest.mark.usefixtures("groups")
def test_each_group_gets_to_the_pages_it_may_see_and_no_other(group: str | None, page: str, expected: str) -> None:
    client = Client()
    if group:
        client.force_login(member_of(group))
    response = client.get(page)
    seen = {200: OPEN, 302: SIGN_IN, 403: FORBIDDEN}[response.status_code]
    assert seen == expected
    if seen == SIGN_IN:
        assert "login" in response["Location"]


@pytest.mark.parametrize("group", list(GROUPS))
@pytest.mark.usefixtures("groups")
def test_nobody_may_delete_and_nobody_may_change_a_billing_row(group: str) -> None:
    user = member_of(group)
    held = user.get_group_permissions()
    assert not [permission for permission in held if ".delete_" in permission]
    for row in ("flightbalance", "decision", "adevent", "ledgerentry"):
        assert not user.has_perm(f"ads.change_{row}")
        assert not user.has_perm(f"ads.add_{row}")


def test_syncing_takes_away_what_is_not_declared(groups: None) -> None:
    editors = Group.objects.get(name=EDITOR)
    editors.permissions.add(Permission.objects.get(codename="delete_title"))
    call_command("sync_groups", verbosity=0)
    assert not editors.permissions.filter(codename="delete_title").exists()


def table(heading: str) -> list[list[str]]:
    """The cells of the table below a heading of docs/permissions.md."""
    page = (Path(__file__).resolve().parents[2] / "docs/permissions.md").read_text()
    lines = [line for line in page.split(f"## {heading}\n")[1].split("\n## ")[0].splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def headings(heading: str) -> list[str]:
    return table(heading)[0][1:]


def documented(heading: str) -> dict[str, list[str]]:
    """First cell -> the others."""
    return {row[0]: row[1:] for row in table(heading)[2:]}


def test_the_documented_pages_are_those_that_open() -> None:
    pages = documented("Pages")
    assert {None if group == "nobody signed in" else group: tuple(cells[: len(PAGES)]) for group, cells in pages.items()} == MATRIX


def test_the_documented_pages_of_ad_operations_are_those_that_open(groups: None) -> None:
    flight = make_ad().flight
    for group, cells in documented("Ad operations").items():
        client, user = Client(), member_of(group)
        if group == ADVERTISER_MEMBER:
            AdvertiserMember.objects.create(user=user, advertiser=flight.campaign.advertiser)
        client.force_login(user)
        answers = {page: client.get(page.strip("`").replace("<n>", str(flight.pk))).status_code for page in headings("Ad operations")}
        assert {page: {200: OPEN, 302: SIGN_IN, 403: FORBIDDEN}.get(answer, answer) for page, answer in answers.items()} == dict(
            zip(answers, cells, strict=True)
        ), group


@pytest.mark.parametrize("group", list(GROUPS))
def test_the_documented_rows_are_those_of_the_declaration(group: str) -> None:
    if group == ADVERTISER_MEMBER:
        # Rows of their own, through whatever door: `tests/ads/test_members.py`.
        assert (GROUPS[group].view, GROUPS[group].edit, GROUPS[group].may) == (OWN, (), ())
        assert documented("Rows in the admin")[group] == ["view their own", "-", "forecasts of their own", "-", "-", "-", "-", "-"]
        return
    cells = documented("Rows in the admin").get(group, ["-"] * 8)
    for models, cell in zip((SELLING, HISTORY, BILLING, CONTENT, AUDIENCE, LEARNING, FINDINGS, ANSWERS), cells, strict=True):
        rights = GROUPS[group]
        declared = {"edit" if model in rights.edit else "view" if model in rights.view else "-" for model in models}
        assert declared == {cell}, f"{group} on {models}"


@pytest.mark.parametrize("group", list(GROUPS))
@pytest.mark.usefixtures("groups")
def test_the_documented_rights_of_their_own_are_those_that_are_held(group: str) -> None:
    documented_rights = documented("Rights of their own").get(group, ["-"] * len(RIGHTS))
    user = member_of(group)
    assert ["yes" if user.has_perm(right) else "-" for right in RIGHTS] == documented_rights


@pytest.mark.usefixtures("groups")
def test_the_admin_names_no_page_that_its_reader_may_not_open() -> None:
    for group, shown in ((EDITOR, False), (READ_ONLY, True)):
        client = Client()
        client.force_login(member_of(group))
        assert ('href="/live/"' in client.get("/admin/").text) is shown


@pytest.mark.usefixtures("groups")
def test_the_review_queue_is_read_by_who_may_look_at_ads_and_decided_in_by_the_lead_alone() -> None:
    found = {}
    for group in GROUPS:
        client = Client()
        client.force_login(member_of(group))
        page = "/admin/ads/ad/review/"
        found[group] = (client.get(page).status_code, client.post(page, {"ad": "1", "note": "Too loud"}).status_code)
    sign_in, no, reads, decides = (302, 302), (403, 403), (200, 403), (200, 302)
    assert found == {
        VIEWER: sign_in, EXECUTIVE: sign_in, AD_OPS: reads, AD_OPS_LEAD: decides, EDITOR: no, READ_ONLY: reads, ADVERTISER_MEMBER: reads,
    }  # fmt: skip
