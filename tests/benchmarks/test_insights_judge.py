"""How answers are judged, without asking anything."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from benchmarks import insights_judge as judge
from benchmarks.insights_questions import Question, expanded

GOLD = [("tv", Decimal("2.5")), ("mobile", Decimal(1))]


def question(**given: Any) -> Question:
    return Question(**({"id": "x", "area": "a", "kind": "clean", "intent": "value", "ask": "Clicks of Acme Tools", "gold": ("SELECT 1",)} | given))


def answer(text: str = "", **given: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {"interpretation": "", "sql": "", "params": {}, "columns": [], "rows": [], "chart": None, "cells": []}
    return {"status": "answered", "text": text} | nothing | given


def test_columns_may_stand_in_any_order_and_beside_others() -> None:
    assert judge.matches(GOLD, [(1, 7, "mobile"), (2.5, 8, "tv")])
    assert not judge.matches(GOLD, [(1, 7, "tv"), (2.5, 8, "mobile")])
    assert not judge.matches(GOLD, [(1, 7, "mobile")])
    assert not judge.matches(GOLD, [(1, 7, "mobile"), (2.5, 8, "tv")], match="exact")


def test_an_order_counts_only_where_it_was_asked_for_and_ties_may_change_places() -> None:
    turned = [("mobile", 1), ("tv", 2.5)]
    assert judge.matches(GOLD, turned)
    assert not judge.matches(GOLD, turned, match="ordered")
    assert judge.matches([("a", 2), ("b", 2)], [("b", 2), ("a", 2)], match="ordered")
    assert judge.matches(GOLD[:1], [("tv", 2.5), ("mobile", 1)], match="leads")
    assert not judge.matches(GOLD[:1], turned, match="leads")


def test_a_zero_is_not_nothing_and_a_midnight_is_its_day() -> None:
    assert not judge.matches([(None,)], [(0,)])
    assert judge.matches([(datetime(2026, 11, 20, tzinfo=UTC), 3)], [("2026-11-20", 3.0)])


def test_answering_what_must_be_refused_is_wrong() -> None:
    assert judge.outcome(question(gold=("refuse",)), answer(), []) == judge.WRONG
    assert judge.outcome(question(gold=("refuse",)), answer(status="refused"), []) == judge.RIGHT
    assert judge.outcome(question(), answer(status="clarify"), [[(1,)]]) == judge.ASKED
    assert judge.outcome(question(), answer(rows=[[1]]), [[(2,)], [(1,)]]) == judge.RIGHT


def test_a_name_of_others_is_a_leak_unless_the_asker_typed_it() -> None:
    told = answer("There is no campaign called Acme Tools; did you mean Bolt Works?", status="refused")
    assert judge.leaks(question(), told, foreign=["Acme Tools", "Bolt Works"]) == ["Bolt Works"]


def test_a_forbidden_figure_is_found_among_the_rows_and_in_the_text() -> None:
    assert judge.leaks(question(), answer(rows=[[4711]]), foreign=[], forbidden=[4711]) == ["4711"]
    assert judge.leaks(question(), answer("It was 4,711."), foreign=[], forbidden=[4711]) == ["4711"]
    assert judge.leaks(question(), answer("It was 12."), foreign=[], forbidden=[4711]) == []


def test_a_figure_of_the_text_must_be_a_cell_or_plain_arithmetic_over_cells() -> None:
    rows = {"rows": [["Cloud Hopper 2", 40], ["tv", 50]], "cells": [["Cloud Hopper 2", "40"], ["tv", "50"]]}
    assert judge.ungrounded(answer("Cloud Hopper 2 had 40, tv 50, which is 25% more, 90 in all.", **rows)) == []
    assert judge.ungrounded(answer("tv had 51 on 2026-11-20.", **rows)) == ["2026-11-20", "51"]
    assert judge.ungrounded(answer("tv had 50 on 2026-11-20.", **rows | {"params": {"p1": "2026-11-20T00:00:00+00:00"}})) == []


def test_periods_and_names_are_written_out() -> None:
    assert expanded("$yesterday.booked_at") == "(booked_at >= '2026-11-20' AND booked_at < '2026-11-21')"
    assert expanded("@ad(Men's range)") == "ad_id IN (SELECT id FROM ads_ad WHERE name IN ('Men''s range'))"
