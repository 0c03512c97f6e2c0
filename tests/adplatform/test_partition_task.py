"""Partitions are there before their day begins."""

from __future__ import annotations

import pytest
from django.core.management import call_command

from adplatform.celery import app
from adplatform.eventlog.partitions import partitioned_models
from adplatform.tasks import partitions_made_ahead


@pytest.mark.django_db
def test_the_task_makes_a_week_ahead_once_and_beat_sends_it(capsys: pytest.CaptureFixture[str]) -> None:
    created = partitions_made_ahead()
    assert created == 9 * len(partitioned_models())
    assert partitions_made_ahead() == 0
    call_command("ensure_partitions", "--back", "0", "--ahead", "8")
    assert f"{len(partitioned_models())} partitions created" in capsys.readouterr().out
    assert app.conf.beat_schedule["adplatform.ensure_partitions"]["task"] == partitions_made_ahead.name
