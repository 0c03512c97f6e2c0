"""Synthetic people behave by their tastes, repeatably, and never send what a player could not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.simulation import arrivals, behaviour, expected, people, scenes
from engagement.simulation.audience import DEFAULT, DISLIKES_REORDERING, Audience, AudienceProblem, load
from engagement.simulation.expected import Coming
from engagement.simulation.loyalty import Loyalty

AUDIENCE: Audience = load(DEFAULT)
GENRES = ("drama", "space")
CATEGORIES = ("gaming", "travel")
SCENE = scenes.SceneView(id=1, mood="chase", intensity=0.8, genres=("space",), duration=10.0, index=1)
AD = behaviour.AdView(
    key="ad-1", category="gaming", duration=10.0, skip_after=5.0, place=0, seen_before=0, genres=("space",), hour=20, device="mobile"
)


def someone(seed: int) -> people.Person:
    return people.draw(AUDIENCE, genres=GENRES, categories=CATEGORIES, rng=np.random.default_rng(seed), count=1)[0]


def test_the_same_seed_draws_the_same_people() -> None:
    assert someone(7) == someone(7)
    assert someone(7) != someone(8)


@given(st.integers(0, 10_000))
def test_an_ad_is_seen_first_and_its_quartiles_come_in_order_and_only_once_played(seed: int) -> None:
    watched = behaviour.watch_ad(AUDIENCE, someone(seed), AD, rng=np.random.default_rng(seed))
    types = [action.type for action in watched.actions]
    assert types[0] == "ad.impression"
    assert len(types) == len(set(types))
    quartiles = [name for name in types if name in {"ad.first_quartile", "ad.midpoint", "ad.third_quartile", "ad.complete"}]
    assert quartiles == ["ad.first_quartile", "ad.midpoint", "ad.third_quartile", "ad.complete"][: len(quartiles)]
    assert ("ad.complete" in types) == (watched.seconds == AD.duration)
    assert not ("ad.skip" in types and ("ad.complete" in types or "ad.click" in types))
    assert all(0 <= action.at <= watched.seconds for action in watched.actions if action.type != "ad.click")


@given(st.integers(0, 10_000))
def test_nothing_happens_in_a_scene_after_it_was_left(seed: int) -> None:
    watched = scenes.watch_scene(AUDIENCE, someone(seed), SCENE, ad_seconds=0, rng=np.random.default_rng(seed))
    assert 0 <= watched.seconds <= SCENE.duration
    assert all(action.at <= watched.seconds for action in watched.actions)
    assert 0 < watched.truth < 1


def test_clicks_come_as_often_as_their_true_probability_says() -> None:
    rng = np.random.default_rng(5)
    person = replace(someone(3), interests={"gaming": 2.0})
    truth = behaviour.click_probability(AUDIENCE, person, AD) * (1 - AUDIENCE.watching.hidden_in_ad[AD.device])
    clicks = sum("ad.click" in [a.type for a in behaviour.watch_ad(AUDIENCE, person, AD, rng=rng).actions] for _ in range(4000))
    assert clicks / 4000 == pytest.approx(truth, abs=4 * (truth * (1 - truth) / 4000) ** 0.5)


@pytest.mark.parametrize("skip_after", [5.0, None])
def test_ads_are_seen_to_their_end_as_often_as_the_true_probability_says(skip_after: float | None) -> None:
    rng = np.random.default_rng(5)
    person, ad = replace(someone(3), patience=-3.0), replace(AD, skip_after=skip_after, device="tv")
    truth = behaviour.completion_probability(AUDIENCE, person, ad)
    completed = sum("ad.complete" in [a.type for a in behaviour.watch_ad(AUDIENCE, person, ad, rng=rng).actions] for _ in range(4000))
    assert completed / 4000 == pytest.approx(truth, abs=4 * (truth * (1 - truth) / 4000) ** 0.5)


def test_ads_in_pages_nobody_looks_at_play_to_their_end_without_being_viewable_or_clicked() -> None:
    desktop = replace(AD, device="desktop", skip_after=None)
    drawn = [behaviour.watch_ad(AUDIENCE, someone(seed), desktop, rng=np.random.default_rng(seed)) for seed in range(600)]
    types = [{action.type for action in watched.actions} for watched in drawn]
    unseen = [found for found in types if "ad.viewable" not in found]
    assert 0.13 < len(unseen) / len(types) < 0.24
    assert sum("ad.complete" in found for found in unseen) > 0.9 * len(unseen)
    assert not any("ad.click" in found for found in unseen)
    on_screen = replace(desktop, device="tv")
    assert all(
        "ad.viewable" in {action.type for action in watched.actions} or watched.seconds < behaviour.VIEWABLE_SECONDS
        for watched in (behaviour.watch_ad(AUDIENCE, someone(seed), on_screen, rng=np.random.default_rng(seed)) for seed in range(50))
    )


def test_more_views_of_a_campaign_mean_fewer_clicks() -> None:
    person = someone(1)
    tired = behaviour.click_probability(AUDIENCE, person, replace(AD, seen_before=3))
    assert tired < behaviour.click_probability(AUDIENCE, person, AD)


def test_sessions_follow_the_evening_and_stay_inside_their_window() -> None:
    until = datetime(2026, 3, 9, tzinfo=UTC)
    zones = ["Europe/Berlin", "America/Los_Angeles"] * 1000
    drawn = arrivals.session_starts(AUDIENCE.rhythm, until=until, days=7, zones=zones, rng=np.random.default_rng(1))
    assert drawn == sorted(drawn)
    assert sorted(place for _, place in drawn) == list(range(2000))
    assert all((until - start).days < 7 for start, _ in drawn)
    for zone in set(zones):
        local = [start.astimezone(ZoneInfo(zone)) for start, place in drawn if zones[place] == zone]
        assert sum(19 <= start.hour <= 21 for start in local) > 4 * sum(2 <= start.hour <= 4 for start in local)
        afternoons = [sum(start.hour in range(12, 17) and (start.weekday() >= 5) == weekend for start in local) for weekend in (False, True)]
        assert afternoons[1] / 2 > afternoons[0] / 5, "a weekend has afternoons that other days have not"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("people: 400", "people: 0"), "people must be 1"),
        (("consent: 0.65", "consent: 2"), "share from 0 to 1"),
        (("name: default", "name: default\nhobby: chess"), "hobby"),
        (("weekdays: [0.9,", "weekdays: ["), "needs 7 weights"),
        (("Europe/Berlin", "Europe/Atlantis"), "no zone “Europe/Atlantis”"),
        (("{crawler:", "{gremlin:"), "no “gremlin”"),
        (("rhythm:", "rhythm: ]"), "is no YAML"),
        (("memory: 0.6", "memory: 1.6"), "story.memory is a share"),
        (("days_away: 45", "days_away: 0"), "days_away must be above 0"),
    ],
)
def test_a_wrong_audience_file_is_refused_with_the_place(change: tuple[str, str], words: str, tmp_path: Path) -> None:
    path = tmp_path / "audience.yaml"
    path.write_text(DEFAULT.read_text().replace(*change))
    with pytest.raises(AudienceProblem, match=words):
        load(path)


def test_a_missing_audience_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudienceProblem, match=r"nobody\.yaml"):
        load(tmp_path / "nobody.yaml")


def test_weariness_of_a_campaign_wears_off() -> None:
    views, person, noon = behaviour.Views(hours=24), someone(1).id, datetime(2026, 3, 9, 12, tzinfo=UTC)
    views.add(person, 7, now=noon)
    views.add(person, 7, now=noon + timedelta(hours=1))
    assert views.recent(person, 7, now=noon + timedelta(hours=2)) == 2
    assert views.recent(person, 7, now=noon + timedelta(hours=24, minutes=30)) == 1
    assert views.recent(person, 8, now=noon) == 0


def chance(audience: Audience, **changes: Any) -> float:
    """Mean chance of staying in a scene, over people of an audience."""
    sitting = changes.pop("sitting", scenes.FRESH)
    drawn = people.draw(audience, genres=GENRES, categories=CATEGORIES, rng=np.random.default_rng(4), count=200)
    scene = replace(SCENE, usual=10.0, whole=10.0, **changes)
    return float(np.mean([scenes.stay_probability(audience, person, scene, ad_seconds=0.0, stalled=0.0, sitting=sitting) for person in drawn]))


def test_a_shorter_scene_is_a_smaller_risk_and_a_dull_stretch_a_greater_one() -> None:
    assert chance(AUDIENCE, duration=7.0) > chance(AUDIENCE), "the cut costs less than the seconds it saves"
    assert chance(AUDIENCE, sitting=scenes.Sitting(momentum=-1.0)) < chance(AUDIENCE) < chance(AUDIENCE, sitting=scenes.Sitting(momentum=1.0))


def test_people_stay_as_long_in_a_scene_as_the_true_probability_says() -> None:
    rng, person = np.random.default_rng(5), replace(someone(3), patience=-2.0)
    watched = [scenes.watch_scene(AUDIENCE, person, SCENE, ad_seconds=0.0, rng=rng) for _ in range(4000)]
    truth = watched[0].truth
    assert np.mean([not one.left for one in watched]) == pytest.approx(truth, abs=4 * (truth * (1 - truth) / 4000) ** 0.5)
    told = expected.expectation(AUDIENCE, person, scenes.FRESH, Coming(SCENE, 0.0), scenes.GOOD)
    at_speed = [one.seconds / SCENE.duration for one in watched if all(action.type != "playback.rate" for action in one.actions)]
    assert told.engagement == pytest.approx(np.mean(at_speed), abs=0.03)


def test_the_audience_that_dislikes_reordering_is_the_other_one_but_for_what_it_minds() -> None:
    dislikes = load(DISLIKES_REORDERING)
    assert chance(dislikes) == pytest.approx(chance(AUDIENCE)), "as edited, both watch alike"
    assert abs(chance(AUDIENCE, moved=2) - chance(AUDIENCE)) < 0.01
    for change in ({"moved": 2}, {"duration": 7.0}, {"optional": True}):
        assert chance(dislikes, **change) < chance(dislikes) - 0.05, change


def test_who_is_displeased_comes_less_often_and_more_of_them_stay_away() -> None:
    drawn = people.draw(AUDIENCE, genres=GENRES, categories=CATEGORIES, rng=np.random.default_rng(4), count=200)
    now, rng = datetime(2026, 3, 9, 12, tzinfo=UTC), np.random.default_rng(6)
    lost = []
    for worth in (-1.5, 1.5):
        loyalty = Loyalty(AUDIENCE, drawn)
        for index in range(len(drawn)):
            loyalty.watched(index, worth, until=now, rng=rng)
        lost.append(int((loyalty.away_until > now.timestamp()).sum()))
        assert np.sign(loyalty.pleasure[0]) == np.sign(worth)
    assert lost[0] > lost[1]


def test_audiences_that_extend_each_other_in_a_circle_are_refused(tmp_path: Path) -> None:
    for one, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{one}.yaml").write_text(f"extends: {other}.yaml")
    with pytest.raises(AudienceProblem, match="in a circle"):
        load(tmp_path / "a.yaml")
