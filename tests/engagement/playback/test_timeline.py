"""The timeline map tells the player what the Director did, and counts positions as the plan does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from engagement.playback.edits import break_moved, break_shortened, tightened
from engagement.playback.plan import Break, Clip, Note, Plan, PlannedScene, fill_break, first_plan, position_at, publish_scene
from engagement.playback.timeline import timeline
from tests.engagement.playback.films import ad_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def film() -> Plan:
    def scene(position: int) -> PlannedScene:
        segments = tuple((f"/media/s{position}/{index}.m4s", 2.0, index != 1) for index in range(3))
        clip = Clip(asset=position, key=f"s{position}", init_uri=f"/media/s{position}/init.mp4", segments=segments)
        return PlannedScene(position, position, f"Scene {position}", "calm", 0.5, clip, break_after=position == 1)

    return first_plan([scene(position) for position in (1, 2, 3, 4)], change_budget=3)


def told(plan: Plan, kind: str, part: str = "items") -> list[dict[str, Any]]:
    return [stretch for stretch in timeline(plan, version=1, now=NOW)[part] if stretch["kind"] == kind]


def test_a_tight_scene_says_which_seconds_it_leaves_out_so_that_positions_count_in_the_full_scene() -> None:
    plan = publish_scene(tightened(publish_scene(replace(film(), breaks=())), 2, note=Note(2, "it drags", "tighten")))
    whole, tight = told(plan, "scene")
    assert (tight["change"], tight["reason"], tight["dropped"]) == ("tighten", "it drags", [[2.0, 4.0]])
    assert position_at(plan, tight["t0"] + 3.0) == (2, 5.0)
    assert "dropped" not in whole


@pytest.mark.parametrize(
    ("change", "expected"), [(lambda plan: break_moved(plan, "b1", reason="too soon"), "move_break"), (None, "")], ids=["moved", "left alone"]
)
def test_a_moved_break_still_says_so_once_its_ads_are_published(change: Any, expected: str) -> None:
    plan = publish_scene(film())
    plan = change(plan) if change else plan
    (foreseen,) = told(plan, "break", "foreseen")
    assert foreseen["change"] == expected
    due: Break = plan.breaks[0]
    (ad,) = told(fill_break(plan, due, [ad_of(1)], decision=None), "ad")
    assert (ad["change"], ad["reason"]) == (expected, "too soon" if expected else "")


def test_a_shortened_break_gives_the_ad_servers_reason_once_it_is_decided() -> None:
    plan = break_shortened(publish_scene(film()), "b1", most_seconds=6, reason="patience wears thin")
    assert told(plan, "break", "foreseen")[0]["reason"] == "patience wears thin"
    (ad,) = told(fill_break(plan, plan.breaks[0], [ad_of(1)], decision=None, reason="made shorter", code="director_shortened"), "ad")
    assert (ad["change"], ad["reason"]) == ("shorten_break", "made shorter")
