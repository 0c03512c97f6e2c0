from __future__ import annotations

from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from catalog.models import Scene, Title
from tests.media import Films


@pytest.fixture
def admin(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("editor", password="x"))
    return client


@pytest.mark.parametrize("model", ["title", "scene", "mediaasset", "genre"])
def test_every_list_of_the_catalogue_opens(admin: Client, films: Films, model: str) -> None:
    assert admin.get(reverse(f"admin:catalog_{model}_changelist")).status_code == 200


def test_a_title_shows_how_many_clips_are_ready(admin: Client, films: Films) -> None:
    assert "6 of 6 ready" in admin.get(reverse("admin:catalog_title_changelist")).content.decode()
    assert admin.get(reverse("admin:catalog_title_change", args=[films.pattern.pk])).status_code == 200


def test_a_circle_of_requirements_is_refused_in_words(admin: Client, films: Films) -> None:
    green, yellow = (Scene.objects.get(title=films.pattern, name=name) for name in ("Green", "Yellow"))
    page = reverse("admin:catalog_scene_change", args=[green.pk])
    form = {"position": 2, "name": "Green", "mood": "calm", "intensity": 0.3, "tags": "[]", "requires": [yellow.pk], "asset": green.asset_id}
    answer = admin.post(page, form)
    assert answer.status_code == 200
    assert "circle" in answer.content.decode()
    assert not green.requires.exists()
    assert admin.post(page, form | {"requires": []}).status_code == 302


def test_the_rebuild_action_queues_a_check_of_the_chosen_clips(admin: Client, films: Films, django_capture_on_commit_callbacks: object) -> None:
    with django_capture_on_commit_callbacks(execute=True) as queued:  # type: ignore[operator]
        answer = admin.post(
            reverse("admin:catalog_mediaasset_changelist"),
            {"action": "rebuild", "_selected_action": [films.ads["ad-test-1"].pk]},
            follow=True,
        )
    assert any("_ask_for_rebuild" in callback.__qualname__ for callback in queued)
    assert "1 clips will be checked" in answer.content.decode()


def rows_of(title: Title, **changes: dict[str, Any]) -> dict[str, Any]:
    """The title's own page as a browser would post it, with changes by the name of a scene."""
    form: dict[str, Any] = {
        "name": title.name, "slug": title.slug, "synopsis": "Rewritten", "tagline": "", "genres": [genre.pk for genre in title.genres.all()],
        "year": title.year, "maturity": title.maturity, "accent": title.accent, "backdrop": title.backdrop, "setting": title.setting, "motif": "",
        "published": "on", "position": title.position, "change_budget": title.change_budget,
    }  # fmt: skip
    scenes = list(title.scenes.order_by("position"))
    form |= {"scenes-TOTAL_FORMS": len(scenes), "scenes-INITIAL_FORMS": len(scenes)}
    for number, scene in enumerate(scenes):
        row: dict[str, Any] = {
            "id": scene.pk, "title": title.pk, "position": scene.position, "name": scene.name, "mood": scene.mood, "intensity": scene.intensity,
            "asset": scene.asset_id, "optional": "on" if scene.optional else "", "break_after": "on" if scene.break_after else "",
        }  # fmt: skip
        form |= {f"scenes-{number}-{name}": value for name, value in {**row, **changes.get(scene.name, {})}.items() if value != ""}
    return form


def order_of(title: Title) -> list[str]:
    return list(title.scenes.order_by("position").values_list("name", flat=True))


def test_two_scenes_swap_their_places_on_the_page_of_their_title(admin: Client, films: Films) -> None:
    page = reverse("admin:catalog_title_change", args=[films.pattern.pk])
    answer = admin.post(page, rows_of(films.pattern, Blue={"position": 5}, Cyan={"position": 3}))
    assert answer.status_code == 302
    assert order_of(films.pattern) == ["Opener", "Green", "Cyan", "Yellow", "Blue", "Finale"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Green": {"position": 4}, "Yellow": {"position": 2}}, "Yellow requires Green, which comes later; swap their positions"),
        ({"Green": {"optional": "on"}}, "Yellow always plays and cannot require the optional Green"),
        ({"Opener": {"optional": "on"}}, "Opener opens or ends the film and cannot be optional"),
        ({"Blue": {"position": 2}}, "Green and Blue both have position 2"),
        ({"Blue": {"position": 0}}, "Positions start at 1"),
    ],
)
def test_a_film_that_cannot_be_told_is_refused_with_its_names_and_nothing_typed_is_lost(
    admin: Client, films: Films, changes: dict[str, dict[str, Any]], words: str
) -> None:
    answer = admin.post(reverse("admin:catalog_title_change", args=[films.pattern.pk]), rows_of(films.pattern, **changes))
    told = unescape(answer.content.decode())
    assert answer.status_code == 200
    assert words in told
    assert "Rewritten" in told
    assert order_of(films.pattern) == ["Opener", "Green", "Blue", "Yellow", "Cyan", "Finale"]
    assert not Title.objects.filter(synopsis="Rewritten").exists()


def test_a_taken_position_is_refused_on_a_scenes_own_page(admin: Client, films: Films) -> None:
    green = films.pattern.scenes.get(name="Green")
    form = {"position": 3, "name": "Green", "mood": "calm", "intensity": 0.3, "tags": "[]", "asset": green.asset_id}
    answer = admin.post(reverse("admin:catalog_scene_change", args=[green.pk]), form)
    assert "Position 3 is taken" in answer.content.decode()
