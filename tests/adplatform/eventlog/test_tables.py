"""What is written to a table comes back as it was, and folding adds up."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, models
from hypothesis import given
from hypothesis import strategies as st

from adplatform.eventlog import ids
from adplatform.eventlog.partitions import ensure_partitions
from adplatform.eventlog.tables import copy_line, insert_once
from engagement.models import PlaybackEvent
from tests.adplatform.eventlog.handler import COLUMNS, PLAYBACK

NOW = datetime(2026, 4, 5, 6, 7, 8, 9, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXT, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=8
)


def row(reason: str = "", data: Any = None, **changes: Any) -> tuple[Any, ...]:
    event_id = changes.get("id") or ids.new_id(NOW)
    return (event_id, ids.day_of(event_id), "playback.pause", NOW, NOW, uuid.UUID(int=1), 2, None, 3, 4, True, reason, data or {}, False)


@pytest.mark.django_db
@given(reason=TEXT, data=st.dictionaries(TEXT, JSON))
def test_text_and_json_come_back_as_they_were(reason: str, data: dict[str, Any]) -> None:
    ensure_partitions([NOW.date()])
    with connection.cursor() as cursor:
        (event_id,) = insert_once(cursor.cursor, "engagement_playbackevent", COLUMNS, [row(reason, data)])
    stored = PlaybackEvent.objects.get(pk=event_id)
    assert (stored.reason, stored.data, stored.occurred_at, stored.viewer, stored.session) == (reason, data, NOW, None, uuid.UUID(int=1))


@pytest.mark.django_db
def test_a_second_batch_in_the_same_transaction_returns_only_what_is_new() -> None:
    ensure_partitions([NOW.date()])
    first, second = row(), row()
    with connection.cursor() as cursor:
        assert insert_once(cursor.cursor, "engagement_playbackevent", COLUMNS, [first, first]) == {first[0]}
        assert insert_once(cursor.cursor, "engagement_playbackevent", COLUMNS, [first, second]) == {second[0]}


def test_members_of_choices_are_written_as_their_value_and_strangers_are_refused() -> None:
    class Kind(models.TextChoices):
        FIRST = "first"

    assert copy_line([Kind.FIRST, 1.5, None, (1, 2)]) == "first\t1.5\t\\N\t[1,2]\n"
    with pytest.raises(TypeError, match="cannot write a set"):
        copy_line([{1}])


FACT = st.tuples(
    st.timedeltas(timedelta(0), timedelta(days=2)).map(lambda after: NOW + after), st.integers(1, 3), st.integers(0, 5), st.integers(0, 10**9)
)


@pytest.mark.django_db
@given(st.lists(FACT, max_size=40), st.integers(0, 40))
def test_every_grain_holds_the_same_sums_however_the_facts_are_split_into_batches(facts: list[tuple[datetime, int, int, int]], cut: int) -> None:
    rows = [(moment, (title, 0, "", "", False), [number] + [0] * 7 + [size] + [0] * 5) for moment, title, number, size in facts]
    with connection.cursor() as cursor:
        for table in PLAYBACK.tables().values():
            cursor.execute(f"DELETE FROM {table}")
        PLAYBACK.add(cursor.cursor, rows[:cut])
        PLAYBACK.add(cursor.cursor, rows[cut:])
        for table in PLAYBACK.tables().values():
            cursor.execute(f"SELECT coalesce(sum(sessions), 0), coalesce(sum(watch_milliseconds), 0) FROM {table}")
            assert cursor.fetchone() == (sum(fact[2] for fact in facts), sum(fact[3] for fact in facts))
