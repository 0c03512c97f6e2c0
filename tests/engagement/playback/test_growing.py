"""A playlist only ever grows, whatever the viewer, the Director, an ad server or a dying process does to the plan behind it. Pure."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from catalog import story
from engagement.playback.edits import EditRefused, as_edited, break_moved, break_shortened, in_author_order, lingered, reordered, tightened
from engagement.playback.plan import (
    DecideBreak,
    Note,
    Plan,
    fill_break,
    needs_more,
    next_epoch,
    next_step,
    position_at,
    publish_scene,
    read,
    seek_over,
    written,
)
from engagement.playback.timeline import media_playlist, timeline
from tests.engagement.playback.films import plans, pods

MOMENT = datetime(2026, 6, 6, tzinfo=UTC)


def published(plan: Plan, data: st.DataObject) -> Plan:
    """One step on, with a pod or none where a break is due."""
    due = next_step(plan)
    if isinstance(due, DecideBreak):
        ads = data.draw(pods())
        return fill_break(plan, due.due, ads, decision=ads[0].decision if ads else None)
    return publish_scene(plan) if due else plan


def led(plan: Plan, t: float, data: st.DataObject) -> Plan:
    while needs_more(plan, t):
        plan = published(plan, data)
    return plan


def directed(plan: Plan, data: st.DataObject) -> Plan:
    """Anything the Director or the viewer may ask of the open part; refused where the story or the budget says so."""
    if not plan.remaining:
        return plan
    scene, note = data.draw(st.sampled_from(plan.film)).id, Note(plan.remaining[0], "because")
    one = data.draw(st.sampled_from(plan.breaks)).id if plan.breaks else ""
    edits = {
        "reorder": lambda: reordered(plan, data.draw(st.permutations(plan.remaining)), note=note),
        "tighten": lambda: tightened(plan, scene, note=note),
        "linger": lambda: lingered(plan, scene, note=note),
        "move": lambda: break_moved(plan, one, reason="later"),
        "shorten": lambda: break_shortened(plan, one, most_seconds=5.0, reason="shorter"),
        "as_edited": lambda: as_edited(plan, wanted=data.draw(st.booleans())),
        "silence": lambda: in_author_order(plan),
        "seek": lambda: seek_over(plan, scene),
    }
    with contextlib.suppress(EditRefused):
        return edits[data.draw(st.sampled_from(sorted(edits)))]()
    return plan


@given(plans(fewest=3), st.data())
def test_every_playlist_served_is_a_prefix_of_the_next_of_its_epoch(plan: Plan, data: st.DataObject) -> None:
    plan = led(plan, 0.0, data)
    served, items = media_playlist(plan), timeline(plan, version=0, now=MOMENT)["items"]
    t, epoch = 0.0, plan.epoch
    for _ in range(data.draw(st.integers(1, 12))):
        match data.draw(st.sampled_from(["play", "direct", "seek", "die", "idle"])):
            case "play":
                t = min(t + data.draw(st.floats(0.1, 8.0)), plan.published_until)
                plan = led(plan, t, data)
            case "direct":
                plan = directed(plan, data)
            case "seek":
                target = data.draw(st.sampled_from(plan.film)).id
                plan = seek_over(plan, target)
                while target in plan.remaining:
                    plan = published(plan, data)
                t = next((item.t0 for item in plan.published if item.scene == target), t)
            case "die":
                plan = read(written(plan))  # whoever takes over has what is stored
            case "idle":
                scene, offset = position_at(plan, t) or (plan.film[0].id, 0.0)
                plan, t = next_epoch(plan, scene_id=scene, offset=offset, seen_until=t)
                plan = led(plan, t, data)
        now_served, now_items = media_playlist(plan), timeline(plan, version=0, now=MOMENT)["items"]
        if plan.epoch == epoch:
            assert now_served.startswith(served)
            assert now_items[: len(items)] == items
        served, items, epoch = now_served, now_items, plan.epoch
        assert plan.changes <= plan.change_budget
        assert story.is_legal_order(plan.story_scenes(), [*plan.played, *plan.remaining])
    assert led(plan, 1e9, data).ended
