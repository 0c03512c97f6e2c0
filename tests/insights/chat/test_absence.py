"""Nothing is told apart: not recorded, not yet in, not matched, none that pass, and a zero that was counted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from insights.chat import dates
from insights.chat.answer import Answer
from insights.chat.context import Context
from insights.chat.pipeline import Asked, stages
from insights.chat.text import words
from insights.semantic.access import OPERATOR, Scope
from insights.semantic.loading import load
from insights.semantic.query import Filter, Having, SemanticQuery
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
