"""What a break is expected to earn: from what was charged, leaning on like breaks where few were decided."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from adplatform.eventlog import consumer
from ads import breakvalue
from ads.breakvalue import ALL_HOURS, HOUSE, UNKNOWN, Cell, Sums, expected, keep_fresh, refresh, shrunk
from ads.models import BreakValue, LedgerEntry
from ads.serving import serve_break

from .inventory import NOW, make_ad, make_request, track


def sums(micros: list[float], *, seconds: float = 20.0) -> Sums:
    return Sums(len(micros), sum(micros), sum(one * one for one in micros), seconds * len(micros))


def test_a_cell_of_many_breaks_stands_for_itself_and_one_of_few_leans_on_those_like_it() -> None:
    rng = np.random.default_rng(1)
    cells: dict[Cell, Sums] = {
        (title, "mid", "tv", 20): sums(list(rng.normal(1_000 * title, 800, 400))) for title in range(1, 9)
    }  # fmt: skip
    cells[9, "mid", "tv", 20] = sums([30_000.0, 100.0])
    found = shrunk(cells)
    house = found[0, "mid", "tv", ALL_HOURS].micros
    assert found[8, "mid", "tv", 20].micros == pytest.approx(8_000, rel=0.02)
    assert house < found[9, "mid", "tv", 20].micros < 15_050
    assert found[9, "mid", "tv", 20].breaks == 2
    assert found[HOUSE].breaks == 3_202


def test_where_nothing_shows_that_cells_differ_all_are_taken_to_be_alike() -> None:
    rng = np.random.default_rng(2)
    cells: dict[Cell, Sums] = {(title, "mid", "tv", hour): sums(list(rng.exponential(5_000, 3))) for title in range(1, 5) for hour in range(24)}
    spread = [value.micros for cell, value in shrunk(cells).items() if cell[3] != ALL_HOURS]
    assert np.std(spread) < 500
    assert np.mean(spread) == pytest.approx(5_000, rel=0.1)
    assert shrunk({}) == {}


@pytest.mark.django_db(transaction=True)
def test_what_was_charged_for_breaks_is_what_the_next_one_is_expected_to_earn() -> None:
    breakvalue.forget()
    keep_fresh()
    assert refresh(now=NOW) == 0
    make_ad(duration=10.0)
    for index in range(3):
        served = serve_break(make_request(duration=10.0, max_ads=1), now=NOW)
        if index:
            track(served.ads[0].token, "ad.impression", at=NOW + timedelta(seconds=5))
    consumer.drain(now=NOW + timedelta(minutes=1))
    charged = sum(LedgerEntry.objects.values_list("amount_micros", flat=True))
    assert charged > 0
    assert refresh(now=NOW + timedelta(minutes=30)) == 0
    later = NOW + timedelta(hours=2)
    assert refresh(now=later) == 6
    assert refresh(now=later + timedelta(minutes=1)) == 6
    assert set(BreakValue.objects.values_list("refreshed_at", flat=True)) == {later}
    assert expected(1, "mid", "tv", NOW.hour) == UNKNOWN
    breakvalue.forget()
    keep_fresh()
    told = expected(1, "mid", "tv", NOW.hour)
    assert told.breaks == 3
    assert [told.micros, told.seconds] == pytest.approx([charged / 3, 10])
    assert expected(99, "pre", "mobile", 3) == told
    breakvalue.forget()
