"""A row says how a viewer came and fared as of a moment; the label is whether they stayed away after it."""

from __future__ import annotations

import math
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.churn.dataset import moments
from engagement.churn.features import DAY, HOUR, SCHEMA, Visit, at_risk, build, stayed_away
from engagement.churn.reasons import WORDS, in_words, reasons

AT = 40 * DAY


def visit(days_ago: float, **told: Any) -> Visit:
    started = AT - days_ago * DAY
    given: dict[str, Any] = {
        "session": uuid.uuid4(),
        "started": started,
        "heard": started + 600,
        "device": "tv",
        "hour": 20,
        "watched_seconds": 600.0,
    }
    return Visit(**(given | told))


def row(*visits: Visit, at: float = AT) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in zip(SCHEMA.names, build(visits, at)[0], strict=True)}


def test_the_rhythm_is_told_by_evenings_not_by_films() -> None:
    found = row(visit(9), visit(6), visit(5.99), visit(3))
    assert (found["sessions_1_day"], found["sessions_7_days"], found["sessions_28_days"]) == (0, 3, 4)
    assert (found["days_since_last"], found["usual_gap_days"], found["overdue"], found["days_known"]) == (3, 3, 1, 9)
    assert found["hour_regularity"] == 1


def test_how_films_went_is_told_by_the_last_ones_per_hour_watched() -> None:
    sad = [visit(number, progress=0.2, skips=2, ads=3, ads_skipped=1, stall_seconds=60, stars=2.0, complaints=1) for number in (3, 2, 1)]
    found = row(*(visit(9 - number, progress=0.8) for number in range(5)), *sad)
    assert found["progress_trend"] == -0.6
    assert (found["skips_per_hour"], found["ads_per_hour"], found["stall_seconds_per_hour"]) == pytest.approx((7.2, 10.8, 216))
    assert (found["ad_skip_share"], found["stars"], found["complaints"]) == (0.3333, 2, 3)


def test_of_a_film_that_still_runs_only_its_beginning_is_known() -> None:
    found = row(visit(2, progress=0.5), visit(0.005, progress=1.0, complaints=1))
    assert (found["sessions_1_day"], found["progress"], found["complaints"]) == (1, 0.5, 0)


@given(st.lists(st.floats(-10, 27), max_size=8))
def test_nothing_that_comes_after_the_moment_changes_its_row(days: list[float]) -> None:
    visits = sorted((visit(ago) for ago in days), key=lambda one: one.started)
    before = [one for one in visits if one.started <= AT]
    assert np.array_equal(build(visits, AT), build(before, AT), equal_nan=True)


def test_staying_away_is_asked_only_of_who_was_here_within_the_horizon() -> None:
    came = [visit(9), visit(-3)]
    assert not at_risk(came, AT, horizon_days=7)
    assert at_risk(came, AT, horizon_days=10)
    assert stayed_away(came, AT, horizon_days=2) == 1.0
    assert stayed_away(came, AT, horizon_days=3) == 0.0


def test_a_viewer_has_one_snapshot_a_day_at_the_same_moment_whenever_it_is_asked_for() -> None:
    viewer, first = uuid.UUID(int=7), datetime(2026, 11, 1, tzinfo=UTC)
    found = list(moments(viewer, first=first, until=first + timedelta(days=5)))
    assert len(found) == 5
    assert len({at // DAY for at in found}) == 5
    assert list(moments(viewer, first=first + timedelta(days=2), until=first + timedelta(days=5))) == found[2:]
    assert len({math.floor(at % DAY / HOUR) for at in found}) > 1


def test_reasons_are_what_raises_the_risk_strongest_first_in_words() -> None:
    values = build([visit(6), visit(4, complaints=2)], AT)[0]
    effects = np.zeros(len(SCHEMA.names))
    for name, effect in (("days_since_last", 0.2), ("complaints", 0.5), ("stars", 0.1), ("progress", -0.9), ("overdue", 0.01)):
        effects[SCHEMA.index[name]] = effect
    assert in_words(reasons(values, effects)) == "2 complaints in four weeks; Last here 4.0 days ago; Has rated nothing"
    assert set(WORDS) == set(SCHEMA.names)
