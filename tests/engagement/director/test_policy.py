from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from catalog import story
from engagement.director.policy import COOL_DOWN_SCENES, Sight, applied, candidates, choose
from engagement.playback.plan import DecideBreak, Plan, PlannedScene, fill_break, first_plan, next_step, publish_scene
from engagement.playback.timeline import media_playlist
from tests.engagement.playback.films import films, plans


def published(plan: Plan, count: int) -> Plan:
    for _ in range(count):
        due = next_step(plan)
        if due is not None:
            plan = fill_break(plan, due.due, (), decision=None, reason="no ad") if isinstance(due, DecideBreak) else publish_scene(plan)
    return plan


@st.composite
def sights(draw: st.DrawFn, plan: Plan) -> Sight:
    shares = st.floats(0, 1)
    return Sight(
        plan=plan,
        scene=plan.played[-1],
        trigger=draw(st.sampled_from(["scene_start", "drop"])),
        engagement=draw(st.none() | shares),
        usual=draw(shares),
        expected={scene: draw(shares) for scene in candidates(plan)},
        stalled_seconds=draw(st.sampled_from([0.0, 5.0])),
        directed=draw(st.booleans()),
    )


@given(plans(fewest=2), st.data())
def test_no_sequence_of_decisions_breaks_the_story_the_budget_or_what_is_published(plan: Plan, data: st.DataObject) -> None:
    plan = publish_scene(plan)
    opener, finale = plan.film[0].id, plan.film[-1].id
    changed_at = []
    while not plan.ended:
        choice = choose(data.draw(sights(plan)))
        decided = applied(plan, choice, decided_on=plan)
        assert decided.published == plan.published
        assert media_playlist(decided) == media_playlist(plan)
        assert (decided != plan) == (choice.action == "bring_forward")
        assert choice.reason
        if decided != plan:
            changed_at.append(len(plan.played))
        plan = published(decided, data.draw(st.integers(1, 2)))
    assert story.is_legal_order(plan.story_scenes(), plan.played)
    assert (plan.played[0], plan.played[-1]) == (opener, finale)
    assert plan.changes == len(changed_at) <= plan.change_budget
    assert all(later - earlier >= COOL_DOWN_SCENES for earlier, later in pairwise(changed_at))


@given(plans(fewest=2), st.data())
def test_a_choice_that_came_too_late_changes_nothing(plan: Plan, data: st.DataObject) -> None:
    plan = publish_scene(plan)
    choice = choose(data.draw(sights(plan)))
    later = published(plan, 1 + len(plan.breaks))
    assert applied(later, choice, decided_on=plan) == later


@given(films(fewest=4, lingering=False), st.data())
def test_the_control_group_and_calm_viewers_see_the_authors_order(film: list[PlannedScene], data: st.DataObject) -> None:
    plan = publish_scene(first_plan(film, change_budget=3))
    sight = data.draw(sights(plan))
    assert choose(replace(sight, directed=False)).action == "keep"
    assert choose(replace(sight, engagement=0.9, usual=0.8)).action == "keep"
    assert choose(replace(sight, engagement=None)).action == "keep"


def bored(film: list[PlannedScene]) -> Sight:
    plan = publish_scene(first_plan(film, change_budget=2))
    expected = {scene: plan.scene(scene).intensity for scene in candidates(plan)}
    return Sight(plan=plan, scene=plan.played[-1], trigger="scene_start", engagement=0.3, usual=0.8, expected=expected)


@given(films(fewest=4, lingering=False))
def test_a_bored_viewer_gets_the_scene_that_promises_most(film: list[PlannedScene]) -> None:
    free = [replace(scene, requires=(), intensity=0.1 * scene.position) for scene in film]
    choice = choose(bored(free))
    assert choice.action == "bring_forward"
    assert choice.moved == free[-2].id
    assert choice.order[0] == free[-2].id
    assert free[-2].name in choice.reason
    assert [one["scene"] for one in choice.alternatives] == [scene.id for scene in free[1:-1]]


@given(films(fewest=4, lingering=False))
def test_buffering_is_not_taken_for_boredom(film: list[PlannedScene]) -> None:
    free = [replace(scene, requires=(), intensity=0.1 * scene.position) for scene in film]
    assert "buffering" in choose(replace(bored(free), stalled_seconds=3.0)).reason
