"""One declaration builds every row: encoded, clipped, withheld, and read back as it was logged."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adplatform.learning.schema import Feature, FeatureSchema, SchemaMismatch

SCHEMA = FeatureSchema(
    "t",
    1,
    (
        Feature("hour", "t", high=23),
        Feature("device", "t", categories=("tv", "mobile")),
        Feature("age", "t", privacy="consent", categories=("18-24", "25-34")),
        Feature("rate", "t", privacy="consent"),
    ),
)


def test_values_are_encoded_clipped_and_unknown_ones_marked() -> None:
    assert SCHEMA.row({"hour": 99, "device": "mobile", "age": "80+", "rate": -1}, consent=True).tolist() == [23, 1, -1, 0]


def test_what_is_missing_or_withheld_is_nan() -> None:
    row = SCHEMA.row({"device": "tv", "age": "18-24", "rate": 0.5}, consent=False)
    assert [math.isnan(value) for value in row] == [True, False, True, True]


def test_a_column_nobody_declared_is_refused() -> None:
    with pytest.raises(KeyError, match="weather"):
        SCHEMA.row({"weather": 1}, consent=True)


@given(st.lists(st.tuples(st.floats(-50, 50), st.sampled_from(["tv", "mobile", "fridge"]), st.floats(-2, 2)), min_size=1, max_size=8))
def test_rows_built_together_equal_rows_built_one_by_one(values: list[tuple[float, str, float]]) -> None:
    hours, devices, rates = (list(column) for column in zip(*values, strict=True))
    together = SCHEMA.matrix({"hour": np.array(hours), "device": devices, "rate": np.array(rates)}, len(values), consent=True)
    apart = [SCHEMA.row({"hour": hour, "device": device, "rate": rate}, consent=True) for hour, device, rate in values]
    assert np.array_equal(together, np.array(apart), equal_nan=True)
    assert SCHEMA.problems(together[:, [0, 1, 2, 3]]) == [] or np.isnan(together[:, 2]).all()


@given(st.lists(st.floats(width=32, allow_infinity=False), min_size=4, max_size=4))
def test_a_logged_row_is_read_back_bit_for_bit(values: list[float]) -> None:
    row = np.array(values, dtype=np.float32)
    assert np.array_equal(np.array(SCHEMA.unpack(SCHEMA.pack(row)), dtype=np.float32), row, equal_nan=True)


def test_a_changed_declaration_has_another_fingerprint_and_reads_no_older_rows() -> None:
    changed = FeatureSchema("t", 1, (*SCHEMA.features[:3], Feature("rate", "t", privacy="consent", high=2)))
    assert changed.fingerprint() != SCHEMA.fingerprint()
    with pytest.raises(SchemaMismatch, match="t v1"):
        changed.unpack(SCHEMA.pack(np.zeros(4, dtype=np.float32)))
