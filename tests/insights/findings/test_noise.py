"""Where nothing is going on the detectors are silent, as often as they say they are."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.retention.intervals import Share
from insights.findings.detectors import anomaly, fatigue, retention, unfilled
from insights.findings.detectors.anomaly import Measure, Series
from insights.findings.detectors.fatigue import Showings
from insights.findings.detectors.retention import SceneLosses
from insights.findings.detectors.unfilled import Breaks
from insights.findings.statistics import count_beside, discoveries, expected, share_beside, trend

NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)
LOOKS = 120


def series(number: int, seen: tuple[float, float], past: list[tuple[float, float]], kind: anomaly.Format) -> Series:
    return Series(Measure("figure", "figure", kind), "A campaign", f"figure-{number}", seen, past, "weeks", 1, NOW, "/live/")


@pytest.mark.parametrize(("clumping", "weeks"), [(0.0, 8), (0.3, 4)], ids=["Poisson", "clumped"])
def test_looks_at_noise_alarm_no_more_often_than_promised(clumping: float, weeks: int) -> None:
    """40 figures a look: counts whose rate itself varies by ``clumping`` from week to week, and shares of them."""
    rng = np.random.default_rng(7)
    alarms = 0
    for _ in range(LOOKS):
        rate = rng.uniform(12, 400, size=20)[:, None] * rng.lognormal(-(clumping**2) / 2, clumping, size=(20, weeks + 1))
        counts = rng.poisson(rate)
        shares = rng.binomial(counts * 20, rng.uniform(0.02, 0.6, size=20)[:, None])
        look = [series(row, (float(c[0]), 1.0), [(float(n), 1.0) for n in c[1:]], "count") for row, c in enumerate(counts)]
        look += [
            series(100 + row, (float(k[0]), float(n[0])), [(float(a), float(b)) for a, b in zip(k[1:], n[1:], strict=True)], "share")
            for row, (k, n) in enumerate(zip(shares, counts * 20, strict=True))
        ]
        alarms += bool(anomaly.find(look, "USD"))
    # Promised: 0.01 of the looks. Of 120, more than 5 at that rate is chance once in a thousand.
    assert alarms <= 5


def test_a_planted_drop_is_found_among_as_much_noise() -> None:
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(50):
        counts = rng.poisson(200, size=(20, 9))
        counts[0, 0] = rng.poisson(80)
        look = [series(row, (float(c[0]), 1.0), [(float(n), 1.0) for n in c[1:]], "count") for row, c in enumerate(counts)]
        found += [one.key for one in anomaly.find(look, "USD")] == ["anomaly:figure-0"]
    assert found >= 47


def test_ads_with_a_steady_rate_are_seldom_called_worn_out() -> None:
    """20 ads a look over two devices whose mix drifts: a change of mix is no change of the ad."""
    rng = np.random.default_rng(5)
    said = 0
    for _ in range(150):
        mix = np.linspace(0.8, 0.2, 14)
        shown = rng.poisson(np.stack([mix, 1 - mix]) * 300, size=(20, 2, 14))
        clicked = rng.binomial(shown, np.array([0.1, 0.04])[:, None])
        total, all_clicked = shown.sum(axis=0), clicked.sum(axis=0)
        ads = [
            Showings(
                ad,
                f"Ad {ad}",
                1,
                1,
                shown[ad].astype(float),
                clicked[ad].astype(float),
                (total - shown[ad]).astype(float),
                (all_clicked - clicked[ad]).astype(float),
                1.0,
                1,
                NOW,
            )
            for ad in range(20)
        ]
        said += bool(fatigue.find(ads, "USD"))
    assert said <= 14, "promised 0.05 of the looks at most: of 150, more than 14 is chance once in a hundred"


def test_scenes_and_breaks_like_all_others_are_seldom_told() -> None:
    rng = np.random.default_rng(11)
    scenes = breaks = 0
    for _ in range(LOOKS):
        left = rng.binomial(200, 0.08, size=30)
        usual = int(rng.binomial(2_000, 0.08))
        scenes += bool(
            retention.find(
                [SceneLosses(n, "s", 1, "t", "T", 0.5, Share(int(k), 200), Share(usual, 2_000), 5, 1.0, NOW) for n, k in enumerate(left)], "USD"
            )
        )
        empty = rng.binomial(60, 0.1, size=20)
        week = int(rng.binomial(8_000, 0.1))
        breaks += bool(unfilled.find([Breaks(n, "t", "t", int(k), 60, Share(week, 8_000), "", 1.0, NOW) for n, k in enumerate(empty)], "USD"))
    assert scenes <= 14, "promised 0.05 of the looks"
    assert breaks <= 5, "promised 0.01 of the looks"


@given(st.integers(0, 5_000), st.lists(st.integers(0, 5_000), min_size=2, max_size=12))
def test_what_is_expected_of_a_count_lies_in_its_interval_and_what_lies_outside_is_unlikely(seen: int, past: list[int]) -> None:
    (found,) = expected([count_beside(seen, past)])
    assert found.low <= found.value <= found.high and 0 <= found.p <= 1
    assert found.p >= 0.05 or not found.low + 1 < seen < found.high - 1


@given(st.integers(0, 500), st.lists(st.tuples(st.integers(0, 400), st.integers(1, 500)), min_size=2, max_size=10))
def test_an_expected_share_is_a_share(part: int, past: list[tuple[int, int]]) -> None:
    (found,) = expected([share_beside(part, 500, [(min(k, n), n) for k, n in past])])
    assert 0 <= found.low <= found.value <= found.high <= 1 and 0 <= found.p <= 1


@given(st.lists(st.floats(0, 1), max_size=30), st.sampled_from([0.01, 0.05, 0.2]))
def test_discoveries_are_the_least_likely_ones_and_no_more_than_plain_tests_would_find(p: list[float], rate: float) -> None:
    found = discoveries(p, rate=rate)
    told = [one for one, is_told in zip(p, found, strict=True) if is_told]
    assert all(one <= rate for one in told)
    assert not told or all(is_told for one, is_told in zip(p, found, strict=True) if one < max(told))
    assert all(is_told for one, is_told in zip(p, found, strict=True) if one <= rate / max(1, len(p)))


def test_a_trend_is_read_within_strata_not_between_them() -> None:
    """Each device steady, while the impressions move to the one that is clicked less."""
    shown = np.array([[300.0, 200.0, 100.0], [100.0, 200.0, 300.0]])
    assert trend(shown * np.array([[0.1], [0.02]]), shown) == pytest.approx(0.5)
    assert trend(shown * np.array([[0.1, 0.06, 0.03]]), shown) < 1e-3
