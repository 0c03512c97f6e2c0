"""The models' page: who serves and how well, a version looked into, and a decision that was just made told in full."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from adplatform.models import ModelVersion
from ads.decision.request import AdRequest
from ads.models import Decision
from ads.serving import serve_break
from catalog.models import Title
from tests.insights.live.judged import a_version

from .conftest import _process
from .parts import Complaints, Site

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PATIENCE = 60_000


@pytest.fixture
def executive(context: BrowserContext, site: Site) -> Iterator[User]:
    user = User.objects.create_user("looks-at-models")
    user.groups.add(Group.objects.get_or_create(name="executive")[0])
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site.url}])
    # Of a kind that no request asks, so that the other tests of this site are served as before.
    versions = [a_version("churn", 1, status="refused"), a_version("churn", 2, alias="champion")]
    yield user
    ModelVersion.objects.filter(pk__in=[one.pk for one in versions]).delete()
    user.delete()


def decided() -> str:
    """The session of a break decided just now."""
    now, session = datetime.now(UTC), uuid.uuid4()
    request = AdRequest(
        session=session, break_id="b1", break_position="mid", break_index=0, duration=30.0, max_ads=1, device="tv", hour=20, weekday=2,
        title=Title.objects.order_by("pk")[0].pk,
    )  # fmt: skip
    serve_break(request, now=now)
    return str(session)


@pytest.mark.usefixtures("executive")
def test_a_model_its_versions_and_a_decision_can_be_looked_into(page: Page, complaints: Complaints, tmp_path: Path) -> None:
    session = decided()
    with _process(tmp_path / "publisher.log", "manage.py", "publish_live"):
        page.goto("/live/models/?kind=churn")
        expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=PATIENCE)
        expect(page.locator("#kind-name")).to_have_text("Churn: v2 · mlp")
        expect(page.locator("[data-table=metrics] tbody")).to_contain_text("0.9500")
        expect(page.locator("#gates li")).to_have_count(2)
        expect(page.locator("#layers li")).to_have_text(["60inputs", "32hidden 1", "16hidden 2", "1answer"])
        page.locator("[data-table=history]").get_by_role("button", name="v1").click()
        expect(page.locator("#version-title")).to_have_text("Churn: v1 · mlp")
        expect(page).to_have_url(re.compile(r"version=\d+"))
        page.go_back()
        expect(page.locator("#version-title")).to_have_text("Churn: v2 · mlp")
        expect(page.locator("#actions button")).to_have_count(0)

        while not Decision.objects.filter(session=session).exists():
            page.wait_for_timeout(200)
        decision = Decision.objects.get(session=session)
        page.get_by_label("Look for").fill(str(decision.pk))
        page.get_by_role("button", name="Search").click()
        told = page.locator("#decision")
        expect(told).to_contain_text(f"{decision.explanation['eligible']} of {decision.explanation['considered']} ads were eligible")
        expect(told).to_contain_text("it comes out the same")
        expect(told).not_to_contain_text(session)
        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_function("document.documentElement.scrollWidth === 390")
    assert complaints.found == []
