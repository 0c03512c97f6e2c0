from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from adplatform.eventlog import ids
from catalog.models import Genre
from catalog.selectors import title_for_watching
from engagement.models import DirectorDecision, PlaybackSession, Rating, Viewer
from engagement.playback.sessions import session_open
from tests.media import Films

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_every_page_of_the_room_opens_and_shows_the_plan(staff: Client, films: Films) -> None:
    viewer = Viewer.objects.create(name="Ada")
    opened = session_open(title=title_for_watching("test-pattern"), viewer=viewer, tab="one", device="tv", hour=20, now=NOW)
    alternatives = [{"action": "keep", "scene": 1, "name": "Blue", "intensity": 0.5, "expected": 0.5}]
    decision = DirectorDecision.objects.create(
        id=ids.new_id(NOW), session=opened.session.pk, title=films.pattern.pk, scene=opened.state.plan.film[0].id, decided_at=NOW,
        action="bring_forward", applied=False, reason="Yellow comes next", alternatives=alternatives,
    )  # fmt: skip
    rating = Rating.objects.create(viewer=viewer, title=films.pattern, stars=4, rated_at=NOW)
    pages = {"viewer": viewer.pk, "playbacksession": opened.session.pk, "directordecision": decision.pk, "rating": rating.pk}
    shown = {}
    for model, key in pages.items():
        assert staff.get(f"/admin/engagement/{model}/").status_code == 200
        response = staff.get(f"/admin/engagement/{model}/{key}/change/")
        assert response.status_code == 200
        shown[model] = response.content.decode()
    assert "Opener" in shown["playbacksession"]
    assert "break after scene 2" in shown["playbacksession"]
    assert "but too late" in shown["directordecision"]


def test_nobody_edits_what_was_watched(staff: Client, films: Films) -> None:
    opened = session_open(title=title_for_watching("test-pattern"), viewer=None, tab="one", device="tv", hour=20, now=NOW)
    assert staff.post(f"/admin/engagement/playbacksession/{opened.session.pk}/change/", {"device": "mobile"}).status_code == 403
    assert staff.post(f"/admin/engagement/playbacksession/{opened.session.pk}/delete/", {"post": "yes"}).status_code == 403
    assert PlaybackSession.objects.get().device == "tv"


def test_the_demo_profiles_are_made_once_and_keep_what_somebody_changed() -> None:
    Genre.objects.create(name="Thriller", slug="thriller")
    with pytest.raises(CommandError, match="no account called viewer"):
        call_command("seed_viewers", verbosity=0)
    account = User.objects.create_user("viewer")
    call_command("seed_viewers", verbosity=0)
    made = Viewer.objects.filter(account=account)
    assert {viewer.ads_consent for viewer in made} == {True, False}
    assert [genre.slug for genre in made.get(name="Maya").favourite_genres.all()] == ["thriller"]
    made.filter(name="Maya").update(ads_consent=False)
    before = made.count()
    call_command("seed_viewers", verbosity=0)
    assert made.count() == before
    assert not made.get(name="Maya").ads_consent
