from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from catalog.models import Scene
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
