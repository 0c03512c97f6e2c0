"""Plots keep within their frame, whatever they are given."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from adplatform.learning.card import plots

shares = st.floats(0, 1)
bands = st.lists(st.tuples(shares, shares, shares, shares, st.integers(1, 10**6)), min_size=1, max_size=20)


def inside(plot: plots.Plot) -> bool:
    pairs = [tuple(map(float, pair.split(","))) for line in (*plot.lines, plot.reference) for pair in line.split()]
    pairs += [(mark.x, y) for mark in plot.marks for y in (mark.y, mark.low, mark.high)]
    return all(plot.left <= x <= plot.right and plot.top <= y <= plot.bottom for x, y in pairs)


@given(bands)
def test_every_band_of_a_calibration_plot_lies_in_the_frame(points: list[tuple[float, float, float, float, int]]) -> None:
    plot = plots.calibration(points)
    assert plot is not None
    assert len(plot.marks) == len(points)
    assert inside(plot)


@given(
    st.lists(st.tuples(shares, shares), min_size=2, max_size=30),
    st.sampled_from([{"diagonal": d, "full": f} for d in (True, False) for f in (True, False)]),
)
def test_every_curve_lies_in_the_frame(points: list[tuple[float, float]], looks: dict[str, bool]) -> None:
    plot = plots.curve("ROC", "", ("x", "y"), points, **looks)
    assert plot is not None
    assert inside(plot)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), max_size=30))
def test_a_loss_is_drawn_where_two_passes_are_known(values: list[float]) -> None:
    plot = plots.losses(values, "pass")
    known = [value for value in values if abs(value) < float("inf")]
    assert (plot is None) == (len(known) < 2)
    assert plot is None or inside(plot)


@given(st.floats(1e-9, 1e9))
def test_an_axis_has_a_handful_of_round_ticks(span: float) -> None:
    assert 2 <= span / plots.nice_step(span) <= plots.TICKS + 0.01


def test_labels_show_as_many_digits_as_the_steps_need() -> None:
    assert [tick.label for tick in plots.Scale(0, 0.02, 0, 100).ticks(percent=True)] == ["0.0 %", "0.5 %", "1.0 %", "1.5 %", "2.0 %"]
    assert [tick.label for tick in plots.Scale(1, 10, 0, 100).ticks()] == ["2", "4", "6", "8", "10"]


def test_nothing_is_drawn_of_nothing() -> None:
    assert plots.calibration([]) is None
    assert plots.curve("ROC", "", ("x", "y"), [], diagonal=True) is None


def test_the_words_of_a_calibration_plot_count_the_bands_that_fit() -> None:
    plot = plots.calibration([(0.01, 0.012, 0.009, 0.015, 500), (0.05, 0.02, 0.01, 0.03, 500)])
    assert plot is not None
    assert plot.words.startswith("In 1 of 2 bands")
    assert plot.marks[1].words == "predicted 5.00%, observed 2.00% (95 % 1.00% to 3.00%), 500 rows"
