"""What a question is read into, with no database: the table of readings, another business, and what holds for every text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from insights.chat.analyst import read
from insights.chat.grammar import FILLER, OPERATORS, STOP
from insights.chat.reading import Clarify, Reading, Refuse, Understood
from insights.chat.tagging import tag
from insights.chat.text import words
from insights.chat.vocabulary import Vocabulary
from insights.semantic.query import Filter, Period, SemanticQuery

from .vocabularies import NOW, bakery, shipped

READINGS = yaml.safe_load((Path(__file__).parent / "readings.yaml").read_text(encoding="utf-8"))
FORBIDDEN = [case["ask"] for case in READINGS if case.get("refuse") == "forbidden"]
WORDS = sorted(
    {word for case in READINGS for word in words(case["ask"])} | {word for phrase in (*FILLER, *OPERATORS["not"]) for word in words(phrase)} | STOP
)


def span(period: Period | None) -> str:
    def shown(moment: Any) -> str:
        return "" if moment is None else str(moment.isoformat())[:16].removesuffix("T00:00")

    return "" if period is None or period == Period() else f"{shown(period.start)}/{shown(period.end)}"


def labels(filters: tuple[Filter, ...], op: str) -> dict[str, list[str]]:
    return {part.dimension: list(part.labels) for part in filters if part.op == op}


def parts(query: SemanticQuery) -> dict[str, Any]:
    """The query as the table writes it, without what was not asked."""
    order = query.order and f"{query.order.measure} {'down' if query.order.descending else 'up'} by {query.order.by}"
    told = {
        "intent": query.intent,
        "cube": query.cube,
        "measures": list(query.measures),
        "by": list(query.dimensions),
        "where": labels(query.filters, "in"),
        "without": labels(query.filters, "not_in"),
        "focus": labels(query.focus, "in"),
        "having": [f"{part.measure} {part.op} {part.value:g}" for part in query.having],
        "period": span(query.period),
        "baseline": span(query.baseline),
        "grain": query.grain,
        "order": order,
        "limit": None if query.limit in (200, 1000) else query.limit,
        "subject": query.subject,
    }
    return {name: value for name, value in told.items() if value}


def in_turn(questions: list[str], vocabulary: Vocabulary) -> Reading:
    """The reading of the last one, each following the one before it."""
    previous: SemanticQuery | None = None
    for question in questions:
        reading = read(question, vocabulary, now=NOW, previous=previous)
        previous = reading.query if isinstance(reading, Understood) else previous
    return reading


@pytest.mark.parametrize("case", READINGS, ids=[f"{number} {case['ask'][:60]}" for number, case in enumerate(READINGS)])
def test_a_question_is_read_as_the_table_says(case: dict[str, Any]) -> None:
    expected = {name: value for name, value in case.items() if name not in ("ask", "after", "follows")}
    reading = in_turn([*case.get("after", []), case["ask"]], shipped())
    match reading:
        case Understood(query, _, follows):
            assert parts(query) == expected
            assert follows == case.get("follows", False)
        case Clarify(text, choices):
            assert {"asks": [choice.label for choice in choices]} == expected, text
        case Refuse(text, kind):
            assert {"refuse": kind} == expected, text


BAKED = [
    ("takings yesterday", {"intent": "value", "cube": "sales", "measures": ["takings"], "period": "2026-11-20/2026-11-21"}),
    ("takings by shop last week", {"intent": "breakdown", "cube": "sales", "measures": ["takings"], "by": ["shop"], "period": "2026-11-09/2026-11-16"}),
    ("wich shop had the higest turnover", {"intent": "rank", "cube": "sales", "measures": ["takings"], "by": ["shop"], "order": "takings down by value", "limit": 10}),
    ("loaves sold without the harbour shop", {"intent": "value", "cube": "sales", "measures": ["pieces"], "where": {"product": ["bread"]}, "without": {"shop": ["Harbour shop"]}}),
    ("shops with takings over $100", {"intent": "breakdown", "cube": "sales", "measures": ["takings"], "by": ["shop"], "having": ["takings gt 100"]}),
    ("bread against cake takings this month", {"intent": "compare", "cube": "sales", "measures": ["takings"], "by": ["product"], "where": {"product": ["bread", "cake"]}, "period": "2026-11-01/2026-12-01"}),
    ("takings this week vs last week", {"intent": "compare", "cube": "sales", "measures": ["takings"], "period": "2026-11-16/2026-11-23", "baseline": "2026-11-09/2026-11-16"}),
    ("what share of takings came from cake", {"intent": "share", "cube": "sales", "measures": ["takings"], "by": ["product"], "focus": {"product": ["cake"]}}),
    ("average price per week", {"intent": "trend", "cube": "sales", "measures": ["price"], "grain": "week"}),
    ("why did takings fall yesterday", {"intent": "why", "cube": "sales", "measures": ["takings"], "period": "2026-11-20/2026-11-21", "baseline": "2026-11-13/2026-11-14"}),
    ("which shops do we have", {"intent": "list", "cube": "sales", "by": ["shop"]}),
    ("what does average price mean", {"intent": "define", "measures": ["price"], "subject": "measure:price"}),
    ("takings by city", {"intent": "breakdown", "cube": "sales", "measures": ["takings"], "by": ["town"]}),
]  # fmt: skip


@pytest.mark.parametrize(("question", "expected"), BAKED, ids=[question for question, _ in BAKED])
def test_another_business_is_read_as_well(question: str, expected: dict[str, Any]) -> None:
    reading = read(question, bakery(), now=NOW)
    assert isinstance(reading, Understood), reading
    assert parts(reading.query) == expected


@pytest.mark.parametrize("question", ["takings at 20:00", "which shops are on track", "CTR yesterday", "takings next year"])
def test_what_another_business_has_not_is_refused(question: str) -> None:
    assert isinstance(read(question, bakery(), now=NOW), Refuse)


def test_a_follow_up_in_another_business_edits_its_query() -> None:
    reading = in_turn(["takings yesterday", "and by shop?", "only cake", "what about last week?"], bakery())
    assert isinstance(reading, Understood)
    assert parts(reading.query) == {
        "intent": "breakdown", "cube": "sales", "measures": ["takings"], "by": ["shop"], "where": {"product": ["cake"]},
        "period": "2026-11-09/2026-11-16",
    }  # fmt: skip


def leads_on(question: str, reading: Reading, vocabulary: Vocabulary, previous: SemanticQuery | None, steps: int = 2) -> None:
    """Each choice is understood, or asks for one thing more."""
    if isinstance(reading, Clarify):
        assert len(reading.choices) <= 3
        for choice in reading.choices:
            then = read(choice.question, vocabulary, now=NOW, previous=previous)
            assert isinstance(then, Understood) or (isinstance(then, Clarify) and steps > 0), (question, choice.question, then)
            leads_on(choice.question, then, vocabulary, previous, steps - 1)


def test_every_choice_offered_leads_on() -> None:
    for case in READINGS:
        before = in_turn(case["after"], shipped()) if case.get("after") else None
        previous = before.query if isinstance(before, Understood) else None
        leads_on(case["ask"], read(case["ask"], shipped(), now=NOW, previous=previous), shipped(), previous)


@settings(max_examples=150, deadline=None)
@given(text=st.one_of(st.text(max_size=80), st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join)))
def test_reading_never_raises_whatever_the_text(text: str) -> None:
    previous = SemanticQuery(intent="breakdown", cube="delivery", measures=("ctr",), dimensions=("campaign",))
    for before in (None, previous):
        assert isinstance(read(text, shipped(), now=NOW, previous=before), Understood | Clarify | Refuse)


@settings(max_examples=150, deadline=None)
@given(
    question=st.sampled_from([case["ask"] for case in READINGS if "intent" in case and "after" not in case]),
    word=st.sampled_from(["flibbert", "zorgon", "quuxly"]),
    place=st.integers(0, 12),
)
def test_a_word_without_a_meaning_is_never_passed_over(question: str, word: str, place: int) -> None:
    said = question.split()
    asked = " ".join([*said[:place], word, *said[place:]])
    assert not isinstance(read(asked, shipped(), now=NOW), Understood)


def test_every_word_of_an_understood_question_has_a_place() -> None:
    for case in READINGS:
        if "intent" in case and "after" not in case:
            tagged = tag(case["ask"], shipped(), now=NOW)
            passed = {tagged.word(index) for index in tagged.leftover()}
            assert passed <= {"between", "will", "average", "asked", "hours", "people", "because", "everything", "director"}, (case["ask"], passed)


def test_a_command_stays_forbidden_in_a_conversation() -> None:
    for command in FORBIDDEN:
        reading = in_turn(["CTR by campaign last week", command], shipped())
        assert isinstance(reading, Refuse), command
        assert reading.kind == "forbidden"
