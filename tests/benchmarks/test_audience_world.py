"""The in-memory installation that the learning benchmarks run on: the same for one seed, true to the simulation, honest about what was known when."""

from __future__ import annotations

import numpy as np
import pytest

from ads.ctr.features import SCHEMA
from benchmarks import audience_world
from benchmarks.audience_log import REFRESH_SECONDS, ServingRule, Station
from benchmarks.audience_world import CATEGORIES, Break, World
from engagement.simulation import audience, behaviour
from engagement.simulation.behaviour import AdView

DAYS, REQUESTS = 4.0, 600


@pytest.fixture(scope="module")
def world() -> World:
    return audience_world.make(audience.load(audience.DEFAULT), 5, days=DAYS)


@pytest.fixture(scope="module")
def breaks(world: World) -> list[Break]:
    return audience_world.traffic(world, requests=REQUESTS, days=DAYS, seed=5)


@pytest.fixture(scope="module")
def station(world: World, breaks: list[Break]) -> Station:
    return served(world, breaks)


def served(world: World, breaks: list[Break]) -> Station:
    station = Station(world, ServingRule(world, 5), seed=5)
    station.run(breaks)
    return station


def test_one_seed_gives_one_log(station: Station, breaks: list[Break]) -> None:
    again = audience_world.make(audience.load(audience.DEFAULT), 5, days=DAYS)
    assert audience_world.traffic(again, requests=REQUESTS, days=DAYS, seed=5) == breaks
    (one, truth), (other, same_truth) = station.log.dataset(), served(again, breaks).log.dataset()
    np.testing.assert_array_equal(one.features, other.features)
    np.testing.assert_array_equal(one.labels, other.labels)
    np.testing.assert_array_equal(truth, same_truth)


def test_true_probabilities_are_those_of_the_simulation(world: World, breaks: list[Break]) -> None:
    rows = np.arange(0, 320, 37)
    for moment in breaks[:40]:
        person, film = world.persons[moment.person], world.films[moment.film]
        odds = world.click_logits(moment, rows, np.full(len(rows), 2), 1)
        for row, found in zip(rows.tolist(), odds.tolist(), strict=True):
            view = AdView(
                key=f"bench-ad-{row + 1}", category=CATEGORIES[world.ads.category[row]], duration=15.0, skip_after=None, place=1, seen_before=2,
                genres=film.genres, hour=moment.hour, device=person.device,
            )  # fmt: skip
            assert 1 / (1 + np.exp(-found)) == pytest.approx(behaviour.click_probability(world.audience, person, view), abs=1e-12)


def test_rows_keep_the_schema_and_hold_nothing_of_people_without_consent(world: World, station: Station) -> None:
    data, truth = station.log.dataset()
    assert SCHEMA.problems(data.features) == []
    assert len(truth) == len(data)
    assert np.all(np.diff(data.at) >= 0)
    withheld = np.isnan(data.features[:, SCHEMA.index["viewer"]])
    assert 0.1 < withheld.mean() < 0.6
    for feature in SCHEMA.features:
        if feature.privacy == "consent":
            assert np.isnan(data.features[withheld, SCHEMA.index[feature.name]]).all()


def test_counters_hold_no_outcome_before_it_was_received(world: World, breaks: list[Break]) -> None:
    station = served(world, breaks[:1])
    counters, first = station.counters, breaks[0]
    film = world.films[first.film]
    assert counters.rates(first, film, consent=True)["all"].sum() == 0
    later = next(one for one in breaks if one.at > first.at + film.seconds + 2 * REFRESH_SECONDS)
    assert counters.rates(later, world.films[later.film], consent=True)["all"][0, 0] == station.log.impressions


def test_whoever_knows_the_truth_predicts_best(station: Station) -> None:
    from adplatform.learning.metrics import level

    data, truth = station.log.dataset()
    constant = np.full(len(data), data.labels.mean())
    prior = data.features[:, SCHEMA.index["ad_click_rate"]].astype(np.float64)
    least = level("normalised_entropy", data.labels, truth)
    assert least < level("normalised_entropy", data.labels, prior)
    assert least < level("normalised_entropy", data.labels, constant)


def test_interests_turn_and_the_season_returns(world: World) -> None:
    before, after = world.interest[0], world.later[0]
    np.testing.assert_allclose(audience_world.drifted(before, after, 0.0), before)
    np.testing.assert_allclose(audience_world.drifted(before, after, 1.0), np.sqrt(0.5) * (before + after), atol=1e-9)
