"""Terms of a linear model are believed as far as the rows call for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from adplatform.learning import ftrl, strengths
from adplatform.learning.hashed import sigmoid

# Three terms of twenty values: the first truly differs, the second says nothing, the third is one value that all rows share.
VALUES, ROWS = 20, 6000
NOWHERE = 2 * VALUES + 1


def rows(seed: int = 1, spread: float = 0.8) -> tuple[strengths.Ints, strengths.Floats, strengths.Floats, strengths.Floats]:
    """(places, a number that matters, labels, true log-odds of each value of the first term)."""
    rng = np.random.default_rng(seed)
    true, number = rng.normal(0, spread, VALUES), rng.normal(size=(ROWS, 1))
    first = rng.integers(0, VALUES, ROWS)
    places = np.stack([first, VALUES + rng.integers(0, VALUES, ROWS), np.full(ROWS, 2 * VALUES)], axis=1)
    labels = (rng.random(ROWS) < sigmoid(-2 + true[first] + 0.5 * number[:, 0])).astype(np.float64)
    return places, number, labels, true


def settled(seed: int = 1, spread: float = 0.8) -> strengths.Settled:
    places, number, labels, _ = rows(seed, spread)
    return strengths.settle(places, number, labels, nowhere=NOWHERE, start=-2.0)


def test_a_term_whose_values_differ_is_let_go_and_one_that_says_nothing_is_pulled_to_zero() -> None:
    found = settled()
    _, _, _, true = rows()
    assert 1 / found.strength[0] == pytest.approx(true.var(), rel=0.5)
    assert found.strength[1] > 20 * found.strength[0]
    assert np.abs(found.weights[VALUES : 2 * VALUES]).max() < 0.15
    learned = found.weights[:VALUES] + found.weights[2 * VALUES] + found.bias
    assert np.corrcoef(learned, true)[0, 1] > 0.9
    assert learned.mean() == pytest.approx(true.mean() - 2, abs=0.15)
    assert found.dense[0] == pytest.approx(0.5, abs=0.1)
    assert found.weights[NOWHERE] == 0.0


def test_the_same_rows_settle_at_the_same_weights() -> None:
    one, other = settled(), settled()
    assert np.array_equal(one.weights, other.weights)
    assert (one.bias, one.strength.tolist()) == (other.bias, other.strength.tolist())


def test_a_value_met_rarely_moves_less_than_its_own_rows_would_have_it() -> None:
    places, number, labels, _ = rows()
    rare = 2 * VALUES + 1
    places[:3, 0], labels[:3] = rare, 1.0
    found = strengths.settle(places, number, labels, nowhere=rare + 1, start=-2.0)
    assert 0 < found.weights[rare] < 3


def test_learning_goes_on_from_where_the_weights_were_settled() -> None:
    places, number, labels, _ = rows()
    settings = ftrl.Settings(epochs=3)
    first = ftrl.learn(places, number, labels, replace(settings, epochs=1), nowhere=NOWHERE)
    found = settled()
    pull = found.strength[strengths.term_of(places, NOWHERE + 1)] * settings.epochs
    state = first.state.at(found.weights, found.dense, found.bias, pull, settings)
    foretold = ftrl.go_on(state, places, number, labels, np.full(ROWS, np.inf), np.arange(ROWS, dtype=np.float64), settings).foretold
    np.testing.assert_allclose(foretold, sigmoid(found.weights[places].sum(axis=1) + number @ found.dense + found.bias), atol=1e-9)
