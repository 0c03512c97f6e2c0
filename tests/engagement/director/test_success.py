"""Optimisation success compares what was done with the same intention held back by chance, and says when it cannot tell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from adplatform.eventlog import ids
from engagement.director import success
from engagement.director.success import Changes, judged
from engagement.models import DirectorDecision, DirectorOutcome

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def changes(sessions: int, effect: float, *, seed: int = 3) -> Changes:
    """Two boundaries a session that share a mood; half are done. What is intended most is done less often, and watched less anyway."""
    rng = np.random.default_rng(seed)
    session = np.repeat(np.arange(sessions), 2)
    action = np.where(rng.random(len(session)) < 0.6, "tighten", "linger")
    done = rng.random(len(session)) < np.where(action == "tighten", 0.4, 0.6)
    mood = rng.normal(0, 0.1, sessions)[session]
    watched = 0.6 - 0.2 * (action == "tighten") + effect * done + mood + rng.normal(0, 0.1, len(session))
    nothing = np.zeros(len(session), dtype=np.int64)
    return Changes(session, nothing, nothing, action, nothing, watched, done, np.ones(len(session)))


def test_the_interval_holds_the_truth_and_is_not_taken_in_by_which_actions_were_done() -> None:
    inside = 0
    for seed in range(60):
        found = judged(changes(150, 0.05, seed=seed))
        assert found.low is not None
        assert found.high is not None
        inside += found.low < 0.05 < found.high
    assert inside >= 52


def test_sessions_and_not_boundaries_are_what_is_counted() -> None:
    once = changes(200, 0.0)
    twice = Changes(*(np.concatenate([column, column]) for column in vars(once).values()))
    first, second = judged(once), judged(twice)
    assert first.value == pytest.approx(second.value)
    assert first.low == pytest.approx(second.low, abs=1e-9)


def test_too_few_sessions_are_said_to_be_too_few() -> None:
    few = judged(changes(20, 0.5))
    assert few.value is None
    assert few.words.startswith("Not enough evidence yet: ")
    assert "of the next scene watched (95 %" in judged(changes(200, 0.05)).words


def decide(number: int, *, watched: float | None, **fields: object) -> None:
    at = NOW - timedelta(hours=2) + timedelta(seconds=number)
    given = {"action": "tighten", "intended": "tighten", "applied": True, "title": 1, "reason": "", "place": 3, "session": ids.new_id(at)} | fields
    made = DirectorDecision.objects.create(id=ids.new_id(at), decided_at=at, **given)
    DirectorOutcome.objects.create(decision=made.pk, decided_at=at, session=made.session, reached=watched is not None, watched=watched, judged_at=NOW)


@pytest.mark.django_db
def test_what_chance_held_back_is_the_baseline_and_what_a_viewer_or_the_clock_held_back_is_not() -> None:
    for number in range(40):
        decide(number, watched=0.9)
        decide(100 + number, watched=0.6, action="keep", applied=False, arm="control")
        decide(200 + number, watched=0.6, action="keep", applied=False, explored=True, propensity=0.02)
        decide(300 + number, watched=0.0, action="keep", applied=False, features={"as_edited": 1.0})
        decide(400 + number, watched=0.0, action="tighten", applied=False)
        decide(500 + number, watched=None, action="keep", applied=False, arm="control")
        decide(600 + number, watched=0.1, action="suggest", intended="suggest", title=2)
    found = success.success(NOW - timedelta(days=1), NOW)
    assert found.value == pytest.approx(0.3)
    assert (found.done, found.held_back) == (40, 80)
    assert success.success(NOW - timedelta(days=1), NOW, title=2).value is None
    loaded = success.load(NOW - timedelta(days=1), NOW)
    assert set(success.by_action(loaded)) == {"tighten", "suggest"}
    assert success.by_title(loaded)[1].value == pytest.approx(0.3)
    assert success.by_day(loaded)["2026-11-20"].done == 80


@pytest.mark.django_db
def test_what_came_of_changes_is_told_by_scene_for_whom_and_where_it_is_asked_for() -> None:
    for number in range(40):
        decide(number, watched=0.9, scene=7, synthetic=True)
        decide(100 + number, watched=0.6, scene=7, synthetic=True, action="keep", applied=False, arm="control")
    decide(300, watched=0.0, scene=8)
    window = (NOW - timedelta(days=1), NOW)
    found = success.by_scene_and_action(success.load(*window, synthetic=True))
    assert found.keys() == {(7, "tighten")}
    assert found[7, "tighten"].value == pytest.approx(0.3)
    assert success.by_scene_and_action(success.load(*window, synthetic=False))[8, "tighten"].words.startswith(
        "Not enough evidence yet: 1 change made"
    )
    assert len(success.load(*window, device="tv")) == 0
    newest = success.load(*window, most=40)
    assert (newest.scene[0], len(newest), int(newest.done.sum())) == (8, 40, 1)


@pytest.mark.django_db
def test_a_keep_that_exploration_seldom_draws_counts_for_more() -> None:
    for number in range(40):
        decide(number, watched=0.8)
        decide(100 + number, watched=0.2 if number % 2 else 0.8, action="keep", applied=False, explored=True, propensity=0.01 if number % 2 else 0.03)
    found = success.success(NOW - timedelta(days=1), NOW, action="tighten")
    assert found.baseline == pytest.approx(0.35)
