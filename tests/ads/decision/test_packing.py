"""What is stored of a decision comes back bit for bit, whatever shape it was packed in."""

from __future__ import annotations

from base64 import b64encode

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ads.decision.packing import packed, single, unpacked

DOUBLES = st.floats(-1e30, 1e30)
VALUES = st.lists(DOUBLES) | st.lists(st.sampled_from([0.0, -0.0, 0.1])) | st.lists(DOUBLES.map(lambda value: float(np.float32(value))))


@given(VALUES)
def test_every_bit_comes_back(values: list[float]) -> None:
    array = np.array(values, dtype=np.float64)
    assert unpacked(packed(array), len(array)).tobytes() == array.tobytes()


def test_values_of_seven_digits_take_half_the_space_and_equal_ones_next_to_none() -> None:
    chances = np.random.default_rng(1).random(900)
    assert len(packed(single(chances))) < 0.51 * len(packed(chances))
    assert len(packed(np.ones(900))) == 8


def test_what_an_earlier_release_packed_is_read() -> None:
    values = np.array([0.1, 0.2])
    assert unpacked(b64encode(values.tobytes()).decode(), 2).tolist() == [0.1, 0.2]


def test_another_number_of_values_than_was_packed_is_refused() -> None:
    with pytest.raises(ValueError, match="2 values were packed, 3 are asked for"):
        unpacked(packed(np.array([0.1, 0.2])), 3)
