"""A title's ad policy at work in whole playbacks: breaks around the film, breaks left out or shortened, and why."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ads.models import Ad, AdPolicy
from catalog.models import Title
from engagement.models import PlaybackSession, Viewer
from engagement.playback import live
from engagement.playback.plan import Plan
from engagement.playback.publishing import ensure_lead, publish_to
from engagement.playback.sessions import Opened
from engagement.playback.timeline import timeline
from tests.ads.inventory import make_ad
from tests.engagement.playback.conftest import Open
from tests.media import Films

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(autouse=True)
def ads(films: Films) -> list[Ad]:
    """Four advertisers with real clips of six seconds, live around now."""
    made = []
    for key in ("ad-test-1", "ad-test-2", "ad-test-1", "ad-test-2"):
        ad = make_ad(duration=6.0, starts_at=NOW - timedelta(days=2), ends_at=NOW + timedelta(days=9))
        ad.asset = films.ads[key]
        ad.save()
        made.append(ad)
    return made


def policy(**fields: Any) -> AdPolicy:
    defaults = {"break_seconds": 12, "creative_gap_seconds": 0}
    return AdPolicy.objects.create(title=Title.objects.get(slug="test-pattern"), **(defaults | fields))


def watched(session: Opened, *, now: datetime = NOW) -> Plan:
    """The plan after the whole film was watched at its own pace."""
    state, t = session.state, 0.0
    while t < state.plan.published_until:
        state = ensure_lead(session.session.pk, t, now=now + timedelta(seconds=t))
        kept = live.read(session.session.pk)
        assert kept is not None
        kept.film += sum(0.5 for item in state.plan.published if item.scene and item.t0 <= t < item.t1)
        live.keep(session.session.pk, kept)
        t += 0.5
    return state.plan


def outcomes(plan: Plan) -> list[tuple[str, str, str]]:
    return [(one.id, one.state, one.code) for one in plan.breaks]


def test_a_pre_roll_opens_the_playlist_and_a_post_roll_ends_it(opened: Open) -> None:
    policy(pre_roll=True, post_roll=True, mid_rolls=False)
    session = opened(now=NOW)
    assert timeline(session.state.plan, version=0, now=NOW)["items"][0]["kind"] == "ad"
    plan = watched(session)
    assert outcomes(plan) == [
        ("b0", "filled", ""),
        ("b2", "left_out", "policy_no_mid_roll"),
        ("b4", "left_out", "policy_no_mid_roll"),
        ("b6", "filled", ""),
    ]
    kinds = [item["kind"] for item in timeline(plan, version=0, now=NOW)["items"]]
    assert kinds == ["ad", "ad", *["scene"] * 6, "ad", "ad"]
    assert plan.ended


def test_who_leaves_in_the_pre_roll_goes_on_with_it_and_who_comes_back_later_meets_it_again(opened: Open) -> None:
    policy(pre_roll=True)
    ada = Viewer.objects.create(name="Ada")
    session = opened(viewer=ada, now=NOW)
    kept = live.read(session.session.pk)
    assert kept is not None
    kept.t = 3.0
    live.keep(session.session.pk, kept)
    PlaybackSession.objects.update(resume_scene=session.state.plan.film[0].id, resume_offset=0)
    assert opened(viewer=ada, now=NOW + timedelta(seconds=5)).resume_at == 0
    later = opened(viewer=ada, now=NOW + timedelta(days=2))
    assert (later.resume_at, later.state.plan.published[0].break_id) == (0, "b0e1")


def test_who_resumes_in_the_middle_meets_no_pre_roll(opened: Open) -> None:
    policy(pre_roll=True)
    ada = Viewer.objects.create(name="Ada")
    first = opened(viewer=ada, now=NOW)
    PlaybackSession.objects.update(resume_scene=first.state.plan.film[2].id, resume_offset=1.0)
    again = opened(viewer=ada, now=NOW + timedelta(days=2))
    assert outcomes(again.state.plan)[0] == ("b0", "seeked_over", "")
    assert all(item.ad is None for item in again.state.plan.published[:3])


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"spacing_seconds": 600}, "policy_spacing"),
        ({"most_breaks": 1}, "policy_most_breaks"),
        ({"seconds_per_hour": 14}, "policy_hourly_load"),
        ({"long_watch_seconds": 15, "ad_free_seconds": 600}, "ad_free_stretch"),
    ],
)
def test_a_break_that_the_policy_leaves_out_says_why_on_the_timeline_and_asks_for_nothing(opened: Open, fields: dict[str, int], code: str) -> None:
    policy(**fields)
    plan = watched(opened(now=NOW))
    assert outcomes(plan) == [("b2", "filled", ""), ("b4", "left_out", code)]
    (told,) = timeline(plan, version=0, now=NOW)["left_out"]
    assert (told["id"], told["code"]) == ("b4", code)
    assert told["reason"]
    assert plan.breaks[1].decision is None


def test_a_break_is_shortened_to_what_the_hour_still_holds(opened: Open) -> None:
    policy(seconds_per_hour=20)
    plan = watched(opened(now=NOW))
    assert outcomes(plan) == [("b2", "filled", ""), ("b4", "filled", "policy_hourly_load")]
    assert [round(one.seconds) for one in plan.breaks] == [12, 6]


def test_ads_of_other_playbacks_count_with_consent_alone(opened: Open) -> None:
    policy(seconds_per_hour=14)
    ada, ben = Viewer.objects.create(name="Ada", ads_consent=True), Viewer.objects.create(name="Ben")
    for viewer, state in ((ada, "left_out"), (ben, "filled")):
        first = opened(viewer=viewer, tab="one", now=NOW)
        assert publish_to(first.session.pk, first.state.plan.film[2].id, now=NOW).plan.breaks[0].state == "filled"
        second = opened(viewer=viewer, tab="two", restart=True, now=NOW + timedelta(minutes=50))
        then = publish_to(second.session.pk, second.state.plan.film[2].id, now=NOW + timedelta(minutes=50)).plan.breaks[0]
        assert (then.state, then.code) == (state, "policy_hourly_load" if state == "left_out" else "")
        third = opened(viewer=viewer, tab="three", restart=True, now=NOW + timedelta(hours=2))
        assert publish_to(third.session.pk, third.state.plan.film[2].id, now=NOW + timedelta(hours=2)).plan.breaks[0].state == "filled"


def test_a_break_met_long_after_it_was_decided_counts_from_when_it_was_met(opened: Open) -> None:
    policy(seconds_per_hour=14)
    session = opened(now=NOW)
    state = publish_to(session.session.pk, session.state.plan.film[2].id, now=NOW)
    kept = live.read(session.session.pk)
    assert kept is not None
    kept.shown = {"b2": (NOW + timedelta(minutes=55)).timestamp()}  # paused before it for nearly an hour
    live.keep(session.session.pk, kept)
    late = NOW + timedelta(minutes=61)
    state = publish_to(session.session.pk, session.state.plan.film[-1].id, now=late)
    assert outcomes(state.plan)[1] == ("b4", "left_out", "policy_hourly_load")
