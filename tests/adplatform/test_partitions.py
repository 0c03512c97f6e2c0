"""Day partitions are made once and found again."""

from datetime import date

import pytest
from django.db import IntegrityError, connection

from adplatform.eventlog.partitions import days_around, ensure_partitions, partitioned_models

pytestmark = pytest.mark.django_db


def test_every_partitioned_table_gets_one_partition_for_each_day_and_no_second_one() -> None:
    days = days_around(date(2026, 3, 1), back=0, ahead=1)
    assert ensure_partitions(days) == 2 * len(partitioned_models())
    assert ensure_partitions(days) == 0


def test_an_event_id_is_unique_within_its_day() -> None:
    ensure_partitions([date(2026, 3, 1)])
    insert = """INSERT INTO engagement_playbackevent (id, day, type, occurred_at, received_at, session, seq, plan_version, valid, reason, data, synthetic)
                VALUES ('018f0000-0000-7000-8000-000000000000', '2026-03-01', 'playback.play', now(), now(), gen_random_uuid(), 1, 0, true, '', '{}', false)"""
    with connection.cursor() as cursor:
        cursor.execute(insert)
        with pytest.raises(IntegrityError):
            cursor.execute(insert)
