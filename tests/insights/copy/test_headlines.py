"""What a line is like, how its kind did, and what may be suggested."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ads.ctr.features import CATEGORIES
from insights.copy.headlines import KINDS, LONGEST, Segment, Shown, candidates, interval, kind_of, ordered, problem, records


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("Ready for the open road?", "question"),
        ("Volt Motors: room for the road ahead", "brand"),
        ("Meet the Volt E", "invitation"),
        ("Room for all of you", "statement"),
    ],
)
def test_a_line_is_of_one_kind(line: str, kind: str) -> None:
    assert kind_of(line, brand="Volt Motors") == kind


@pytest.mark.parametrize("line", ["", "Save 20 today", "The best boots", "Now 10% off", "x" * (LONGEST + 1), "Free for you", "Guaranteed to please"])
def test_a_line_that_claims_what_nobody_checked_is_not_suggested(line: str) -> None:
    assert problem(line)


@pytest.mark.parametrize("category", [*CATEGORIES, "something else"])
@pytest.mark.parametrize("device", ["", "tv"])
def test_templates_give_every_kind_and_nothing_that_may_not_stand(category: str, device: str) -> None:
    lines = list(
        candidates(product="Volt E, evening", brand="Volt Motors", category=category, segment=Segment(device, "drama"), sites={"tv": "big screen"})
    )
    assert {kind for kind, _ in lines} == set(KINDS)
    assert not [line for _, line in lines if problem(line)]
    assert all("evening" not in line for _, line in lines)


def test_kinds_with_too_few_impressions_have_no_record_and_lines_without_a_headline_none() -> None:
    shown = [("Volt", Shown("Ready?", 900, 30)), ("Volt", Shown("Meet it", 50, 9)), ("Volt", Shown("", 5000, 100))]
    known = records(shown)
    assert set(known) == {"question"}
    assert known["question"].rate == pytest.approx(30 / 900)


def test_what_can_be_relied_on_comes_first_and_the_untried_last() -> None:
    known = records([("V", Shown("Sure?", 100_000, 2000)), ("V", Shown("Meet it", 300, 9)), ("V", Shown("V is here", 50_000, 500))])
    assert ordered(list(KINDS), known) == ["question", "invitation", "brand", "statement"]


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_interval_holds_the_rate(clicks: int, more: int) -> None:
    if not clicks + more:
        return
    low, high = interval(clicks, clicks + more)
    assert 0 <= low <= clicks / (clicks + more) <= high <= 1
