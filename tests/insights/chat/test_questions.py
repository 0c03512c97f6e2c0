"""The question set: what comes out must be what hand-written SQL says, or an honest question or refusal."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.db import connection

from insights.chat.answer import Answer
from insights.chat.pipeline import ask
from insights.semantic.access import OPERATOR
from insights.semantic.execute import plain
from insights.semantic.loading import load
from tests.insights.business import NOW, Business

pytestmark = pytest.mark.django_db(databases=["default", "insights"])
QUESTIONS = yaml.safe_load((Path(__file__).parent / "questions.yaml").read_text(encoding="utf-8"))
NUMERAL = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?")


def answered(question: str) -> Answer:
    return ask(question, scope=OPERATOR, model=load(), now=NOW, currency="USD")


def gold(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [tuple(plain(value) for value in row) for row in cursor.fetchall()]


def comparable(rows: Any, *, unordered: bool) -> list[Any]:
    listed = [tuple(pytest.approx(value, rel=1e-9) if isinstance(value, float) else value for value in row) for row in rows]
    return sorted(listed, key=str) if unordered else listed


@pytest.mark.parametrize("case", QUESTIONS, ids=[case["ask"][:60] for case in QUESTIONS])
def test_a_question_of_the_set_gets_its_answer(business: Business, case: dict[str, Any]) -> None:
    answer = answered(case["ask"])
    assert answer.status == case.get("status", "answered"), answer.text
    assert case.get("says", "") in answer.text
    if answer.status != "answered":
        assert not answer.sql
        assert not answer.rows
        assert len(answer.choices) <= 3
        return
    grounded(answer)
    if case.get("empty"):
        assert all(value is None for row in answer.rows for value in row)
        assert "no data" in answer.text
        return
    unordered = case.get("unordered", False)
    assert comparable(answer.rows, unordered=unordered) == comparable(gold(case["sql"]), unordered=unordered)


def grounded(answer: Answer) -> None:
    """Every numeral of the prose lies in a span, and a span that is a cell says what the table shows there."""
    told = answer.full()
    covered = {place for span in told["spans"] for place in range(span["start"], span["end"])}
    assert all(set(range(*found.span())) <= covered for found in NUMERAL.finditer(answer.text)), answer.text
    names = [column.name for column in answer.columns]
    for span in told["spans"]:
        if span["how"] == "cell":
            assert answer.text[span["start"] : span["end"]] == told["cells"][span["row"]][names.index(span["column"])]


def test_an_empty_period_says_what_is_recorded(business: Business) -> None:
    assert answered("CTR in March").text == (
        "There is no data in March 2026 (2026-03-01 to 2026-03-31, UTC). What is recorded runs from 2026-11-01 to 2026-11-20."
    )


@pytest.mark.parametrize("case", [case for case in QUESTIONS if case.get("status") == "clarify"], ids=lambda case: str(case["ask"])[:60])
def test_every_choice_offered_leads_to_an_answer(business: Business, case: dict[str, Any]) -> None:
    for choice in answered(case["ask"]).choices:
        assert answered(choice.question).status == "answered", choice.question


def test_figures_of_the_synthetic_audience_are_labelled_and_others_are_not(business: Business) -> None:
    synthetic, real, *_ = business.campaigns
    note = "includes the synthetic audience"
    assert note in answered(f"How is the {synthetic} campaign doing?").interpretation
    assert note not in answered(f"How is the {real} campaign doing?").interpretation
    assert note in answered("How many impressions yesterday?").interpretation
