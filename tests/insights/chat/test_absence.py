"""Nothing is told apart: not recorded, not yet in, not matched, none that pass, and a zero that was counted."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from insights.chat import dates
from insights.chat.answer import Answer
from insights.chat.context import Context
from insights.chat.pipeline import Asked, stages
from insights.chat.text import words
from insights.semantic.access import OPERATOR, Scope
from insights.semantic.loading import load
from insights.semantic.query import Filter, Having, Period, SemanticQuery
from tests.insights.business import NOW, Business

pytestmark = pytest.mark.django_db(databases=["default", "insights"])


def answered(query: SemanticQuery, scope: Scope = OPERATOR, later: timedelta = timedelta(0)) -> Answer:
    *_, last = stages(Asked("", query=query), Context(scope, load(), NOW + later, "USD"))
    assert last.answer is not None
    return last.answer


def asked(said: str, **more: object) -> SemanticQuery:
    period = dates.find_periods(words(said), now=NOW)[0].period
    return SemanticQuery.model_validate({"intent": "value", "cube": "delivery", "measures": ("clicks",), "period": period, **more})


def test_a_day_that_is_not_in_yet_is_told_by_how_far_the_figures_reach(business: Business) -> None:
    late = answered(
        asked("last week").model_copy(update={"period": dates.find_periods(["today"], now=NOW + timedelta(days=1))[0].period}),
        later=timedelta(days=1),
    )
    assert late.text.startswith("There is no data today so far (2026-11-22, UTC) yet: the figures are filled to 2026-11-21 18:29 UTC.")
    assert "are not in yet" in late.note


def test_figures_that_end_before_now_say_how_much_is_missing(business: Business) -> None:
    found = answered(asked("this week"), later=timedelta(minutes=40))
    assert found.note == "Figures are filled to 2026-11-21 18:29 UTC; the last 41 minutes are not in yet."
    assert answered(asked("last week"), later=timedelta(minutes=40)).note == ""


def test_a_filter_that_matches_nothing_names_what_is_near(business: Business) -> None:
    found = answered(asked("last week", filters=(Filter(dimension="device", values=("mobil",)),)))
    assert found.text == ("Nothing has been recorded on mobil yet, in any period that you may see. There is data for mobile and tv.")
    assert found.chart is None


def test_none_that_pass_a_threshold_are_none_of_how_many(business: Business) -> None:
    found = answered(
        asked("last week", intent="breakdown", dimensions=("campaign",), measures=("ctr",), having=(Having(measure="ctr", op="gt", value=0.5),))
    )
    assert found.text == "For last week (2026-11-09 to 2026-11-15, UTC), none of 5 campaigns had CTR above 50.00%."


def test_somebody_elses_campaign_is_not_told_apart_from_one_that_is_not_there(business: Business) -> None:
    volt = Scope(advertiser=business.advertisers["Volt Motors"])
    texts = {answered(asked("last week", filters=(Filter(dimension="campaign", values=(key,), labels=("X",)),)), volt).text for key in (
        business.campaigns["Summer Blockbusters"], 10**9,
    )}  # fmt: skip
    assert texts == {"Nothing has been recorded for campaign X yet, in any period that you may see. There is data for Electric Dawn."}


def days(first: str, last: str) -> Period:
    start, end = (datetime.fromisoformat(f"{day}T00:00:00+00:00") for day in (first, last))
    return Period(start=start, end=end + timedelta(days=1), label=f"{first} to {last}")


def test_a_period_in_which_the_records_begin_says_how_many_of_its_days_have_nothing(business: Business) -> None:
    said = "What is recorded begins on 2026-11-01: 6 of these 7 days have nothing."
    week = days("2026-10-26", "2026-11-01")
    assert answered(asked("last week").model_copy(update={"period": week})).note == said
    assert answered(asked("last week", intent="trend", grain="day").model_copy(update={"period": week})).note == said
    assert answered(asked("last week").model_copy(update={"period": days("2026-11-01", "2026-11-07")})).note == ""


def test_a_comparison_with_days_before_the_records_begin_says_how_many_days_it_is_of(business: Business) -> None:
    query = asked("last week", intent="compare", baseline=days("2026-10-26", "2026-11-01"))
    said = "What is recorded begins on 2026-11-01: 6 of the 7 days before have nothing, so the comparison is of 7 days with 1."
    assert answered(query).note == said
    assert answered(query.model_copy(update={"intent": "why"})).note == said
    assert answered(query.model_copy(update={"baseline": days("2026-11-02", "2026-11-08")})).note == ""


def test_a_value_without_rows_beside_others_is_named(business: Business) -> None:
    query = asked("last week", intent="breakdown", dimensions=("genre",))
    drama_and = query.model_copy(update={"filters": (Filter(dimension="genre", values=("drama", "comedy"), labels=("Drama", "Comedy")),)})
    assert answered(drama_and).note == "Nothing is recorded for Comedy in that time."
    both = query.model_copy(update={"filters": (Filter(dimension="genre", values=("drama", "sci-fi"), labels=("Drama", "Sci-Fi")),)})
    assert answered(both).note == ""
