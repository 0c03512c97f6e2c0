"""The reading as parts that can be changed, and what could be asked next: every offer can be asked."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from insights.chat import analyst, dates
from insights.chat.chips import chips
from insights.chat.context import Context
from insights.chat.followups import follow_ups
from insights.chat.grounding import Facts
from insights.chat.phrasing import interpretation
from insights.chat.reading import Understood
from insights.chat.vocabulary import Vocabulary, build
from insights.semantic import compiler
from insights.semantic.access import OPERATOR, Scope
from insights.semantic.loading import load
from insights.semantic.query import SemanticQuery

NOW = datetime(2026, 11, 21, 18, 30, tzinfo=UTC)
CONTEXT = Context(OPERATOR, load(), NOW, "USD")
QUESTIONS = (
    "CTR of Electric Dawn last week",
    "How is the Electric Dawn campaign doing?",
    "impressions by day last week",
    "clicks by hour yesterday",
    "top 5 campaigns by CTR last week",
    "share of impressions by device last month",
    "spend last week compared with the week before",
    "campaigns with CTR above 1% last week",
    "impressions by device last week excluding tv",
    "completion rate by weekday this month",
    "fill rate by genre yesterday",
)


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    names = {"campaign": [(7, "Electric Dawn"), (8, "<b>Rose 5%</b>")], "title": [(3, "Ember Coast")], "advertiser": [(1, "Volt Motors")]}
    return build(CONTEXT.model, names, scope=OPERATOR)


def read(question: str, vocabulary: Vocabulary) -> SemanticQuery:
    reading = analyst.read(question, vocabulary, now=NOW)
    assert isinstance(reading, Understood), (question, reading)
    return reading.query


def offers(query: SemanticQuery) -> list[tuple[str, Any]]:
    found = chips(query, CONTEXT)
    kept = [(f"{chip['label']}: {option['label']}", option["query"]) for chip in found for option in chip.get("options", ())]
    return kept + [(f"without {chip['label']}", chip["remove"]) for chip in found if "remove" in chip]


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_option_is_a_whole_query_that_can_be_asked(question: str, vocabulary: Vocabulary) -> None:
    query = read(question, vocabulary)
    offered = offers(query)
    assert offered
    for label, option in offered:
        made = SemanticQuery.model_validate_json(json.dumps(option))
        assert made != query, label
        assert compiler.compile_query(made, CONTEXT.model).sql, label
        assert interpretation(made, CONTEXT.model), label


def chip(query: SemanticQuery, kind: str) -> dict[str, Any]:
    return next(one for one in chips(query, CONTEXT) if one["kind"] == kind)


def test_the_parts_say_how_it_was_read(vocabulary: Vocabulary) -> None:
    found = chips(read("CTR of Electric Dawn by device last week", vocabulary), CONTEXT)
    assert [(one["kind"], one["label"]) for one in found] == [
        ("measure", "CTR"),
        ("dimension", "by device"),
        ("filter", "campaign: Electric Dawn"),
        ("period", "last week (2026-11-09 to 2026-11-15, UTC)"),
        ("baseline", "compare"),
    ]
    assert len({one["id"] for one in found}) == len(found)


def test_a_baseline_moves_with_its_period_and_can_be_left_out(vocabulary: Vocabulary) -> None:
    query = read("spend last week compared with the week before", vocabulary)
    yesterday = next(option for option in chip(query, "period")["options"] if option["label"].startswith("yesterday"))["query"]
    before = dates.before(SemanticQuery.model_validate_json(json.dumps(yesterday)).period, NOW)
    assert before is not None
    assert yesterday["baseline"]["label"] == before.label
    assert chip(query, "baseline")["remove"]["baseline"] is None


def test_removing_the_split_of_a_rank_leaves_a_plain_figure(vocabulary: Vocabulary) -> None:
    left = chip(read("top 5 campaigns by CTR last week", vocabulary), "dimension")["remove"]
    assert (left["intent"], left["dimensions"], left["order"]) == ("value", [], None)


def test_nothing_is_offered_that_a_single_advertiser_may_not_ask(vocabulary: Vocabulary) -> None:
    query = read("CTR last week", vocabulary)
    assert chips(
        query.model_copy(update={"cube": "breaks", "measures": ("fill_rate",)}), Context(Scope(advertiser=1), CONTEXT.model, NOW, "USD")
    ) == [
        {"id": "measure:fill_rate", "kind": "measure", "label": "fill rate"},
        {"id": "period:period", "kind": "period", "label": "last week (2026-11-09 to 2026-11-15, UTC)"},
    ]


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_is_suggested_next_is_read_as_a_question(question: str, vocabulary: Vocabulary) -> None:
    query = read(question, vocabulary)
    facts = Facts((), ((1,),), "USD")
    suggested = follow_ups(query, facts, CONTEXT)
    assert suggested
    for one in suggested:
        following = read(one, vocabulary)
        assert following != query, one
        assert (following.period.start, following.filters) == (query.period.start, query.filters) or following.intent in ("define", "trend"), one


def test_a_name_that_is_no_plain_words_is_suggested_by_its_number(vocabulary: Vocabulary) -> None:
    query = read("CTR of campaign#8 last week", vocabulary)
    first = follow_ups(query, Facts((), ((1,),), "USD"), CONTEXT)[0]
    assert "campaign#8" in first
    assert read(first, vocabulary).filters == query.filters
