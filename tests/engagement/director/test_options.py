from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from catalog import story
from engagement.director.options import applied, options
from engagement.playback.edits import as_edited, in_author_order
from engagement.playback.plan import DecideBreak, Plan, fill_break, first_plan, next_step, publish_scene
from tests.engagement.playback.films import films


def told(plan: Plan, data: st.DataObject) -> Plan:
    """One step on: sometimes a change that the Director may make, then what is due."""
    choices = options(plan, break_seconds=20, suggestion=7)
    plan = applied(plan, data.draw(st.sampled_from(choices)), reason="drawn") if choices else plan
    step = next_step(plan)
    return fill_break(plan, step.due, (), decision=None) if isinstance(step, DecideBreak) else publish_scene(plan)


@given(films(fewest=3), st.data())
def test_no_sequence_of_changes_breaks_the_story_the_budget_or_what_is_published(film: list, data: st.DataObject) -> None:  # type: ignore[type-arg]
    plan = first_plan(film, change_budget=data.draw(st.integers(0, 4)), pre_roll=data.draw(st.booleans()), post_roll=data.draw(st.booleans()))
    breaks = len(plan.breaks)
    while next_step(plan) is not None:
        after = told(plan, data)
        assert after.published[: len(plan.published)] == plan.published
        plan = after
        places = [one.after for one in plan.breaks]
        assert len(set(places)) == len(places) == breaks
    assert story.is_legal_order(plan.story_scenes(), plan.played)
    assert plan.played[0] == film[0].id and plan.played[-1] == film[-1].id
    assert plan.changes <= plan.change_budget
    assert not {film[0].id, film[-1].id} & set(plan.tight)


@given(films(fewest=3), st.data())
def test_who_asks_for_the_film_as_edited_gets_everything_still_open_as_the_author_had_it(film: list, data: st.DataObject) -> None:  # type: ignore[type-arg]
    edited = first_plan(film, change_budget=9)
    plan = edited
    for _ in range(data.draw(st.integers(0, len(film)))):
        assume(next_step(plan) is not None)
        plan = told(plan, data)
    restored = as_edited(plan, wanted=True)
    waiting = [scene for scene in edited.remaining if scene not in plan.played]
    assert list(restored.remaining) == waiting
    assert not set(restored.tight) - set(plan.played)
    assert len(options(restored, break_seconds=20)) <= 1
    assert in_author_order(restored) == restored
