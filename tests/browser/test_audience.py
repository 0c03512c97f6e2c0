"""The real-time synthetic audience watches the real site over HTTP and sockets, and everything it does is marked."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from adplatform import runtime
from ads.models import AdEvent, LedgerEntry
from engagement.models import PlaybackEvent, PlaybackSession
from engagement.simulation.audience import DEFAULT
from tests.browser.conftest import _environment
from tests.browser.parts import Site, eventually

pytestmark = pytest.mark.django_db(transaction=True)


def watch(site: Site, audience: Path, *, share: float) -> None:
    """A few viewers for a while, of whom a share is invalid traffic."""
    audience.write_text(re.sub(r"(invalid_traffic:\n  share:) .*", rf"\1 {share}", DEFAULT.read_text()))
    command = [sys.executable, "manage.py", "simulate", "--realtime", "--viewers", "3", "--seconds", "24", "--seed", "4", "--base-url", site.url]
    command += ["--audience", str(audience)]
    done = subprocess.run(command, cwd=runtime.ROOT, env=_environment(), capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "synthetic_viewer_lost" not in done.stderr, done.stderr[-3000:]


def test_synthetic_viewers_watch_in_real_time_and_leave_marked_valid_and_charged_traces(site: Site, tmp_path: Path) -> None:
    watch(site, tmp_path / "honest.yaml", share=0.0)
    sessions = PlaybackSession.objects.filter(synthetic=True)
    assert sessions.count() >= 3
    names = list(sessions.values_list("pk", flat=True))
    eventually(lambda: PlaybackEvent.objects.filter(session__in=names, type="playback.scene_end", valid=True, synthetic=True).exists(), expected=True)
    assert not PlaybackEvent.objects.filter(session__in=names, synthetic=False).exists()
    shown = AdEvent.objects.filter(session__in=names, type="ad.impression")
    eventually(shown.exists, expected=True)
    eventually(lambda: LedgerEntry.objects.filter(decision__in=shown.values("decision"), synthetic=True).count() == shown.count(), expected=True)
    assert not shown.exclude(valid=True, synthetic=True).exists()


def test_invalid_traffic_in_real_time_is_stored_as_invalid_with_its_reason(site: Site, tmp_path: Path) -> None:
    watch(site, tmp_path / "dishonest.yaml", share=1.0)
    refused = AdEvent.objects.filter(valid=False, synthetic=True)
    eventually(refused.exists, expected=True)
    assert not refused.filter(reason="").exists()
