"""Minutes and hours are let go of after their time; days stay, and a late event still finds its minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from adplatform.celery import app
from adplatform.eventlog import rollup_retention
from adplatform.eventlog.rebuild import registered
from adplatform.tasks import old_minutes_let_go
from ads.models import BreakDay, BreakHour, BreakMinute
from ads.rollups import BREAKS

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, 30, 20, tzinfo=UTC)


def add(*ago: timedelta) -> None:
    with connection.cursor() as wrapper:
        BREAKS.add(wrapper.cursor, ((NOW - one, (1, "drama", "tv", False), (1, 1, 2, 2, 0, 900)) for one in ago))


def test_minutes_go_after_two_days_and_hours_after_their_days(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup_retention, "ROWS_AT_ONCE", 3)
    old = [timedelta(hours=48, minutes=minutes) for minutes in range(1, 9)]
    add(timedelta(0), timedelta(hours=48), timedelta(days=400, hours=1), *old)
    assert rollup_retention.let_go([BREAKS], now=NOW) == len(old) + 1 + 1
    assert set(BreakMinute.objects.values_list("bucket", flat=True)) == {
        NOW.replace(second=0), (NOW - timedelta(hours=48)).replace(second=0),
    }  # fmt: skip
    assert BreakHour.objects.count() == 2
    assert sum(BreakDay.objects.values_list("requests", flat=True)) == len(old) + 3
    add(timedelta(hours=60))
    assert BreakMinute.objects.count() == 3
    settings.ROLLUP_MINUTE_HOURS = 1
    assert rollup_retention.let_go([BREAKS], now=NOW) == 1
    assert rollup_retention.kept_since("minute", NOW) == (NOW - timedelta(hours=48)).replace(second=0)


def test_beat_lets_go_each_hour_of_every_rooms_rollups() -> None:
    assert app.conf.beat_schedule["adplatform.let_go_of_minutes"]["task"] == old_minutes_let_go.name
    assert {recount.room for recount in registered()} == {"ads", "engagement"}
    add(timedelta(days=3))
    assert old_minutes_let_go() >= 0
