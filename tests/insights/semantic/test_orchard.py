"""Values that are missing, things as they stand, figures of single rows, people counted by sketches, and cells too small to show."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.plugin import DjangoDbBlocker

from insights.semantic.access import OPERATOR
from insights.semantic.compiler import QueryError, compile_query
from insights.semantic.query import Filter, Having, Order, Period, SemanticQuery
from insights.semantic.read import figures as read_figures

from .asking import figures
from .orchard import MODEL, VISITS, days, opened, sketch

pytestmark = pytest.mark.django_db(databases=["default", "insights"])


@pytest.fixture(scope="module", autouse=True)
def _orchard(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock(), opened():
        yield


def asked(cube: str, *measures: str, **rest: Any) -> SemanticQuery:
    return SemanticQuery(**{"intent": "breakdown", "cube": cube, "measures": measures, **rest})


def rows(cube: str, *measures: str, **rest: Any) -> list[dict[str, Any]]:
    return figures(asked(cube, *measures, **rest), model=MODEL)


def test_excluding_keeps_what_has_no_value(_orchard: None) -> None:
    without_apples = (Filter(dimension="kind", values=("apple",), op="not_in"),)
    assert rows("visits", "visits", dimensions=("kind",), filters=without_apples) == [{"kind": "pear", "visits": 14}, {"kind": None, "visits": 6}]
    not_red = (Filter(dimension="colour", values=("red",), op="not_in"),)
    assert rows("visits", "visits", filters=not_red) == [{"visits": 21}]


def test_two_of_the_same_name_stay_two_always_in_the_same_order() -> None:
    assert rows("visits", "visits", dimensions=("crate",)) == [
        {"crate": "A", "visits": 15},
        {"crate": "A", "visits": 9},
        {"crate": "B", "visits": 8},
        {"crate": None, "visits": 4},
    ]
    each_day = rows("visits", "visits", dimensions=("crate",), grain="day", period=days(7, 9))
    assert [(row["time"], row["crate"], row["visits"]) for row in each_day] == [("2026-11-09", "A", 8), ("2026-11-10", "A", 1)]


def test_days_without_rows_are_zero_and_their_rates_unknown() -> None:
    told = rows("visits", "each", grain="day", period=days(0, 4))
    assert [(row["time"], row["each"], row["visits"]) for row in told] == [
        ("2026-11-02", pytest.approx(52 / 20), 20), ("2026-11-03", None, 0), ("2026-11-04", pytest.approx(20 / 7), 7), ("2026-11-05", None, 0),
    ]  # fmt: skip
    quiet = rows("visits", "visits", grain="day", period=days(0, 9), having=(Having(measure="visits", op="lt", value=1),))
    assert [row["time"] for row in quiet] == ["2026-11-03", "2026-11-05", "2026-11-06", "2026-11-07", "2026-11-08"]
    fewest = rows("visits", "visits", grain="day", period=days(0, 9), order=Order(measure="visits", descending=False), limit=1)
    assert [row["time"] for row in fewest] == ["2026-11-03"]


def test_a_shorter_baseline_has_no_counterpart_for_the_days_it_lacks() -> None:
    told = rows("visits", "visits", intent="trend", grain="day", period=days(7, 9), baseline=days(2, 3))
    assert [(row["time"], row["visits"], row["visits_before"]) for row in told] == [("2026-11-09", 8, 7), ("2026-11-10", 1, None)]


def test_a_value_is_that_of_one_row_and_is_never_added_up() -> None:
    assert rows("stock", "kilos", "price", dimensions=("crate", "site")) == [
        {"crate": "A", "site": "hill", "kilos": 12, "price": 3.5},
        {"crate": "B", "site": "lake", "kilos": 7, "price": None},
        {"crate": "A", "site": "lake", "kilos": None, "price": 1},
    ]
    one = (Filter(dimension="crate", values=(1,)), Filter(dimension="site", values=("hill",)))
    assert rows("stock", "kilos", filters=one) == [{"kilos": 12}]
    with pytest.raises(QueryError, match="belongs to one site"):
        rows("stock", "kilos", dimensions=("crate",))
    with pytest.raises(QueryError, match="belongs to one"):
        rows("stock", "kilos", filters=(Filter(dimension="crate", values=(1, 2)), Filter(dimension="site", values=("hill",))))


@pytest.mark.parametrize("wrong", [{"period": days(0, 1)}, {"grain": "day"}, {"baseline": days(0, 1)}, {"dimensions": ("weekday",)}])
def test_how_things_stand_has_no_periods(wrong: dict[str, Any]) -> None:
    with pytest.raises(QueryError, match="how things stand"):
        rows("stock", "crates", **wrong)


def test_a_level_is_not_added_up_over_days() -> None:
    assert rows("visits", "ripe", period=days(0, 1)) == [{"ripe": 40}]
    assert rows("visits", "ripe", dimensions=("site",), period=days(0, 1)) == [{"site": "hill", "ripe": 28}, {"site": "lake", "ripe": 12}]
    with pytest.raises(QueryError, match="by day"):
        rows("visits", "ripe", period=days(0, 7))
    with pytest.raises(QueryError, match="by day"):
        rows("visits", "ripe", grain="week")


def people(*chosen: tuple[Any, ...]) -> int:
    return len({person for visit in chosen for person in visit[6]})


def test_people_are_united_over_any_rows_and_never_added_up() -> None:
    assert rows("visits", "people") == [{"people": people(*VISITS)}]
    hill, lake = ([visit for visit in VISITS if visit[1] == site] for site in ("hill", "lake"))
    assert rows("visits", "people", dimensions=("site",)) == [{"site": "hill", "people": people(*hill)}, {"site": "lake", "people": people(*lake)}]
    assert people(*hill) + people(*lake) > people(*VISITS)
    assert rows("visits", "people", period=days(30, 31)) == [{"people": None}]


def test_people_are_ordered_limited_and_held_to_thresholds_after_they_are_united() -> None:
    told = rows("visits", "people", "visits", dimensions=("kind",), order=Order(measure="people", descending=False), limit=2)
    assert [(row["kind"], row["people"]) for row in told] == [("pear", 4), (None, 6)]
    many = rows("visits", "people", dimensions=("kind",), having=(Having(measure="people", op="gte", value=7),))
    assert [row["kind"] for row in many] == ["apple"]


def test_people_of_two_periods_are_compared() -> None:
    [told] = rows("visits", "people", period=days(2, 9), baseline=days(0, 1))
    now, before = people(*VISITS[3:]), people(*VISITS[:3])
    assert told == {"people": now, "people_before": before, "people_change": now - before, "people_growth": pytest.approx((now - before) / before)}
    each = rows("visits", "people", grain="day", period=days(0, 3))
    assert [row["people"] for row in each] == [10, 0, 10]


def test_cells_with_few_people_are_left_out_and_counted_before_anything_is_cut_off() -> None:
    told = read_figures(asked("guests", "visits", dimensions=("site", "kind"), limit=1), model=MODEL, scope=OPERATOR)
    assert told.rows.values == (("hill", "apple", 15, 12),)
    assert told.rows.suppressed == 2
    alone = read_figures(
        asked("guests", "visits", period=days(0, 1), filters=(Filter(dimension="site", values=("lake",)),)), model=MODEL, scope=OPERATOR
    )
    assert (alone.rows.values, alone.rows.suppressed) == ((), 1)
    before = read_figures(asked("guests", "people", period=days(7, 9), baseline=days(0, 1), dimensions=("site",)), model=MODEL, scope=OPERATOR)
    assert before.rows.suppressed == 1 and [row[0] for row in before.rows.values] == ["hill"]


def test_shares_of_people_or_of_small_groups_are_refused_in_words() -> None:
    with pytest.raises(QueryError, match="do not add up"):
        compile_query(asked("visits", "people", intent="share", dimensions=("site",)), MODEL)
    with pytest.raises(QueryError, match="small groups"):
        compile_query(asked("guests", "visits", intent="share", dimensions=("site",)), MODEL)


def test_a_sketch_of_nobody_is_of_nobody() -> None:
    from insights.semantic.compiler.finishing import united

    assert united([sketch(range(0)), sketch(range(3)), sketch(range(2, 5))]) == 5
    assert united([]) is None and united([sketch(range(0))]) == 0


def test_an_open_period_is_everything() -> None:
    assert rows("visits", "visits", period=Period()) == [{"visits": 36}]
