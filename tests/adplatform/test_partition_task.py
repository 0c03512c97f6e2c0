"""Partitions are there before their day begins."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from django.core.management import call_command
from django.db import connection

from adplatform.celery import app
from adplatform.eventlog.partitions import days_around, partition_name, partitioned_models
from adplatform.tasks import partitions_made_ahead


def forget_partitions(days: list[date]) -> None:
    """Another test may have needed some of them; they are gone within this test's transaction only."""
    with connection.cursor() as cursor:
        for model in partitioned_models():
            for day in days:
                cursor.execute(f"DROP TABLE IF EXISTS {partition_name(model._meta.db_table, day)}")


@pytest.mark.django_db
def test_the_task_makes_a_week_ahead_once_and_beat_sends_it(capsys: pytest.CaptureFixture[str]) -> None:
    forget_partitions(days_around(datetime.now(UTC).date(), ahead=8))
    created = partitions_made_ahead()
    assert created == 9 * len(partitioned_models())
    assert partitions_made_ahead() == 0
    call_command("ensure_partitions", "--back", "0", "--ahead", "8")
    assert f"{len(partitioned_models())} partitions created" in capsys.readouterr().out
    assert app.conf.beat_schedule["adplatform.ensure_partitions"]["task"] == partitions_made_ahead.name
