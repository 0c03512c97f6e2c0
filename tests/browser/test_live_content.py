"""The pages of titles and content as an editor uses them: from the catalogue to a title, from a drop to the decisions behind it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from catalog.models import Title
from engagement.models import DirectorDecision, MomentDay, PlaybackDay, SceneDay
from insights.tasks import work_out_content

from .conftest import _process
from .parts import Complaints, Site

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PATIENCE = 60_000
NOW = datetime.now(UTC)


@pytest.fixture
def editor(context: BrowserContext, site: Site) -> Iterator[User]:
    user = User.objects.create_user("editor-of-films")
    user.groups.add(Group.objects.get_or_create(name="editor")[0])
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site.url}])
    yield user
    user.delete()


@pytest.fixture
def viewed(site: Site) -> Iterator[Title]:
    """Two hundred views, of which eighty left in the second scene, where the Director once decided something."""
    title = site.films.bars
    key = {"title_id": title.pk, "device": "tv", "synthetic": True}
    made: list[SceneDay | MomentDay | PlaybackDay | DirectorDecision] = [
        SceneDay.objects.create(day=NOW.date(), scene_id=0, starts=200, completed=100, left=100, seen_milliseconds=3_600_000, **key),
        PlaybackDay.objects.create(bucket=NOW.replace(hour=0, minute=0, second=0, microsecond=0), scene_id=0, sessions=201, **key),
    ]
    for scene in title.scenes.select_related("asset"):
        left = 80 if scene.position == 2 else 5
        made.append(SceneDay.objects.create(day=NOW.date(), scene_id=scene.pk, starts=200, completed=200 - left, left=left, **key))
        for segment in range(len(scene.asset.segments) if scene.asset else 0):
            gone = left if segment == 0 else 0
            made.append(MomentDay.objects.create(day=NOW.date(), scene_id=scene.pk, segment=segment, views=200, left=gone, **key))
    second = title.scenes.get(position=2).pk
    made.append(
        DirectorDecision.objects.create(
            id=uuid.uuid4(),
            session=uuid.uuid4(),
            title=title.pk,
            scene=second,
            decided_at=NOW,
            action="tighten",
            intended="tighten",
            applied=True,
            reason="Attention is low.",
        )
    )
    yield title
    for row in made:
        row.delete()


@pytest.mark.usefixtures("editor")
def test_an_editor_goes_from_the_catalogue_to_a_title_and_from_a_drop_to_its_decisions(
    page: Page, complaints: Complaints, viewed: Title, tmp_path: Path
) -> None:
    work_out_content(["content", "precursors:28", f"title:{viewed.pk}:28", f"title:{viewed.pk}:7", "precursors:7"])
    with _process(tmp_path / "publisher.log", "manage.py", "publish_live"):
        page.goto("/live/content/")
        expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=PATIENCE)
        page.locator("[data-table=titles]").get_by_role("link", name="Colour Bars").click()
        expect(page.locator("#live")).to_have_attribute("data-state", "live", timeout=PATIENCE)
        expect(page.locator("#tiles")).to_contain_text("50.0%")
        page.locator("#marks").get_by_role("button", name="Olive: 40.0% left").click()
        expect(page.locator("[data-table=decisions]")).to_contain_text("Decisions in “Olive”")
        expect(page.locator("[data-table=decisions] tbody")).to_contain_text("Tightened a scene")
        page.get_by_label("Days").select_option("7")
        expect(page.locator("#foot")).to_contain_text("the last 7 UTC days")
        assert "days=7" in page.url and page.url.endswith(f"#scene-{viewed.scenes.get(position=2).pk}")
        assert settings.CURRENCY not in page.locator("#title").inner_text() and "$" not in page.locator("#title").inner_text()
        page.set_viewport_size({"width": 390, "height": 844})
        expect(page.locator("#live")).to_have_js_property("scrollWidth", page.locator("#live").evaluate("one => one.clientWidth"))
    assert complaints.found == []
