"""What the policy model sees of each option of a boundary, and that the log gives the same row back."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.director.features import SceneContext, SessionSignals
from engagement.director.lots import SCHEMA, lot, rows_of
from engagement.director.options import options
from engagement.playback.plan import Clip, Plan, PlannedScene, first_plan, publish_scene
from tests.engagement.playback.films import plans

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
AROUND = SceneContext(scenes=6, position=2, mood="storm", intensity=0.4, device="tv", hour=20)


def scene(position: int, mood: str, intensity: float, tags: tuple[str, ...] = (), *, optional: bool = False) -> PlannedScene:
    clip = Clip(asset=position, key=f"s{position}", init_uri="i", segments=(("a", 6.0, True), ("b", 2.0, False)))
    return PlannedScene(position, position, f"Scene {position}", mood, intensity, clip, tags=tags, optional=optional)


def film() -> Plan:
    """Two scenes published; a chase, a calm scene, another chase and the finale are open."""
    scenes = [
        scene(1, "day", 0.2, ("sea",)), scene(2, "storm", 0.4, ("sea", "boat")), scene(3, "calm", 0.1), scene(4, "chase", 0.9, ("boat",)),
        scene(5, "storm", 0.5, ("boat", "sea")), scene(6, "dusk", 0.3, optional=True), scene(7, "finale", 0.8),
    ]  # fmt: skip
    return publish_scene(publish_scene(first_plan(scenes, change_budget=3)))


def told(signals: SessionSignals) -> dict[tuple[str, int], dict[str, float | None]]:
    plan = film()
    made = options(plan, break_seconds=0.0)
    seen = lot(signals, AROUND, plan, made, now=NOW)
    return {(one.action, one.scene): own for one, own in zip(made, seen.options, strict=True)}


def watched() -> SessionSignals:
    signals = SessionSignals()
    for number, share in ((1, 0.5), (2, 1.0)):
        signals.update("playback.scene_end", 100.0 * number, scene=number, data={"watched": 8 * share, "duration": 8})
    return signals


def test_an_option_is_described_by_the_scene_that_would_fill_the_next_place() -> None:
    found = told(watched())
    keep, chase = found["keep", 3], found["bring_forward", 4]
    assert (keep["next_intensity"], keep["after_intensity"], keep["step"], keep["moved"], keep["ahead_of_author"]) == (0.1, 0.9, -0.3, 0, 0)
    assert (chase["next_intensity"], chase["after_intensity"], chase["moved"], chase["ahead_of_author"]) == (0.9, 0.1, 1, 1)
    tight = found["tighten", 3]
    assert (keep["next_seconds"], tight["next_seconds"], tight["next_tight"]) == (8.0, 6.0, 1.0)
    assert found["linger", 6]["next_optional"] == 1.0


def test_the_fit_is_to_what_this_viewer_watched_so_far() -> None:
    found = told(watched())
    # Another storm, of which the whole was watched; its tags are those of the storm and half of those of the day before it.
    storm = found["bring_forward", 5]
    assert storm["same_mood_share"] == 1.0
    assert storm["same_tags_share"] == pytest.approx((1.0 * 1.0 + 0.5 * 0.5) / 1.5, abs=1e-4)
    assert storm["likes_intensity"] == pytest.approx((0.5 * 0.2 + 1.0 * 0.4) / 1.5 - 0.3, abs=1e-4)
    assert found["keep", 3]["same_mood_share"] is None


def test_nothing_is_known_of_a_taste_before_a_scene_has_ended() -> None:
    assert {own["likes_intensity"] for own in told(SessionSignals()).values()} == {None}


@settings(max_examples=25, deadline=None)
@given(plans(fewest=4), st.integers(1, 6), st.floats(0, 45))
def test_a_row_read_back_from_the_log_is_the_row_that_was_served(plan: Plan, published: int, seconds: float) -> None:
    for _ in range(min(published, len(plan.remaining) - 1)):
        plan = publish_scene(plan)
    seen = lot(watched(), AROUND, plan, options(plan, break_seconds=seconds, suggestion=4), now=NOW)
    again = json.loads(json.dumps({"features": seen.session, "alternatives": seen.options}))
    np.testing.assert_array_equal(rows_of(again["features"], again["alternatives"]), seen.rows)
    assert not [problem for problem in SCHEMA.problems(seen.rows) if problem.words != "has no value at all"]


def test_no_options_make_an_empty_lot() -> None:
    assert lot(SessionSignals(), AROUND, film(), [], now=NOW).rows.shape == (0, len(SCHEMA.features))
    assert math.isnan(rows_of({}, [{}])[0, SCHEMA.index["action"]])
