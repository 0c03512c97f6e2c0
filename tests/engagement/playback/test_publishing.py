"""One session over its whole life, with real clips and real ads: what is served only ever grows, whoever publishes."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import m3u8
import pytest
from django.db import connections
from django.test import Client

from adplatform.eventlog import stream
from adplatform.eventlog.envelope import decode
from ads.models import Ad, AdPolicy
from engagement.models import PlaybackSession, Viewer
from engagement.playback import live, polling
from engagement.playback.edits import reordered
from engagement.playback.plan import LEAST_LEAD_SECONDS, Note, Plan, needs_more, position_at
from engagement.playback.publishing import State, UnknownSession, change_plan, ensure_lead, load, publish_next, publish_to
from engagement.playback.sessions import Opened
from engagement.playback.timeline import media_playlist, timeline
from tests.ads.inventory import make_ad
from tests.engagement.playback import child
from tests.engagement.playback.conftest import Open
from tests.media import Films

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def ads(films: Films) -> list[Ad]:
    """Four advertisers with real clips, live around now. Two clips serve them all, so the same one may come again at once."""
    AdPolicy.objects.create(creative_gap_seconds=0)
    made = []
    for key in ("ad-test-1", "ad-test-2", "ad-test-1", "ad-test-2"):
        ad = make_ad(duration=6.0, starts_at=NOW - timedelta(days=2), ends_at=NOW + timedelta(days=9))
        ad.asset = films.ads[key]
        ad.save()
        made.append(ad)
    return made


def breaks_of(plan: Plan) -> list[tuple[str, str]]:
    return [(one.id, one.state) for one in plan.breaks]


def decided(session: uuid.UUID) -> list[str]:
    """Breaks by the decisions in the log; racers may log one decision several times, under one id."""
    entries: Any = stream.client().xrange(stream.STREAM)
    events = [decode(fields[stream.FIELD]) for _, fields in entries]
    found = {event.id: event.data["request"] for event in events if event.type == "ad.decision"}
    return sorted(request["break_id"] for request in found.values() if request["session"] == str(session))


def test_over_a_whole_playback_the_playlist_only_grows_and_never_starves(opened: Open, ads: list[Ad]) -> None:
    session = opened(now=NOW)
    state, served, t = session.state, [media_playlist(session.state.plan)], 0.0
    while t < state.plan.published_until:
        state = ensure_lead(session.session.pk, t, now=NOW + timedelta(seconds=t))
        assert state.plan.ended or not needs_more(state.plan, t)
        served.append(media_playlist(state.plan))
        t += 1.0
    assert all(later.startswith(earlier) for earlier, later in pairwise(served))
    final = m3u8.loads(served[-1])
    assert final.is_endlist
    assert sum(segment.duration for segment in final.segments) == pytest.approx(state.plan.published_until, abs=1e-4)
    items = timeline(state.plan, version=state.version, now=NOW)["items"]
    kinds = [item["kind"] for item in items]
    assert kinds == ["scene", "scene", "ad", "ad", "scene", "scene", "ad", "ad", "scene", "scene"]
    assert [(item["n"], item["of"]) for item in items if item["kind"] == "ad"] == [(1, 2), (2, 2)] * 2
    assert all(item["token"] and item["decision"] for item in items if item["kind"] == "ad")
    assert decided(session.session.pk) == ["b2", "b4"]


def test_processes_that_publish_at_once_agree_on_one_plan(opened: Open, ads: list[Ad]) -> None:
    session = opened(now=NOW)
    processes = [child.start(session.session.pk, NOW) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    state = load(session.session.pk)
    assert state.plan.ended
    assert state.plan.played == tuple(scene.id for scene in state.plan.film)
    assert breaks_of(state.plan) == [("b2", "filled"), ("b4", "filled")]
    assert decided(session.session.pk) == ["b2", "b4"]
    assert len({item.ad.token for item in state.plan.published if item.ad}) == 4
    steps = len(state.plan.played) + len(state.plan.breaks)
    assert state.version == steps - 1  # the opener was published with the session itself


def test_a_tab_that_asks_several_times_at_once_has_one_session(opened: Open, ada: Viewer) -> None:
    def ask(_: int) -> Opened:
        try:
            return opened(viewer=ada, now=NOW)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(4)))
    assert len({answer.session.pk for answer in answers}) == PlaybackSession.objects.count() == 1
    assert sum(not answer.reopened for answer in answers) == 1


def test_a_session_left_for_long_and_opened_twice_at_once_gets_one_new_playlist(opened: Open, ada: Viewer) -> None:
    left = opened(viewer=ada, now=NOW)

    def ask(_: int) -> Opened:
        try:
            return opened(viewer=ada, now=NOW + timedelta(hours=2))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, range(4)))
    assert {(answer.session.pk, answer.state.plan.epoch) for answer in answers} == {(left.session.pk, 1)}


def test_a_place_kept_from_days_ago_survives_a_visit_in_which_nothing_was_played(opened: Open, ada: Viewer) -> None:
    left = opened(viewer=ada, now=NOW)
    scene = left.state.plan.film[1].id
    PlaybackSession.objects.update(resume_scene=scene, resume_offset=1.5)
    for days in (2, 4):
        again = opened(viewer=ada, tab=f"day {days}", now=NOW + timedelta(days=days))
        assert position_at(again.state.plan, again.resume_at) == (scene, 1.5)


def test_whoever_is_late_gets_what_was_published_instead(opened: Open) -> None:
    session = opened(now=NOW)
    first = publish_next(session.session.pk, expected_version=session.state.version, now=NOW)
    late = publish_next(session.session.pk, expected_version=session.state.version, now=NOW)
    assert (first.won, late.won) == (True, False)
    assert late.plan == first.plan
    with pytest.raises(UnknownSession):
        publish_next(uuid.uuid4(), expected_version=0, now=NOW)


def test_a_break_without_ads_is_left_out_with_the_reason_and_the_film_goes_on(opened: Open) -> None:
    session = opened(now=NOW)
    state = publish_to(session.session.pk, session.state.plan.film[-1].id, now=NOW)
    assert state.plan.ended
    assert {(one.state, one.code, one.reason) for one in state.plan.breaks if one.state == "empty"} == {
        ("empty", "no_candidate", "No flight that runs now wants this break")
    }


def test_of_the_breaks_that_a_seek_passes_only_the_last_is_decided(opened: Open, ads: list[Ad]) -> None:
    session = opened(now=NOW, tab="fresh")
    film = session.state.plan.film
    assert breaks_of(session.state.plan) == [("b2", "open"), ("b4", "open")]
    state = publish_to(session.session.pk, film[-1].id, now=NOW)
    assert breaks_of(state.plan) == [("b2", "seeked_over"), ("b4", "filled")]
    assert decided(session.session.pk) == ["b4"]
    assert publish_to(session.session.pk, film[0].id, now=NOW).version == state.version
    assert publish_to(session.session.pk, 999_999, now=NOW).version == state.version


def watched_until(session: Opened, t: float, *, at: datetime) -> State:
    """The state of things after a player played to ``t`` and went away at ``at``."""
    state = ensure_lead(session.session.pk, t, now=at)
    live.keep(session.session.pk, live.Live(t=t, at=at.timestamp(), furthest=t, heard_at=at.timestamp(), epoch=state.plan.epoch, acked_seq=7))
    scene, offset = position_at(state.plan, t) or (0, 0.0)
    PlaybackSession.objects.filter(pk=session.session.pk).update(last_seen_at=at, resume_scene=scene, resume_offset=offset)
    return state


@pytest.fixture
def ada(films: Films) -> Viewer:
    return Viewer.objects.create(name="Ada")


def test_who_left_in_the_second_ad_of_a_break_goes_on_with_that_one(opened: Open, ads: list[Ad], ada: Viewer) -> None:
    session = opened(viewer=ada, now=NOW)
    first, second = [item for item in ensure_lead(session.session.pk, 12.5, now=NOW).plan.published if item.ad][:2]
    assert first.break_id == second.break_id
    watched_until(session, second.t0 + 1, at=NOW + timedelta(seconds=20))
    assert opened(viewer=ada, now=NOW + timedelta(seconds=25)).resume_at == second.t0


def test_after_ten_minutes_the_same_playlist_goes_on(opened: Open, ads: list[Ad], ada: Viewer) -> None:
    session = opened(viewer=ada, now=NOW)
    before = watched_until(session, 12.5, at=NOW + timedelta(seconds=13))
    again = opened(viewer=ada, now=NOW + timedelta(minutes=10))
    assert again.session.pk == session.session.pk
    assert again.resume_at == pytest.approx(next(item.t0 for item in before.plan.published if item.ad))  # it was left in the first ad
    assert again.state.plan.epoch == 0
    assert media_playlist(again.state.plan).startswith(media_playlist(before.plan))
    kept = live.read(session.session.pk)
    assert kept is not None
    assert kept.acked_seq == 7


def test_after_two_hours_a_new_playlist_begins_at_the_same_place_without_the_ads_seen(
    opened: Open, ads: list[Ad], ada: Viewer, client: Client
) -> None:
    session = opened(viewer=ada, now=NOW)
    seen = 4 + 6 + 12 + 1.5  # two scenes and the first break, into the third scene
    before = watched_until(session, seen, at=NOW + timedelta(seconds=24))
    scene, offset = position_at(before.plan, seen) or (0, 0.0)
    again = opened(viewer=ada, now=NOW + timedelta(hours=2), tab="another browser")
    plan = again.state.plan
    assert again.session.pk == session.session.pk
    assert plan.epoch == 1
    resumed_scene, resumed_offset = position_at(plan, again.resume_at) or (0, 0.0)
    assert resumed_scene == scene
    assert resumed_offset == pytest.approx(offset)
    assert ("b2", "seen") in breaks_of(plan)
    assert not [item for item in plan.published if item.ad]
    done = ensure_lead(session.session.pk, 1e9, now=NOW + timedelta(hours=2))
    assert breaks_of(done.plan) == [("b2", "seen"), ("b4e1", "filled")]
    assert client.get(f"/hls/{again.token}/media.m3u8?epoch=0").status_code == 410
    assert client.get(f"/hls/{again.token}/media.m3u8?epoch=1").status_code == 200


def test_after_two_days_a_new_session_begins_where_the_viewer_left(opened: Open, ada: Viewer) -> None:
    session = opened(viewer=ada, now=NOW)
    before = watched_until(session, 6.0, at=NOW)
    again = opened(viewer=ada, now=NOW + timedelta(days=2))
    assert again.session.pk != session.session.pk
    assert position_at(again.state.plan, again.resume_at) == position_at(before.plan, 6.0)


def test_without_a_socket_the_film_goes_on_by_the_clock_to_its_end(opened: Open, ads: list[Ad]) -> None:
    session = opened(now=NOW)
    state, served = session.state, [media_playlist(session.state.plan)]
    for seconds in range(0, 120, 3):
        state = polling.polled(load(session.session.pk), now=NOW + timedelta(seconds=seconds))
        playhead = min(float(seconds), state.plan.published_until)
        assert state.plan.ended or not needs_more(state.plan, playhead)
        served.append(media_playlist(state.plan))
    assert state.plan.ended
    assert all(later.startswith(earlier) for earlier, later in pairwise(served))


def test_a_paused_player_and_one_whose_socket_speaks_are_left_to_themselves(opened: Open) -> None:
    session = opened(now=NOW)
    for known, later in ((live.Live(t=1.0, at=NOW.timestamp(), playing=False), 600), (live.Live(t=1.0, at=NOW.timestamp()), 3)):
        known.heard_at = NOW.timestamp()
        live.keep(session.session.pk, known)
        assert polling.polled(session.state, now=NOW + timedelta(seconds=later)).version == session.state.version


def test_a_poll_leaves_a_boundary_to_the_director_as_long_as_the_socket_speaks_and_seconds_are_left(opened: Open) -> None:
    session = opened(now=NOW)
    begins = session.state.plan.published[-1].t0
    live.keep(session.session.pk, live.Live(t=begins, at=NOW.timestamp(), heard_at=NOW.timestamp()))
    assert needs_more(session.state.plan, begins)
    left = session.state.plan.published_until - begins - LEAST_LEAD_SECONDS
    soon, late = (NOW + timedelta(seconds=seconds) for seconds in (max(0.0, left) - 0.1, max(0.0, left) + 0.1))
    assert (polling.polled(session.state, now=soon).version == session.state.version) == (left > 0)
    assert polling.polled(session.state, now=late).version > session.state.version


def test_a_lost_socket_brings_the_authors_order_back(opened: Open) -> None:
    session = opened(now=NOW)
    blue, yellow, cyan, finale = (scene.id for scene in session.state.plan.film[2:])
    change_plan(session.session.pk, lambda plan: reordered(plan, (yellow, blue, cyan, finale), note=Note(yellow, "stronger")))
    state = polling.polled(load(session.session.pk), now=NOW + timedelta(seconds=30))
    assert (*state.plan.played, *state.plan.remaining)[2:] == (blue, yellow, cyan, finale)
    assert not state.plan.notes


def test_a_session_that_redis_forgot_goes_on(opened: Open) -> None:
    session = opened(now=NOW)
    stream.client().flushdb()
    state = polling.polled(session.state, now=NOW + timedelta(minutes=1))
    assert state.version > session.state.version
    assert live.read(session.session.pk) is not None


def test_an_edit_that_loses_the_race_is_made_again_on_the_newer_plan(opened: Open) -> None:
    session = opened(now=NOW)
    seen: list[Plan] = []

    def edit(plan: Plan) -> Plan:
        if not seen:
            publish_next(session.session.pk, expected_version=session.state.version, now=NOW)
        seen.append(plan)
        return replace(plan, notes=(Note(plan.film[0].id, "edited"),))

    state = change_plan(session.session.pk, edit)
    assert len(seen) == 2
    assert state.won
    assert state.version == session.state.version + 2
    assert state.plan.notes
    assert state.plan.breaks[0].state == "empty"


def test_why_an_ad_was_chosen_is_known_at_once(opened: Open, ads: list[Ad], client: Client) -> None:
    session = opened(now=datetime.now(UTC))
    state = ensure_lead(session.session.pk, 6.0, now=datetime.now(UTC))
    decision = next(one.decision for one in state.plan.breaks if one.decision)
    answer = client.get(f"/api/v1/playback/{session.session.pk}/why/{decision}?token={session.token}").json()
    assert answer["decision"] == str(decision)
    assert answer["candidates"]
