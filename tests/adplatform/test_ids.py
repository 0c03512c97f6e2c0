"""Event ids carry their own time, and a derived id is always the same."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from adplatform.eventlog import ids

MOMENTS = st.floats(946_684_800, 7_258_118_400).map(lambda seconds: datetime.fromtimestamp(seconds, tz=UTC))


@given(MOMENTS)
def test_an_id_gives_back_the_millisecond_it_was_made_at(moment: datetime) -> None:
    assert abs((ids.time_of(ids.new_id(moment)) - moment).total_seconds()) <= 0.0005


@given(MOMENTS, st.integers(0, 20), st.text(max_size=20))
def test_a_derived_id_repeats_and_keeps_the_time_of_its_parent(moment: datetime, slot: int, event: str) -> None:
    parent = ids.new_id(moment)
    child = ids.derived_id(parent, slot, event)
    assert child == ids.derived_id(parent, slot, event)
    assert child.version == 7
    assert ids.time_of(child) == ids.time_of(parent)
    assert child != ids.derived_id(parent, slot + 1, event)
