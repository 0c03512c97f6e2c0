"""Sessions of days that left the database teach the engagement model as before."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adplatform.eventlog import days
from adplatform.eventlog.archive import archive_day, drop_partition
from adplatform.learning.training import NotEnoughData
from adplatform.models import ArchivedDay
from engagement.director import archived, dataset
from engagement.models import PlaybackEvent

from .test_training import NOW, write_sessions


@pytest.mark.django_db
def test_archived_days_and_live_ones_give_the_same_rows(settings: Any, tmp_path: Path) -> None:
    settings.ARCHIVE_DIR = tmp_path
    write_sessions(80)
    before = dataset.load(NOW)
    first = (NOW - timedelta(days=4)).date()
    for table in (archived.PLAYBACK, archived.ADS):
        archive_day(table, first, now=NOW)
        assert drop_partition(table, first, now=NOW)
    assert PlaybackEvent.objects.count() > 0
    assert not PlaybackEvent.objects.filter(day=first).exists()
    after = dataset.load(NOW)
    assert len(after) > 50
    for name in ("features", "labels", "at", "session", "synthetic"):
        assert getattr(after, name).tobytes() == getattr(before, name).tobytes()
    days.check_file(ArchivedDay.objects.get(table=archived.PLAYBACK)).unlink()
    with pytest.raises(NotEnoughData, match=f"a day to learn from is missing: The archive of engagement_playbackevent of {first} .* is gone"):
        dataset.load(NOW)
