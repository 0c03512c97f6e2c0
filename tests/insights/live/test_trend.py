"""A range of time in buckets, beside the same part of an earlier one; parts that add up to the whole."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from insights.live.business import trend
from insights.live.streams import parse
from tests.insights.live import facts

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 20, 14, 37, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def build(stream: str) -> dict[str, Any]:
    built: dict[str, Any] = json.loads(json.dumps(trend.build(parse(stream), NOW)))
    return built


def impressions(stream: str) -> dict[str, Any]:
    found: dict[str, Any] = build(stream)["measures"]["impressions"]
    return found


def test_the_running_hour_is_compared_with_as_much_of_yesterdays() -> None:
    facts.delivered(NOW, impressions=4)
    facts.delivered(NOW - 23 * HOUR, impressions=3)
    facts.delivered(NOW - 24 * HOUR, impressions=1_000)  # in the minute that has only begun
    facts.delivered(NOW - 24 * HOUR - timedelta(minutes=1), impressions=7)
    facts.delivered(NOW - 47 * HOUR, impressions=11)
    facts.delivered(NOW - 48 * HOUR, impressions=5_000)
    found = impressions("trend")
    assert (found["values"], found["before"]) == ([3, *[0] * 22, 4], [11, *[0] * 22, 7])
    assert (found["total"], found["total_same"], found["total_before"]) == (7, 7, 18)


def test_a_running_day_is_compared_up_to_the_last_whole_hour() -> None:
    facts.delivered(NOW - 20 * DAY, impressions=1)  # figures were counted all the while
    facts.delivered(NOW, impressions=4)
    facts.delivered(NOW - HOUR, impressions=6)
    facts.delivered(NOW - 7 * DAY, impressions=1_000)  # in the hour that has only begun
    facts.delivered(NOW - 7 * DAY - HOUR, impressions=2)
    found = impressions("trend?range=7d")
    assert (found["values"][-1], found["before"][-1]) == (10, 2)
    assert (found["total"], found["total_same"], found["total_before"]) == (10, 6, 2)


def test_minutes_have_no_week_before_them_and_the_running_one_no_counterpart() -> None:
    facts.delivered(NOW, impressions=4)
    facts.delivered(NOW - timedelta(minutes=1), impressions=3)
    facts.delivered(NOW - timedelta(minutes=16), impressions=9)
    found = impressions("trend?range=15m")
    assert (found["values"][-2:], found["before"][-2:]) == ([3, 4], [9, None])
    assert (found["total"], found["total_same"], found["total_before"]) == (7, 3, 9)
    week = build("trend?range=15m&compare=week")
    assert (week["before"], week["measures"]["impressions"]["total_before"]) == (None, None)
    assert "48 hours" in week["note"]


def test_a_time_of_which_not_all_was_counted_is_nothing_to_measure_growth_by() -> None:
    facts.delivered(NOW, impressions=4_000)
    facts.delivered(NOW - 8 * DAY, impressions=1)
    built = build("trend?range=7d")
    assert (built["measures"]["impressions"]["before"][-2], built["measures"]["impressions"]["total_before"]) == (1, None)
    assert built["note"].startswith("Counted since")


def test_an_hour_of_last_week_is_left_out_while_this_one_runs() -> None:
    facts.delivered(NOW - 20 * DAY, impressions=1)
    facts.delivered(NOW, impressions=4)
    facts.delivered(NOW - HOUR, impressions=3)
    facts.delivered(NOW - 7 * DAY, impressions=1_000)
    facts.delivered(NOW - 7 * DAY - HOUR, impressions=5)
    found = impressions("trend?compare=week")
    assert (found["before"][-2:], found["total_same"], found["total_before"]) == ([5, None], 3, 5)
    assert build("trend?compare=none")["measures"]["impressions"]["before"] is None


@pytest.mark.parametrize("span", ["15m", "24h", "7d", "30d"])
def test_the_parts_add_up_to_the_whole(span: str) -> None:
    for number in range(14):
        facts.delivered(NOW - timedelta(minutes=number % 3), campaign=number, ad=number, impressions=number, revenue_micros=1_000 * number)
    built = build(f"trend?range={span}")
    for name in ("impressions", "revenue"):
        assert sum(built["measures"][name]["values"]) == built["measures"][name]["total"] > 0
    for part in ("by_campaign", "by_title", "by_genre"):
        assert sum(line["revenue"] for line in built[part]) == built["measures"]["revenue"]["total"]
        assert sum(line["share"] for line in built[part]) == pytest.approx(1, abs=1e-5)
    assert [len(built["by_campaign"]), built["by_campaign"][-1]["name"]] == [11, "4 others"]
