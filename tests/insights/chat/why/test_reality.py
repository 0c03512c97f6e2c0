"""Whether a change is one at all."""

from __future__ import annotations

import numpy as np
import pytest

from insights.chat.why.reality import judged

STEADY = [(100.0, 10_000.0), (104.0, 10_100.0), (97.0, 9_900.0), (101.0, 10_050.0), (99.0, 9_980.0), (102.0, 10_020.0)]


def test_a_rate_far_outside_its_past_weeks_is_real_and_its_usual_range_is_told() -> None:
    found = judged("share", (40.0, 10_000.0), (100.0, 10_000.0), STEADY)
    assert found.verdict == "real"
    assert found.weeks == 6
    assert found.usual is not None
    assert found.usual == pytest.approx(0.01, rel=0.05)
    assert found.low is not None
    assert found.high is not None
    assert 0.004 < found.low < found.usual < found.high


def test_a_rate_within_its_past_weeks_is_usual() -> None:
    assert judged("share", (95.0, 10_000.0), (104.0, 10_000.0), STEADY).verdict == "usual"


def test_weeks_that_differ_much_make_much_usual() -> None:
    wild = [(float(count), 10_000.0) for count in (40, 160, 70, 200, 30, 120)]
    assert judged("share", (50.0, 10_000.0), (100.0, 10_000.0), wild).verdict == "usual"


@pytest.mark.parametrize(
    ("kind", "now", "baseline"), [("share", (1.0, 40.0), (3.0, 50.0)), ("share", (2.0, 5000.0), (3.0, 5000.0)), ("count", (9.0, 1.0), (14.0, 1.0))]
)
def test_little_volume_tells_nothing(kind: str, now: tuple[float, float], baseline: tuple[float, float]) -> None:
    assert judged(kind, now, baseline, STEADY).verdict == "too_little"  # type: ignore[arg-type]


def test_without_past_weeks_a_difference_that_chance_makes_is_told_and_a_larger_one_is_left_open() -> None:
    assert judged("count", (1010.0, 1.0), (1000.0, 1.0), []).verdict == "usual"
    assert judged("count", (400.0, 1.0), (1000.0, 1.0), []).verdict == "no_history"
    assert judged("share", (40.0, 10_000.0), (100.0, 10_000.0), STEADY[:3]).verdict == "no_history"
    assert judged("other", (40.0, 1.0), (100.0, 1.0), []).verdict == "no_history"


def test_money_is_held_against_past_weeks_alone() -> None:
    past = [(float(value), 1.0) for value in (100, 104, 97, 101, 99)]
    assert judged("other", (60.0, 1.0), (101.0, 1.0), past).verdict == "real"
    assert judged("other", (100.5, 1.0), (101.0, 1.0), past).verdict == "usual"


def test_alarms_where_nothing_happened_stay_near_the_level_they_are_meant_to_have() -> None:
    rng = np.random.default_rng(7)
    raised = 0
    for _ in range(400):
        weeks = [(float(rng.binomial(20_000, 0.02)), 20_000.0) for _ in range(9)]
        raised += judged("share", weeks[0], weeks[1], weeks[1:]).verdict == "real"
    assert raised / 400 <= 0.08
