"""What a plan is worth counts the breaks that the title's ad policy will let take place, and no others."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ads.decision.load import Policy, allowance
from engagement.director.adload import met, taking_place
from engagement.director.deciding import decide
from engagement.director.worth import Worth, seconds_due, worth_of
from engagement.playback import adload
from engagement.playback.plan import Break, DecideBreak, Plan, first_plan, leave_out, next_step, publish_scene
from tests.engagement.director.hand import NOW, RULES, attends, moment, prices
from tests.engagement.director.test_policy import scene

AT = NOW.timestamp()
PLAYING = replace(prices(micros=1_000, minute=0, staying=0.5), policy=Policy())


def film(*breaks: int, scenes: int = 6) -> Plan:
    """Scenes of eight seconds each, with breaks after some; the opener is published."""
    return publish_scene(first_plan([scene(n, break_after=n in breaks) for n in range(1, scenes + 1)], change_budget=2))


def worth(plan: Plan, **policy: Any) -> Worth:
    return worth_of(plan, replace(PLAYING, policy=replace(PLAYING.policy, **policy)), now=AT)


def test_breaks_beyond_what_the_policy_allows_earn_nothing() -> None:
    plan = film(1, 2, 3)
    assert worth(plan) == Worth(1_000, 1_000 + 500)
    assert worth(plan, most_breaks=2) == Worth(1_000, 1_000)
    assert worth(plan, spacing_seconds=10) == Worth(1_000, 500)
    assert worth(plan, mid_rolls=False) == Worth(0, 0)
    assert worth(plan, long_watch_seconds=16, ad_free_seconds=60) == Worth(1_000, 0)
    # The third has five of its twenty seconds left in this hour.
    assert worth(plan, seconds_per_hour=45) == Worth(1_000, 1_000 + 125)


def test_what_was_shown_in_this_playback_counts_and_an_hour_later_no_more() -> None:
    plan = film(1, 3)
    shown = replace(plan, breaks=(replace(plan.breaks[0], state="filled", at=AT, seconds=20.0), plan.breaks[1]))
    assert worth(shown).later == 500
    assert worth(shown, most_breaks=1).later == worth(shown, spacing_seconds=20).later == worth(shown, seconds_per_hour=24).later == 0
    later = replace(PLAYING, policy=Policy(seconds_per_hour=24))
    assert worth_of(shown, later, now=AT + timedelta(hours=1).total_seconds()).later == 500


def test_a_break_that_will_be_left_out_is_expected_to_hold_no_ads_and_is_not_made_shorter_and_may_be_moved_to_where_it_takes_place() -> None:
    plan = film(1, 2)
    plan = publish_scene(replace(plan, breaks=(replace(plan.breaks[0], state="filled", at=AT, seconds=20.0), plan.breaks[1])))
    near = replace(PLAYING, policy=Policy(spacing_seconds=12))
    assert seconds_due(plan, PLAYING, now=AT) == 20
    assert seconds_due(plan, near, now=AT) == 0
    made = decide(moment(plan), prices=near, rules=RULES, attend=attends(lambda one: 0.6)).choice.alternatives
    told = {one["action"]: (one["break_seconds"], one["now"], one["later"]) for one in made}
    assert "shorten_break" not in told
    assert told["keep"] == (0.0, 0.0, 0.0)
    assert told["move_break"] == (0.0, 0.0, 1_000.0)


POLICIES = st.builds(
    Policy, mid_rolls=st.booleans(), pre_roll=st.booleans(), post_roll=st.booleans(), most_breaks=st.sampled_from([None, 1, 2]),
    spacing_seconds=st.sampled_from([0.0, 8.0, 20.0]), seconds_per_hour=st.sampled_from([0.0, 30.0, 50.0, 720.0]),
    long_watch_seconds=st.sampled_from([None, 16.0]), ad_free_seconds=st.sampled_from([0.0, 24.0]),
)  # fmt: skip


@given(policy=POLICIES, breaks=st.sets(st.integers(1, 6)), around=st.booleans())
def test_what_is_foreseen_is_what_a_viewer_meets_who_plays_on(policy: Policy, breaks: set[int], *, around: bool) -> None:
    plan = first_plan([scene(n, break_after=n in breaks) for n in range(1, 8)], change_budget=2, pre_roll=around, post_roll=around)
    foreseen = [(one.id, seconds) for one, _, seconds in taking_place(plan, policy, met(plan), lambda one, where: 20.0, now=AT)]
    assert played_to_its_end(plan, policy) == foreseen


def played_to_its_end(plan: Plan, policy: Policy) -> list[tuple[str, float]]:
    """The breaks as `publishing` asks for them, each filled with twenty seconds of ads or what it may have."""
    clock, found = 0.0, []
    while (step := next_step(plan)) is not None:
        if not isinstance(step, DecideBreak):
            plan = publish_scene(plan)
            clock += plan.published[-1].t1 - plan.published[-1].t0
            continue
        now = NOW + timedelta(seconds=clock)
        past = adload.history(plan, film_seconds=plan.film_until(len(plan.played)), shown={}, playhead=plan.published_until, elsewhere=(), now=now)
        allowed = allowance(policy, past, plan.position_of(step.due), now=now.timestamp())
        if not allowed.seconds:
            plan = leave_out(plan, step.due, code=allowed.reason, reason="")
            continue
        seconds = min(20.0, allowed.seconds)
        plan = filled(plan, replace(step.due, state="filled", decision=uuid.UUID(int=1), at=now.timestamp(), seconds=seconds))
        clock += seconds
        found.append((step.due.id, seconds))
    return found


def filled(plan: Plan, one: Break) -> Plan:
    """With a break that took place; its clips do not matter here."""
    breaks = tuple(one if each.id == one.id else each for each in plan.breaks)
    return replace(plan, breaks=breaks, ended=not plan.remaining and all(each.state != "open" for each in breaks))


def test_minutes_are_worth_the_same_whatever_the_policy() -> None:
    paid = replace(PLAYING, minute=60.0)
    dry = replace(paid, policy=Policy(mid_rolls=False))
    assert worth_of(film(), paid).later == pytest.approx(worth_of(film(2), dry).later) == pytest.approx(8 * np.sum(0.5 ** np.arange(5)))
