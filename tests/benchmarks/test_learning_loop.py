"""The arms of the learning loop meet one traffic, the first demo's never learns, and who knows the truth wins."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks import audience_world, chart, learning_loop
from benchmarks.audience_log import Station
from benchmarks.audience_world import Break, World
from benchmarks.first_demo import FirstDemo
from benchmarks.harness import Row
from benchmarks.learning_loop import DEMO, ORACLE, OURS, RANDOM, ByChance, Oracle, Tally, Traffic
from engagement.simulation import audience

DAYS, REQUESTS = 3.0, 500


@pytest.fixture(scope="module")
def world() -> World:
    return audience_world.make(audience.load(audience.DEFAULT), 2, days=DAYS, late=0.4, drift=True, equal=True)


@pytest.fixture(scope="module")
def breaks(world: World) -> list[Break]:
    return audience_world.traffic(world, requests=REQUESTS, days=DAYS, seed=2)


def bare(world: World, policy: object, breaks: list[Break]) -> Station:
    station = Station(world, policy, seed=2, epsilon=0.0, keeps=False, reads=False)  # type: ignore[arg-type]
    station.run(breaks)
    return station


def test_all_arms_meet_the_same_breaks_and_who_knows_the_truth_wins_most_clicks(world: World, breaks: list[Break]) -> None:
    chance, truth = bare(world, ByChance(2), breaks), bare(world, Oracle(world), breaks)
    assert [shown for shown, _ in chance.log.of_breaks] == [shown for shown, _ in truth.log.of_breaks]
    assert truth.log.clicks > 1.5 * chance.log.clicks


def test_flights_that_begin_later_are_shown_to_nobody_before(world: World, breaks: list[Break]) -> None:
    inventory = world.ads.inventory
    early = breaks[: REQUESTS // 3]
    station = bare(world, ByChance(2), early)
    late = {row for row in range(len(inventory.ads)) if inventory.starts[inventory.ad_flight[row]] > early[-1].at}
    shown = {row for viewer in station.viewers for _, row in viewer.views}
    assert late
    assert shown
    assert not late & shown


def test_the_first_demo_says_the_same_after_a_day_as_before_and_the_same_of_ads_of_one_category(world: World, breaks: list[Break]) -> None:
    demo, today = FirstDemo(world, 2), breaks[:40]
    demo.before_day(today)
    before = {context: chances.copy() for context, chances in demo.known.items()}
    assert bare(world, demo, today).log.impressions > 40
    demo.known.clear()
    demo.before_day(today)
    assert demo.known.keys() == before.keys()
    for context, chances in demo.known.items():
        np.testing.assert_array_equal(chances, before[context])
        assert chances.shape == (len(audience_world.CATEGORIES),)


def tally(impressions: list[int], clicks: list[int]) -> Tally:
    return Tally(np.array(impressions, dtype=np.float64), np.array(clicks, dtype=np.float64))


def test_rates_are_of_all_seeds_together_and_lie_in_their_intervals() -> None:
    shown = [1000] * 40
    arms = {RANDOM: tally(shown, [50] * 40), DEMO: tally(shown, [40] * 40), OURS: tally(shown, [75, 85] * 20), ORACLE: tally(shown, [130] * 40)}
    traffic = Traffic(np.arange(40), np.arange(40) % 2, arms, promoted=1, refused=0)
    rows: dict[str, Row] = {row.name: row for row in learning_loop.report([traffic, traffic], [1, 2], 2)}
    ours = rows["our loop: clicks per thousand impressions"]
    assert ours.value == pytest.approx(80)
    assert ours.low is not None
    assert ours.high is not None
    assert 75 < ours.low < 80 < ours.high < 85
    assert rows["our loop over random choice"].value == pytest.approx(1.6)
    assert rows["our loop: way from random choice to oracle"].value == pytest.approx(3 / 8)
    assert rows["nightly versions promoted"].value == 2


def test_a_chart_is_well_formed_and_its_labels_lie_apart() -> None:
    drawn = chart.lines({"a < b": [10.0, 50.0], "c": [20.0, 50.5]}, title="Clicks & more", x="day", first=1)
    root = ElementTree.fromstring(drawn)  # noqa: S314
    words = [text for text in root.iter("{http://www.w3.org/2000/svg}text") if text.text and text.text.startswith(("a < b", "c "))]
    assert abs(float(words[0].attrib["y"]) - float(words[1].attrib["y"])) >= 15
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))) == 2
