"""The page of a title's story: what it says, who may read it, and what it costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from adplatform.eventlog import ids
from adplatform.permissions import GROUPS
from catalog.models import Scene, Title
from engagement.editors.directed import directed
from engagement.models import DirectorDecision, DirectorOutcome, MomentDay, SceneDay
from engagement.retention.selectors import Window
from tests.media import Films

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
MOST_QUERIES = 14


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


def watched(title: Title, *, views: int, days_ago: int = 0, device: str = "tv", synthetic: bool = False, left_in: int = 3) -> None:
    """So many views of a title, of which a fifth left in one scene."""
    key: dict[str, Any] = {"day": NOW.date() - timedelta(days=days_ago), "title_id": title.pk, "device": device, "synthetic": synthetic}
    SceneDay.objects.create(scene_id=0, starts=views, completed=views // 2, left=views - views // 2, complaints=2, as_edited=3, **key)
    for scene in title.scenes.select_related("asset"):
        left = views // 5 if scene.position == left_in else 0
        SceneDay.objects.create(
            scene_id=scene.pk,
            starts=views,
            completed=views - left,
            left=left,
            seen_milliseconds=views * 4000,
            offered_milliseconds=views * 5000,
            **key,
        )
        for segment in range(len(scene.asset.segments) if scene.asset else 0):
            MomentDay.objects.create(scene_id=scene.pk, segment=segment, views=views, left=left if segment == 0 else 0, **key)


def story(client: Client, title: Title, **asked: str) -> str:
    response = client.get(f"/admin/catalog/title/{title.pk}/story/", asked)
    assert response.status_code == 200
    return unescape(response.content.decode())


def test_the_story_shows_the_graph_the_curve_and_the_scenes_beside_what_is_usual(staff: Client, films: Films) -> None:
    watched(films.pattern, views=200)
    watched(films.bars, views=100, left_in=99)
    told = story(staff, films.pattern)
    assert "Yellow requires Green" in told
    assert "Opener opens, Finale ends the film" in told
    assert "Retention curve. 200 views." in told
    assert "0:10 to 0:12, Blue: 20.0% left" in told
    assert "left more than usual" in told
    assert "The Director decided nothing in this title" in told
    scene = films.pattern.scenes.get(position=3)
    assert f"/admin/catalog/scene/{scene.pk}/change/" in told


def test_the_window_the_device_and_the_origin_choose_what_is_counted(staff: Client, films: Films) -> None:
    watched(films.pattern, views=200)
    watched(films.pattern, views=50, days_ago=10, device="mobile", synthetic=True)
    assert "Retention curve. 250 views." in story(staff, films.pattern)
    assert "Retention curve. 200 views." in story(staff, films.pattern, days="7")
    assert "Retention curve. 50 views." in story(staff, films.pattern, device="mobile")
    assert "Retention curve. 50 views." in story(staff, films.pattern, who="synthetic")
    ten_days_ago = (NOW.date() - timedelta(days=10)).isoformat()
    assert "Retention curve. 50 views." in story(staff, films.pattern, since=ten_days_ago, until=ten_days_ago)
    assert "Nobody began this title in these days" in story(staff, films.pattern, device="tablet")


def test_a_window_that_cannot_be_is_answered_in_words(staff: Client, films: Films) -> None:
    assert "swap them" in story(staff, films.pattern, since="2026-03-02", until="2026-03-01")
    assert "Give both days" in story(staff, films.pattern, since="2026-03-02")
    assert "Choose 92 days at most" in story(staff, films.pattern, since="2025-01-01", until="2026-03-01")
    assert "Select a valid choice" in story(staff, films.pattern, device="fridge")
    assert staff.get("/admin/catalog/title/999999/story/").status_code == 404
    assert staff.get("/admin/catalog/title/x/story/").status_code == 404


def decided(title: Title, scene: Scene, *, watched: float, applied: bool) -> DirectorDecision:
    at = NOW - timedelta(minutes=30)
    decision = DirectorDecision.objects.create(
        id=ids.new_id(at), session=ids.new_id(at), title=title.pk, scene=scene.pk, decided_at=at, place=2, action="tighten" if applied else "keep",
        intended="tighten", applied=applied, arm="director" if applied else "control", reason="Attention is low.",
    )  # fmt: skip
    DirectorOutcome.objects.create(decision=decision.pk, decided_at=at, session=decision.session, reached=True, watched=watched, judged_at=NOW)
    return decision


def test_the_story_tells_what_the_director_did_beside_what_chance_held_back(staff: Client, films: Films) -> None:
    scene = films.pattern.scenes.get(position=2)
    for number in range(35):
        decided(films.pattern, scene, watched=0.8 + number % 5 * 0.02, applied=True)
        latest = decided(films.pattern, scene, watched=0.5 + number % 5 * 0.02, applied=False)
    decided(films.bars, films.bars.scenes.get(position=2), watched=0.0, applied=True)
    told = story(staff, films.pattern)
    assert "70 decisions in these days" in told
    assert "Tightened a scene" in told
    assert told.count("+30.0% of the next scene watched (95 %") == 2
    assert "84.0% against 54.0%, of 35 changes made and 35 held back by chance." in told
    assert "84% of 35 and 54% of 35" in told
    assert f"/admin/engagement/directordecision/{latest.pk}/change/" not in told
    assert told.count("Attention is low.") == 8


def test_what_chance_tried_stands_under_what_was_done_and_not_under_what_was_meant(films: Films) -> None:
    scene = films.pattern.scenes.get(position=2)
    tried = decided(films.pattern, scene, watched=0.5, applied=True)
    DirectorDecision.objects.filter(pk=tried.pk).update(intended="keep", explored=True)
    decided(films.pattern, scene, watched=0.5, applied=True)
    window = Window(NOW.date() - timedelta(days=1), NOW.date())
    found = {one.action: (one.intended, one.applied, one.explored) for one in directed(films.pattern.pk, window).done}
    assert found == {"tighten": (1, 2, 1), "keep": (1, 0, 0)}


def test_the_story_costs_as_many_queries_however_much_there_is(staff: Client, films: Films) -> None:
    watched(films.pattern, views=200)
    scene = films.pattern.scenes.get(position=2)
    for number in range(30):
        decided(films.pattern, scene, watched=0.5, applied=number % 2 == 0)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        story(staff, films.pattern)
    assert len(queries) <= MOST_QUERIES, [query["sql"][:90] for query in queries.captured_queries]
    assert not [query for query in queries.captured_queries if "playbackevent" in query["sql"]]


def test_a_graph_that_cannot_be_told_is_explained_and_still_drawn(staff: Client, films: Films) -> None:
    green, yellow = (films.pattern.scenes.get(name=name) for name in ("Green", "Yellow"))
    green.requires.add(yellow)
    told = story(staff, films.pattern)
    assert "scenes require each other in a circle" in told
    films.bars.scenes.all().delete()
    assert "has no scenes yet" in story(staff, films.bars)


def test_the_story_opens_to_whom_the_documentation_says(films: Films) -> None:
    call_command("sync_groups", verbosity=0)
    page = (Path(__file__).resolve().parents[3] / "docs/permissions.md").read_text()
    rows = [line.strip("|").split("|") for line in page.split("## The story of a title\n")[1].split("\n## ")[0].splitlines() if line.startswith("|")]
    documented = {group.strip(): cell.strip() for group, cell in rows[2:]}
    found = {}
    for group in GROUPS:
        user = User.objects.create_user(group, is_staff=GROUPS[group].staff)
        user.groups.add(Group.objects.get(name=group))
        client = Client()
        client.force_login(user)
        status = client.get(f"/admin/catalog/title/{films.pattern.pk}/story/").status_code
        found[group] = {200: "yes", 302: "sign in", 403: "no"}[status]
        if status == 200:
            assert f"/admin/catalog/title/{films.pattern.pk}/story/" in client.get("/admin/catalog/title/").content.decode()
        elif GROUPS[group].staff:
            assert "/story/" not in client.get("/admin/catalog/title/").content.decode()
    assert found == documented
