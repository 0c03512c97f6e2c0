"""Macros in the addresses that viewers are sent to."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from adplatform.eventlog import macros

NOW = datetime(2026, 6, 1, 20, 0, tzinfo=UTC)
VALUES = {"TIMESTAMP": macros.moment(NOW), "CACHEBUSTING": "00000042"}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://b.example/?c=[CACHEBUSTING]", "https://b.example/?c=00000042"),
        ("https://b.example/?t=[TIMESTAMP]", "https://b.example/?t=2026-06-01T20%3A00%3A00.000%2B00%3A00"),
        ("https://b.example/?c=%5BCACHEBUSTING%5D", "https://b.example/?c=00000042"),
        ("https://b.example/?u=[DEVICEUA]", "https://b.example/?u=-1"),
        ("https://b.example/?own=[OURCAMPAIGN]&x=[1]", "https://b.example/?own=[OURCAMPAIGN]&x=[1]"),
    ],
)
def test_what_is_known_is_filled_in_and_what_is_not_ours_stays(address: str, expected: str) -> None:
    assert macros.expand(address, VALUES) == expected


def test_cachebusting_has_eight_digits() -> None:
    assert {len(macros.number(Random(seed))) for seed in range(50)} == {8}
