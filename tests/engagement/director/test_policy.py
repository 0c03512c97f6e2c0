from __future__ import annotations

import uuid
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog import story
from engagement.director.deciding import Attend, Suggested, decide, edited, event_of, taken_of, unpacked
from engagement.director.exploration import MOST_EXPLORATION, draw, drawn, propensities
from engagement.director.features import SessionSignals
from engagement.director.guards import COOL_DOWN_SCENES
from engagement.director.options import Option, applied, options
from engagement.director.policy import replayed
from engagement.director.worth import worth_of, worths_of
from engagement.models import CHANGES_THE_PLAN
from engagement.playback.plan import Clip, Plan, PlannedScene, first_plan, next_step, publish_scene
from engagement.playback.timeline import media_playlist
from tests.engagement.director.hand import NOW, RULES, SESSION, attends, models, moment, nobody, prices, published
from tests.engagement.playback.films import films, plans

EXPLORING = replace(RULES, exploration=MOST_EXPLORATION)


def scene(position: int, *, intensity: float = 0.5, seconds: float = 8.0, break_after: bool = False, optional: bool = False) -> PlannedScene:
    clip = Clip(1, f"s{position}", "/i.mp4", tuple((f"/{index}.m4s", 2.0, index != 1) for index in range(round(seconds / 2))))
    return PlannedScene(100 + position, position, f"Scene {position}", "calm", intensity, clip, break_after=break_after, optional=optional)


def film(*, break_after: int = 0) -> Plan:
    """Six scenes in any order between opener and finale; the opener is published."""
    return publish_scene(first_plan([scene(n, break_after=n == break_after) for n in range(1, 7)], change_budget=2))


@settings(max_examples=60)
@given(plans(fewest=2), st.data())
def test_no_sequence_of_decisions_breaks_the_story_the_budget_the_cool_down_or_what_is_published(plan: Plan, data: st.DataObject) -> None:
    plan = published(plan, 2)
    opener, finale, budget = plan.film[0].id, plan.film[-1].id, plan.change_budget
    changed_at: list[int] = []
    while plan.remaining:
        here = moment(plan, scene=plan.played[-1], who=replace(moment(plan).who, session=uuid.UUID(int=SESSION.int + data.draw(st.integers(0, 999)))))
        made = decide(here, prices=prices(), rules=EXPLORING, attend=data.draw(models()))
        event = event_of(made, applied=made.takes_effect)
        after = edited(plan, event)
        assert media_playlist(after) == media_playlist(plan)
        assert (after != plan) == (made.option.action in CHANGES_THE_PLAN)
        assert made.choice.reason and unpacked(after.decision) == (event if after != plan else unpacked(plan.decision))
        assert sum(made.choice.propensities) == pytest.approx(1)
        if after != plan:
            changed_at.append(len(plan.played))
        plan = published(after, data.draw(st.integers(1, 3)))
    plan = published(plan, 9)
    assert next_step(plan) is None
    assert story.is_legal_order(plan.story_scenes(), plan.played)
    assert (plan.played[0], plan.played[-1]) == (opener, finale)
    assert not {opener, finale} & set(plan.tight)
    assert plan.changes == len(changed_at) <= budget
    assert all(later - earlier >= COOL_DOWN_SCENES for earlier, later in pairwise(changed_at))


@settings(max_examples=30)
@given(plans(fewest=3), models())
def test_a_change_needs_a_gain_that_is_sure_and_trials_behind_it(plan: Plan, model: Attend) -> None:
    choice = decide(moment(publish_scene(plan)), prices=prices(), rules=RULES, attend=model).choice
    assert choice.index == choice.intended
    if choice.index:
        assert choice.judged is not None and choice.judged.low[choice.index] > 0 and choice.judged.proven[choice.index]


@settings(max_examples=30)
@given(plans(fewest=3), models())
def test_the_control_group_and_who_wants_the_film_as_edited_get_no_change_but_tell_what_was_intended(plan: Plan, model: Attend) -> None:
    plan = publish_scene(plan)
    free, held = moment(plan), moment(plan, who=replace(moment(plan).who, arms={"director": "control"}))
    for here in (held, replace(free, plan=replace(plan, as_edited=True))):
        made = decide(here, prices=prices(), rules=EXPLORING, attend=model)
        assert (made.option.action, made.choice.explored, made.choice.propensity) == ("keep", False, 1.0)
        assert made.choice.intended == decide(free, prices=prices(), rules=RULES, attend=model).choice.intended
        assert edited(here.plan, event_of(made, applied=False)) == here.plan


@settings(max_examples=30)
@given(plans(fewest=3), models())
def test_a_decision_is_made_again_from_what_the_log_keeps_of_it(plan: Plan, model: Attend) -> None:
    plan = publish_scene(plan)
    made = decide(moment(plan), prices=prices(), rules=EXPLORING, attend=model)
    event = event_of(made, applied=False)
    chance = draw(EXPLORING.salt, SESSION, plan.epoch, plan.played[-1], "scene_start")
    assert replayed(event.data["alternatives"], chance, share=EXPLORING.exploration) == (made.choice.index, made.choice.intended)
    assert taken_of(event) == replace(made.option, break_seconds=round(made.option.break_seconds, 3))


@given(st.integers(1, 12), st.data(), st.floats(0, MOST_EXPLORATION))
def test_chance_draws_at_its_share_of_boundaries_and_says_how_likely_each_option_was(count: int, data: st.DataObject, share: float) -> None:
    greedy = data.draw(st.integers(0, count - 1))
    chances = propensities(count, greedy, share)
    assert sum(chances) == pytest.approx(1)
    assert 1 - chances[greedy] <= MOST_EXPLORATION
    draws = [drawn(draw("salt", SESSION, 0, place, "drop"), count, greedy, share) for place in range(50)]
    assert all(option == greedy or explored for option, explored in draws)


def test_over_many_boundaries_each_option_is_taken_as_often_as_its_propensity_says() -> None:
    taken = [drawn(draw("salt", SESSION, 0, place, "scene_start"), 4, 1, 0.1)[0] for place in range(20_000)]
    for option, chance in enumerate(propensities(4, 1, 0.1)):
        assert taken.count(option) / len(taken) == pytest.approx(chance, abs=0.006)


def test_nobody_explores_more_than_a_tenth() -> None:
    with pytest.raises(ValueError, match="not at 11%"):
        drawn(draw("salt", SESSION, 0, 1, "drop"), 4, 0, 0.11)


def test_draws_depend_on_the_boundary_and_the_secret_alone() -> None:
    assert draw("salt", SESSION, 0, 1, "drop") == draw("salt", SESSION, 0, 1, "drop")
    others = [
        ("pepper", SESSION, 0, 1, "drop"),
        ("salt", SESSION, 1, 1, "drop"),
        ("salt", SESSION, 0, 2, "drop"),
        ("salt", SESSION, 0, 1, "scene_start"),
    ]
    assert len({draw("salt", SESSION, 0, 1, "drop"), *(draw(*one) for one in others)}) == 5


def test_before_any_model_serves_chance_alone_changes_the_film() -> None:
    actions = {
        decide(moment(film(), who=replace(moment(film()).who, session=uuid.UUID(int=SESSION.int + n))), prices=prices(), rules=EXPLORING, attend=nobody)
        .option.action
        for n in range(400)
    }  # fmt: skip
    assert actions == {"keep", "tighten", "bring_forward", "move_back"}
    kept = decide(moment(film()), prices=prices(), rules=RULES, attend=nobody)
    assert (kept.option.action, kept.choice.propensity) == ("keep", 1.0)
    assert "No model" in kept.choice.reason


def test_an_action_that_chance_has_tried_too_seldom_is_not_chosen_for_its_worth() -> None:
    likes = attends(lambda one: 0.9 if one.action == "bring_forward" else 0.5, trials={"bring_forward": 49, "tighten": 50})
    choice = decide(moment(film()), prices=prices(), rules=RULES, attend=likes).choice
    assert choice.alternatives[choice.index]["action"] == "keep"


def test_the_reason_tells_the_attention_expected_with_and_without_and_the_money() -> None:
    made = decide(moment(film()), prices=prices(), rules=RULES, attend=attends(lambda one: 0.74 if one.scene == 104 else 0.61, unsure=0.05))
    assert (made.option.action, made.option.scene) == ("bring_forward", 104)
    assert "bring “Scene 4” forward before “Scene 2”".lower() in made.choice.reason.lower()
    assert "74%" in made.choice.reason and "61%" in made.choice.reason and "USD" in made.choice.reason


def test_a_break_that_earns_more_than_the_attention_it_costs_plays_and_one_that_earns_less_moves() -> None:
    plan = film(break_after=1)
    gains = attends(lambda one: 0.55 + 0.2 * (one.action == "move_break"))
    dear, cheap = (decide(moment(plan), prices=prices(micros=micros), rules=RULES, attend=gains) for micros in (50_000, 500))
    assert dear.option.action == "keep"
    assert cheap.option.action == "move_break"
    later = edited(plan, event_of(cheap, applied=True))
    assert [(one.after, one.moved) for one in later.breaks] == [(2, 1)]


def test_a_moved_break_still_earns_from_who_stays() -> None:
    plan, at = film(break_after=1), prices(micros=8_000, minute=0, staying=0.5)
    before, moved = worth_of(plan, at), worth_of(replace(plan, breaks=tuple(replace(one, after=2) for one in plan.breaks)), at)
    assert (before.now, before.later) == (8_000, 0)
    assert (moved.now, moved.later) == (0, 8_000)
    shorter = worth_of(replace(plan, breaks=tuple(replace(one, most_seconds=5) for one in plan.breaks)), at)
    assert shorter.now == 2_000


def test_minutes_count_as_cut_and_as_likely_as_they_are_to_be_reached() -> None:
    plan, at = film(), prices(minute=60, staying=0.5)
    assert worth_of(plan, at).later == pytest.approx(8 + 4 + 2 + 1 + 0.5)
    assert worth_of(replace(plan, tight=(102,)), at).later == pytest.approx(6 + 4 + 2 + 1 + 0.5)


def test_no_option_earns_by_stretching_the_film_or_loses_by_tightening_it() -> None:
    plan, at = film(), prices(minute=60, staying=0.5)
    changed = [applied(plan, one, reason="") for one in options(plan, break_seconds=0) if one.action in ("tighten", "linger", "bring_forward")]
    assert {worth.later for worth in worths_of([plan, *changed], at, now=NOW.timestamp())} == {worth_of(plan, at).later}


def test_buffering_is_not_taken_for_boredom() -> None:
    stalled = SessionSignals(stalls=[(NOW.timestamp() - 5, 3.0)])
    made = decide(moment(film(), signals=stalled), prices=prices(), rules=EXPLORING, attend=attends(lambda one: 0.9 if one.moved else 0.2))
    assert (made.option.action, made.choice.propensity) == ("keep", 1.0)
    assert "buffering" in made.choice.reason


def test_a_suggestion_changes_no_plan_and_is_not_held_back_by_its_budget() -> None:
    who = replace(moment(film()).who, suggestion=Suggested(9, "other", "Another"))
    spent = replace(film(), change_budget=0)
    better = attends(lambda one: 0.6 + 0.2 * (one.action == "suggest"))
    made = decide(moment(spent, who=who, trigger="drop"), prices=prices(), rules=RULES, attend=better)
    event = event_of(made, applied=True)
    assert (made.option, event.data["suggestion"]["slug"]) == (Option("suggest", 102, title=9), "other")
    assert edited(spent, event) == spent


def test_another_title_is_not_offered_to_who_watches_this_one_as_usual() -> None:
    who = replace(moment(film()).who, suggestion=Suggested(9, "other", "Another"))
    better = attends(lambda one: 0.6 + 0.2 * (one.action == "suggest"))
    made = decide(moment(film(), who=who), prices=prices(), rules=RULES, attend=better)
    assert (made.option.action, made.choice.propensities[-1]) == ("keep", 0.0)


@settings(max_examples=20)
@given(films(fewest=4, lingering=False))
def test_a_decision_that_comes_too_late_changes_nothing(told: list[PlannedScene]) -> None:
    plan = publish_scene(first_plan([replace(one, requires=(), break_after=False) for one in told], change_budget=3))
    made = decide(moment(plan), prices=prices(), rules=RULES, attend=attends(lambda one: 0.5 + 0.1 * (one.action == "bring_forward")))
    later = publish_scene(plan)
    assert made.option.action == "bring_forward"
    assert edited(later, event_of(made, applied=True)) == later
