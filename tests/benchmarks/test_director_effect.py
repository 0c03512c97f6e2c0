"""The Director's benchmark plays the product's own plan and decision: repeatably, legally, and each arm on people of its own."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import director_effect, director_world
from benchmarks.director_effect import Learning
from benchmarks.director_world import Arm, Shown, World
from benchmarks.first_director import FirstDirector
from engagement.director.lots import SCHEMA
from engagement.simulation import audience

SLOTS = 25


@pytest.fixture(scope="module")
def world() -> World:
    return director_world.make(audience.load(audience.DEFAULT), 1)


def played(world: World, arm: Arm) -> list[Shown]:
    return arm.run(director_world.slots(world, days=1, a_day=SLOTS), 0)


def test_the_same_arm_lives_through_the_same_day_again_and_chance_draws_a_tenth(world: World) -> None:
    first, again = (played(world, Arm(world, Learning(1, "gradient_boosting").decide)) for _ in range(2))
    assert [(one.session, one.coming, one.ads, one.changes) for one in first] == [(one.session, one.coming, one.ads, one.changes) for one in again]
    boundaries = [boundary for one in first for boundary in one.decided]
    assert sum(one.changes for one in first) == sum(b.event.data["applied"] and b.event.data["action"] != "suggest" for b in boundaries) > 0
    for boundary in boundaries:
        assert boundary.event.data["intended"] == "keep", "nothing was learned yet"
        assert sum(boundary.decided.choice.propensities) == pytest.approx(1)
        assert boundary.decided.seen.rows.shape[1] == len(SCHEMA.features)
        assert 0 <= boundary.coming <= 1


def test_the_control_arm_says_what_it_would_do_and_plays_what_nobody_directs(world: World) -> None:
    alone, asked = played(world, Arm(world, None)), played(world, Arm(world, Learning(1, "gradient_boosting").decide, control=True))
    assert [(one.session, one.coming, one.ads) for one in alone] == [(one.session, one.coming, one.ads) for one in asked]
    assert not any(boundary.event.data["applied"] for one in asked for boundary in one.decided)
    assert any(one.decided for one in asked)


def test_the_first_demo_obeys_the_budget_of_changes(world: World) -> None:
    shown = played(world, Arm(world, FirstDirector().decide))
    assert all(one.changes <= director_world.BUDGET for one in shown)


def test_figures_are_of_all_people_together_and_lie_in_their_intervals(world: World) -> None:
    arms = {name: played(world, Arm(world, None)) for name in (director_effect.OFF, director_effect.DEMO, director_effect.ON)}
    runs = [director_effect.Run(len(world.persons), arms, versions=1, refused=0)]
    rows = {row.name: row for row in director_effect.report(runs, [1], 1, prefix="", nothing_helps=True)}
    mean = rows["share of the film watched, author's order"]
    assert mean.value == pytest.approx(np.mean([one.film_share for one in arms[director_effect.OFF]]))
    assert mean.low is not None and mean.high is not None and mean.low < mean.value < mean.high
    same = rows["completion: Director less author's order"]
    assert (same.value, same.low, same.high) == (0, 0, 0), "arms that live through the same do not differ"
