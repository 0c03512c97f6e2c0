from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from adplatform.eventlog import stream, tokens
from adplatform.eventlog.envelope import decode
from catalog.models import Genre
from engagement.models import PlaybackSession, Viewer
from engagement.playback.publishing import ad_request
from engagement.playback.sessions import Opened
from tests.engagement.playback.conftest import Open
from tests.media import Films

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)


@pytest.fixture
def ada(films: Films) -> Viewer:
    viewer = Viewer.objects.create(name="Ada", ads_consent=True, age_band="25-34", gender="female", monthly_hours=20)
    viewer.favourite_genres.add(Genre.objects.get(slug="drama"))
    return viewer


def asked(session: Opened) -> Any:
    stored = PlaybackSession.objects.select_related("viewer", "title").get(pk=session.session.pk)
    return ad_request(stored, session.state.plan, session.state.plan.breaks[0], now=NOW)


def test_with_consent_the_profile_is_part_of_the_ad_request(opened: Open, ada: Viewer) -> None:
    request = asked(opened(viewer=ada, now=NOW))
    assert (request.consent, request.age_band, request.gender, request.monthly_hours) == (True, "25-34", "female", 20)
    assert request.favourite_genres == request.genres == ("drama",)
    assert (request.break_id, request.break_index, request.break_position, request.device) == ("b2", 0, "mid", "tv")


def test_consent_withdrawn_in_mid_film_counts_for_the_next_break(opened: Open, ada: Viewer) -> None:
    session = opened(viewer=ada, now=NOW)
    Viewer.objects.update(ads_consent=False)
    request = asked(session)
    assert not request.consent
    assert {request.tier, request.age_band, request.gender, request.monthly_hours, request.favourite_genres} == {None}


def test_consent_given_in_mid_film_waits_for_the_next_session(opened: Open, ada: Viewer) -> None:
    Viewer.objects.update(ads_consent=False)
    ada.refresh_from_db()
    session = opened(viewer=ada, now=NOW)
    Viewer.objects.update(ads_consent=True)
    assert not asked(session).consent


def test_what_a_synthetic_viewer_does_is_marked_synthetic(opened: Open, films: Films) -> None:
    session = opened(viewer=Viewer.objects.create(name="Synthetic 1", synthetic=True), now=NOW)
    entries: Any = stream.client().xrange(stream.STREAM)
    (began,) = [decode(fields[stream.FIELD]) for _, fields in entries]
    assert began.type == "playback.session"
    assert began.synthetic
    assert tokens.read(session.token, tokens.SessionToken, now=None).synthetic
    assert asked(session).synthetic


def test_a_film_watched_to_its_end_begins_anew(opened: Open, ada: Viewer) -> None:
    first = opened(viewer=ada, now=NOW)
    PlaybackSession.objects.update(ended_at=NOW, resume_scene=first.state.plan.film[-1].id, resume_offset=3)
    again = opened(viewer=ada, now=NOW)
    assert again.session.pk != first.session.pk
    assert again.resume_at == 0
