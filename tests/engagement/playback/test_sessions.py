from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from adplatform.eventlog import stream, tokens
from adplatform.eventlog.envelope import decode
from adplatform.experiments import selectors as experiments
from adplatform.experiments.assignment import EXPOSURE
from adplatform.models import Experiment
from ads.decision.load import Allowance, Policy
from catalog.models import Genre
from engagement.models import PlaybackSession, Viewer
from engagement.playback import live
from engagement.playback.asking import ad_request
from engagement.playback.live import Around
from engagement.playback.sessions import Opened
from tests.engagement.playback.conftest import Open
from tests.media import Films

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
POLICY = Policy()
SATURDAY_NIGHT = datetime(2026, 6, 6, 23, 30, tzinfo=UTC)


@pytest.fixture
def ada(films: Films) -> Viewer:
    viewer = Viewer.objects.create(name="Ada", ads_consent=True, age_band="25-34", gender="female", monthly_hours=20)
    viewer.favourite_genres.add(Genre.objects.get(slug="drama"))
    return viewer


def asked(session: Opened, *, policy: Policy = POLICY, now: datetime = NOW) -> Any:
    stored = PlaybackSession.objects.select_related("viewer", "title").get(pk=session.session.pk)
    plan, kept = session.state.plan, live.read(session.session.pk)
    assert kept is not None
    allowed = Allowance(policy.break_seconds, policy.break_ads)
    return ad_request(stored, plan, plan.breaks[0], policy=policy, allowed=allowed, around=kept.around, now=now)


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


def test_hour_and_weekday_are_those_of_the_profiles_zone_with_consent_else_of_the_browsers(opened: Open, ada: Viewer) -> None:
    Viewer.objects.update(timezone="Asia/Tokyo", country="JP")
    ada.refresh_from_db()
    session = opened(viewer=ada, around=Around(zone="America/New_York", country="US"), now=NOW)
    request = asked(session, now=SATURDAY_NIGHT)
    assert (request.hour, request.weekday, request.country) == (8, 6, "JP")
    Viewer.objects.update(ads_consent=False)
    request = asked(session, now=SATURDAY_NIGHT)
    assert (request.hour, request.weekday, request.country) == (19, 5, "US")


@pytest.mark.parametrize(
    ("around", "hour", "weekday"), [(Around(zone="No/Where"), 23, 5), (Around(zone="../../etc/passwd"), 23, 5), (Around(hour=7), 7, 5)]
)
def test_an_unknown_zone_counts_as_utc_and_a_demo_plays_the_hour_it_likes(opened: Open, around: Around, hour: int, weekday: int) -> None:
    request = asked(opened(around=around, now=NOW), now=SATURDAY_NIGHT)
    assert (request.hour, request.weekday, request.country) == (hour, weekday, None)


def test_hashes_of_address_and_browser_are_told_on_their_own_day_alone(opened: Open) -> None:
    session = opened(around=Around(ip_hash="a", ua_hash="b", day="2026-06-06"), now=NOW)
    today, tomorrow = (asked(session, now=SATURDAY_NIGHT + timedelta(hours=hours)) for hours in (0, 1))
    assert (today.ip_hash, today.ua_hash, tomorrow.ip_hash, tomorrow.ua_hash) == ("a", "b", "", "")


def test_the_titles_policy_and_the_scene_before_are_part_of_the_ad_request(opened: Open) -> None:
    policy = Policy(break_seconds=45, break_ads=3, creative_gap_seconds=300, reserve_micros=2_500, house_ads=False)
    request = asked(opened(now=NOW), policy=policy)
    assert (request.duration, request.max_ads, request.creative_gap, request.reserve_micros, request.house_ads) == (45, 3, 300, 2_500, False)
    assert request.maturity == "PG"


def test_a_session_is_exposed_once_however_often_it_is_opened_and_to_nothing_that_began_later(opened: Open, ada: Viewer) -> None:
    halves = [{"name": "control", "share": 0.5}, {"name": "bolder", "share": 0.5}]
    Experiment.objects.create(key="running", arms=halves, state="running", started_at=NOW)
    Experiment.objects.create(key="everybodys", arms=halves, state="stopped", rolled_out="bolder", started_at=NOW, stopped_at=NOW)
    experiments.forget()
    session = opened(viewer=ada, now=NOW).session
    Experiment.objects.create(key="later", arms=halves, state="running", started_at=NOW)
    experiments.forget()
    again = opened(viewer=ada, now=NOW + timedelta(minutes=1))
    experiments.forget()
    assert again.reopened
    assert again.session.arms == session.arms
    assert session.arms["everybodys"] == "bolder"
    assert "later" not in session.arms
    events = [event for event in stream.unread() if event.type == EXPOSURE]
    assert [(event.data["experiment"], event.data["arm"], event.data["unit"]) for event in events] == [
        ("running", session.arms["running"], str(ada.pk))
    ]
