from __future__ import annotations

import itertools

import m3u8
import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from catalog import story
from engagement.playback.edits import in_author_order, reordered
from engagement.playback.plan import (
    LEAST_LEAD_SECONDS,
    DecideBreak,
    Note,
    Plan,
    fill_break,
    from_json,
    needs_more,
    next_epoch,
    next_step,
    position_at,
    publish_scene,
    seek_over,
    time_of_position,
)
from engagement.playback.timeline import media_playlist
from tests.engagement.playback.films import plans, pods


def step(plan: Plan, data: st.DataObject) -> Plan:
    due = next_step(plan)
    if isinstance(due, DecideBreak):
        ads = data.draw(pods())
        return fill_break(plan, due.due, ads, decision=ads[0].decision if ads else None, reason="" if ads else "no ad was eligible")
    return publish_scene(plan)


def begun(plan: Plan, data: st.DataObject) -> Plan:
    """With a scene published, and before it the pre-roll where there is one."""
    while not plan.played:
        plan = step(plan, data)
    return plan


def whole(plan: Plan, data: st.DataObject) -> list[Plan]:
    """Every plan on the way from this one to its end."""
    way = [plan]
    while next_step(way[-1]) is not None:
        way.append(step(way[-1], data))
    return way


def some_way(plan: Plan, data: st.DataObject) -> Plan:
    return data.draw(st.sampled_from(whole(plan, data)))


@given(plans(), st.data())
def test_every_served_playlist_is_a_prefix_of_the_next_and_agrees_with_the_timeline(plan: Plan, data: st.DataObject) -> None:
    served = [(one, media_playlist(one)) for one in whole(begun(plan, data), data)]
    for (_, earlier), (_, later) in itertools.pairwise(served):
        assert later.startswith(earlier)
    for one, playlist in served:
        assert sum(segment.duration for segment in m3u8.loads(playlist).segments) == pytest.approx(one.published_until, abs=1e-4)
        assert playlist.count("#EXT-X-MAP") == len(one.published)
        assert playlist.endswith("#EXT-X-ENDLIST\n") == one.ended
        spans = [(item.t0, item.t1) for item in one.published]
        assert all(first[1] == second[0] for first, second in itertools.pairwise(spans))
    assert served[-1][0].ended
    assert set(served[-1][0].played) == {scene.id for scene in plan.film if not scene.optional}


@given(plans(), st.data())
def test_a_plan_survives_being_stored(plan: Plan, data: st.DataObject) -> None:
    plan = some_way(plan, data)
    assert from_json(msgspec.json.decode(msgspec.json.encode(plan.as_json()))) == plan


@given(plans(), st.data())
def test_breaks_come_after_their_place_in_the_film(plan: Plan, data: st.DataObject) -> None:
    done = whole(plan, data)[-1]
    for one in done.breaks:
        assert one.state in ("filled", "empty")
        assert done.position_of(one) == ("pre" if one.after == 0 else "mid" if one.after < done.places else "post")
    shown = 0
    for item in done.published:
        if item.ad is None:
            shown += 1
        else:
            assert shown == next(one.after for one in done.breaks if one.id == item.break_id)


@given(plans(), st.data(), st.floats(0, 1))
def test_lead_is_wanted_until_a_whole_clip_and_some_seconds_lie_ahead(plan: Plan, data: st.DataObject, share: float) -> None:
    plan = some_way(begun(plan, data), data)
    t = plan.published_until * share
    while needs_more(plan, t):
        plan = step(plan, data)
    assert plan.ended or (plan.published_until - t >= LEAST_LEAD_SECONDS and plan.published[-1].t0 > t)


@given(plans(), st.data(), st.floats(0, 1))
def test_a_position_and_its_playlist_time_are_two_names_of_one_place(plan: Plan, data: st.DataObject, share: float) -> None:
    plan = some_way(begun(plan, data), data)
    t = plan.published_until * share
    position = position_at(plan, t)
    assert position is not None
    scene, offset = position
    back = time_of_position(plan, scene, offset)
    assert back is not None
    on_screen = next((item for item in plan.published if item.t0 <= t < item.t1), plan.published[-1])
    if on_screen.ad is None:
        assert back == pytest.approx(t, abs=1e-6)


@given(plans(fewest=3), st.data())
def test_of_the_breaks_a_seek_passes_only_the_last_is_decided(plan: Plan, data: st.DataObject) -> None:
    plan = some_way(begun(plan, data), data)
    assume(plan.remaining)
    target = data.draw(st.sampled_from(plan.remaining))
    open_before = [one for one in plan.breaks if one.state == "open"]
    sought = seek_over(plan, target)
    reached = len(plan.played) + plan.remaining.index(target)
    passed = [one for one in open_before if one.after <= reached]
    left_open = [one for one in sought.breaks if one.state == "open" and one.after <= reached]
    assert left_open == passed[-1:]
    while target in sought.remaining:
        sought = step(sought, data)
    assert [one.state for one in sought.breaks if one in passed] == []
    assert time_of_position(sought, target, 0.0) is not None


@given(plans(fewest=2), st.data())
def test_only_a_legal_order_of_the_open_scenes_is_taken(plan: Plan, data: st.DataObject) -> None:
    plan = some_way(begun(plan, data), data)
    order = data.draw(st.permutations(plan.remaining))
    legal = story.is_legal_order(plan.story_scenes(), [*plan.played, *order])
    if not legal:
        with pytest.raises(ValueError, match="requires"):
            reordered(plan, order, note=Note(plan.film[0].id, "because"))
        return
    changed = reordered(plan, order, note=Note(order[0], "because") if order else Note(plan.film[0].id, "because"))
    assert changed.published == plan.published
    assert changed.changes == plan.changes + 1
    assert in_author_order(changed).remaining == in_author_order(plan).remaining
    with pytest.raises(ValueError, match="not published"):
        reordered(plan, [*order, plan.film[0].id], note=Note(0, ""))


@given(plans(fewest=2), st.data(), st.floats(0, 1), st.floats(0, 1))
def test_a_new_epoch_goes_on_at_the_same_position_without_the_ads_that_were_seen(
    plan: Plan, data: st.DataObject, share: float, further: float
) -> None:
    plan = some_way(begun(plan, data), data)
    t = plan.published_until * share
    seen_until = t + (plan.published_until - t) * further
    scene, offset = position_at(plan, t) or (0, 0.0)
    fresh, resume_at = next_epoch(plan, scene_id=scene, offset=offset, seen_until=seen_until)
    assert fresh.epoch == plan.epoch + 1
    found, at = position_at(fresh, resume_at) or (0, 0.0)
    assert (found == scene and at == pytest.approx(offset)) or offset == pytest.approx(plan.scene(scene).clip.duration())
    assert fresh.played == (*plan.played, *plan.remaining)[: len(fresh.played)]
    seen = {item.break_id for item in plan.published if item.ad and item.t0 < seen_until}
    done = whole(fresh, data)[-1]
    for before, after in zip(plan.breaks, done.breaks, strict=True):
        if before.id in seen:
            assert after.state == "seen"
        shown = [item for item in done.published if item.break_id == after.id]
        assert bool(shown) == (after.state == "filled")
        assert after.state != "filled" or after.id != before.id
    assert story.is_legal_order(done.story_scenes(), done.played)
