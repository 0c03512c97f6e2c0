"""Written history goes through the same plan, ad server, log and ledger as live traffic, on its own clock, and is marked."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.db.models import Sum

from adplatform.eventlog import consumer, stream
from ads import reservation
from ads.models import Ad, AdEvent, Decision, DeliveryDay, FlightBalance, LedgerEntry
from engagement.models import PlaybackSession, Viewer
from engagement.simulation.audience import DEFAULT, load
from engagement.simulation.history import Report, write_history
from engagement.simulation.truth import CLICK, probabilities
from engagement.simulation.world import NothingToWatch
from tests.ads.inventory import NOW


def write(folder: Path, *, sessions: int = 30, seed: int = 1) -> Report:
    return write_history(
        audience=load(DEFAULT), days=3, sessions=sessions, seed=seed, until=NOW, truth_folder=folder, progress=lambda done, total: None
    )


@pytest.mark.usefixtures("stocked")
def test_history_is_stored_marked_and_charged_like_live_traffic(tmp_path: Path) -> None:
    report = write(tmp_path)
    assert report.sessions == PlaybackSession.objects.filter(synthetic=True).count() == 30
    assert Viewer.objects.exclude(synthetic=True).count() == 0
    shown = AdEvent.objects.filter(type="ad.impression")
    assert shown.count() == report.ads > 10
    assert not shown.exclude(synthetic=True, valid=True).exists()
    assert shown.filter(occurred_at__gte=NOW - timedelta(days=3, minutes=15), occurred_at__lt=NOW).count() == report.ads
    charged = LedgerEntry.objects.aggregate(total=Sum("amount_micros"))["total"]
    assert charged == FlightBalance.objects.aggregate(total=Sum("booked_micros"))["total"] > 0
    assert DeliveryDay.objects.filter(synthetic=True).aggregate(total=Sum("impressions"))["total"] == report.ads
    assert consumer.drain() == 0, "nothing is left in the log"
    assert not stream.client().exists(reservation.READY), "the next decision counts anew, on the real clock"


@pytest.mark.usefixtures("stocked")
def test_the_truth_of_each_shown_ad_is_kept_outside_the_database(tmp_path: Path) -> None:
    report = write(tmp_path)
    wanted = [(event.decision, event.slot) for event in AdEvent.objects.filter(type="ad.impression")]
    known = probabilities(tmp_path, CLICK, wanted)
    assert len(known) == report.ads
    assert all(0 < probability < 1 for probability in known.values())
    stored = Decision.objects.values_list("request", "state", "slots", "explanation")
    assert not any("truth" in str(row) for row in stored)


@pytest.mark.usefixtures("stocked")
def test_the_same_seed_brings_the_same_people_to_the_same_films(tmp_path: Path) -> None:
    first = write(tmp_path, seed=3)
    opened = list(PlaybackSession.objects.order_by("started_at").values_list("viewer", "title", "started_at"))
    second = write(tmp_path, seed=3)
    again = list(PlaybackSession.objects.order_by("started_at", "pk").values_list("viewer", "title", "started_at"))
    assert sorted([*opened, *opened], key=str) == sorted(again, key=str)
    assert first.sessions == second.sessions


def test_without_media_there_is_nothing_to_watch_and_the_message_says_so(transactional_db: None, tmp_path: Path) -> None:
    with pytest.raises(NothingToWatch, match="build_media"):
        write(tmp_path)
    assert not Ad.objects.exists()
