"""A change taken apart: the parts add up exactly, and what stands out is found."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from insights.chat.why.parts import Sides, Split, contributions, ranked, split, surprise

counts = st.integers(0, 10**6)


def sides(*rows: tuple[str, float, float], base: tuple[tuple[float, float], ...] | None = None) -> Sides:
    names, before, now = zip(*rows, strict=True)
    below = None if base is None else tuple(np.array(side, dtype=float) for side in zip(*base, strict=True))
    return Sides(names, np.array(before, dtype=float), np.array(now, dtype=float), *(below or (None, None)))


@given(st.lists(st.tuples(counts, counts), min_size=1, max_size=30))
def test_the_parts_of_a_sum_add_up_to_its_change(rows: list[tuple[int, int]]) -> None:
    made = sides(*((str(number), *row) for number, row in enumerate(rows)))
    each, rate, mix = contributions(made)
    assert each.sum() == pytest.approx(made.now.sum() - made.before.sum())
    assert rate is None
    assert mix is None


@given(
    st.lists(st.tuples(counts, counts, counts, counts), min_size=1, max_size=30).filter(
        lambda rows: any(r[2] for r in rows) and any(r[3] for r in rows)
    )
)
def test_rate_and_mix_of_a_ratio_add_up_to_its_change_exactly(rows: list[tuple[int, int, int, int]]) -> None:
    made = sides(*((str(number), row[0], row[1]) for number, row in enumerate(rows)), base=tuple((row[2], row[3]) for row in rows))
    assert made.base_before is not None
    assert made.base_now is not None
    each, rate, mix = contributions(made, factor=1000)
    change = 1000 * (made.now.sum() / made.base_now.sum() - made.before.sum() / made.base_before.sum())
    size = 1000 * (made.now.sum() / made.base_now.sum() + made.before.sum() / made.base_before.sum())
    assert each.sum() == pytest.approx(change, abs=1e-6 * (1 + size))
    assert rate is not None
    assert mix is not None
    assert np.allclose(rate + mix, each)


def test_rates_that_stand_still_leave_the_whole_change_to_the_mix() -> None:
    # TV clicks at 2 %, mobile at 10 %, on both sides; only there is less mobile now.
    made = sides(("tv", 20, 40), ("mobile", 100, 50), base=((1000, 2000), (1000, 500)))
    each, rate, mix = contributions(made)
    assert rate is not None
    assert mix is not None
    assert rate.sum() == pytest.approx(0)
    assert mix.sum() == pytest.approx(90 / 2500 - 120 / 2000)
    assert each.sum() == pytest.approx(mix.sum())


def test_an_element_that_is_new_is_mix_and_not_a_rate_of_its_own() -> None:
    _, rate, mix = contributions(sides(("old", 10, 10), ("new", 0, 90), base=((100, 100), (0, 100))))
    assert rate is not None
    assert mix is not None
    assert rate == pytest.approx([0, 0])
    assert mix.sum() == pytest.approx(0.5 - 0.1)


def test_a_ratio_with_nothing_below_the_line_on_one_side_is_refused() -> None:
    with pytest.raises(ValueError, match="below the line"):
        contributions(sides(("a", 1, 1), base=((1, 0),)))


@given(st.lists(st.tuples(counts, counts), min_size=1, max_size=30))
def test_surprise_is_never_negative_and_nothing_where_the_shares_stand_still(rows: list[tuple[int, int]]) -> None:
    before = np.array([row[0] for row in rows], dtype=float)
    now = np.array([row[1] for row in rows], dtype=float)
    assert surprise(before, now).sum() >= -1e-12
    assert surprise(before, 3 * before) == pytest.approx(np.zeros(len(rows)), abs=1e-12)


def test_the_element_that_fell_is_found_and_the_one_that_rose_stands_against_it() -> None:
    found = split("device", sides(("tv", 1000, 400), ("mobile", 500, 620), ("tablet", 200, 200)))
    assert found is not None
    assert [part.name for part in found.parts] == ["tv"]
    assert found.parts[0].contribution == -600
    assert found.parts[0].explains == pytest.approx(600 / 480)
    assert [part.name for part in found.against] == ["mobile"]
    assert not found.alike


def test_a_fall_in_proportion_is_told_as_alike() -> None:
    found = split("device", sides(("tv", 1000, 800), ("mobile", 500, 400), ("tablet", 200, 160)))
    assert found is not None
    assert found.alike


def test_no_change_has_no_parts_and_many_small_ones_explain_nothing() -> None:
    assert split("device", sides(("tv", 10, 10))) is None
    assert split("title", sides(*((str(number), 100, 95) for number in range(40)))) is None


def test_one_element_that_everything_came_from_comes_before_many_that_each_did_a_little() -> None:
    one = split("device", sides(("tv", 1000, 1000), ("mobile", 1000, 400)))
    many = split("campaign", sides(*((str(number), 10, 0) for number in range(4)), *((f"big {number}", 490, 350) for number in range(4))))
    assert one is not None
    assert many is not None
    assert [found.dimension for found in ranked([many, one])] == ["device", "campaign"]


def test_the_dimension_in_which_something_stands_out_comes_first() -> None:
    flat = split("genre", sides(("drama", 900, 540), ("crime", 600, 360)))
    sharp = split("device", sides(("tv", 1000, 400), ("mobile", 500, 500)))
    assert flat is not None
    assert sharp is not None
    order: list[Split] = ranked([flat, sharp])
    assert [one.dimension for one in order] == ["device", "genre"]
