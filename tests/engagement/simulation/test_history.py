"""Written history goes through the same plan, ad server, log and ledger as live traffic, on its own clock, and is marked."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.db import connection
from django.db.models import Count, Sum

from adplatform.eventlog import consumer, ids, stream
from ads import reservation
from ads.models import Ad, AdEvent, Decision, DeliveryDay, Flight, FlightBalance, LedgerEntry
from catalog import story
from engagement.models import DirectorDecision, PlaybackEvent, PlaybackSession, Viewer
from engagement.playback.plan import from_json
from engagement.simulation.audience import DEFAULT, load
from engagement.simulation.history import Report, still_to_write, write_history
from engagement.simulation.truth import CLICK, ENGAGEMENT, LEAVE, moment, probabilities
from engagement.simulation.world import NothingToWatch
from tests.ads.inventory import NOW

HONEST = msgspec.structs.replace(load(DEFAULT), invalid_traffic=None)


def write(folder: Path, *, sessions: int = 30, days: int = 3, seed: int = 1) -> Report:
    return write_history(audience=HONEST, days=days, sessions=sessions, seed=seed, until=NOW, truth_folder=folder, progress=lambda done, total: None)


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
    begun = PlaybackEvent.objects.filter(type="playback.scene_start").values("session").annotate(scenes=Count("id")).values_list("session", "scenes")
    places = [(session, moment(place)) for session, scenes in begun for place in range(1, scenes + 1)]
    for kind in (LEAVE, ENGAGEMENT):
        of_scenes = probabilities(tmp_path, kind, places)
        assert len(of_scenes) > 0.95 * len(places), "only who goes over to another title does not watch what begins"
        assert all(0 < probability < 1 for probability in of_scenes.values())
    stored = Decision.objects.values_list("request", "state", "slots", "explanation")
    assert not any("truth" in str(row) for row in stored)


def forget_history() -> None:
    """As if none had been written: what it stored, and what Redis counted of it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "TRUNCATE engagement_playbacksession, engagement_playbackevent, engagement_directordecision, engagement_viewer, ads_decision CASCADE"
        )
    stream.client().flushdb()


@pytest.mark.usefixtures("transactional_db", "films")
def test_the_same_seed_writes_the_same_history(tmp_path: Path) -> None:
    """Without ads: which ones are shown hangs on what an ad server has learned and sold until then."""
    told = []
    for _ in range(2):
        report = write(tmp_path, sessions=25, seed=3)
        sessions = PlaybackSession.objects.order_by("started_at", "pk").values_list("pk", "viewer", "title", "started_at", "progress", "came_from")
        events = PlaybackEvent.objects.order_by("session", "seq").values_list("session", "seq", "type", "scene", "occurred_at", "data")
        told.append((report, list(sessions), list(events)))
        forget_history()
    assert told[0] == told[1]


@pytest.mark.usefixtures("transactional_db", "films")
def test_the_director_of_history_explores_at_its_share_inside_the_story_with_its_propensities_logged(settings: Any, tmp_path: Path) -> None:
    settings.DIRECTOR_EXPLORATION = 0.10
    report = write(tmp_path, sessions=120, days=1)
    decisions = list(DirectorDecision.objects.all())
    assert len(decisions) > report.sessions, "at each boundary, whatever is done there"
    explored = [one for one in decisions if one.explored]
    assert 0.03 < len(explored) / len(decisions) < 0.18
    asked = dict(PlaybackEvent.objects.filter(type="playback.as_edited").values_list("session", "occurred_at"))
    for one in decisions:
        as_edited = one.session in asked and asked[one.session] <= one.decided_at
        allowed = [option for option in one.alternatives if option["allowed"]]
        free = 1 if as_edited else len(allowed)
        taken = next(option for option in allowed if option["taken"])
        assert one.action == taken["action"] and one.intended == "keep"
        assert one.propensity == pytest.approx(0.1 / free + 0.9 * (one.action == "keep") if free > 1 else 1.0)
        assert one.action == "keep" or not as_edited
        assert one.applied == (one.action != "keep") and one.synthetic
        assert one.model_version is None and one.policy_version is None, "nobody's model had seen those days"
    changed = 0
    for session in PlaybackSession.objects.all():
        plan = from_json(session.plan)
        assert story.is_legal_order(plan.story_scenes(), [*plan.played, *plan.remaining])
        assert plan.changes <= plan.change_budget
        changed += plan.changes
    assert changed == sum(one.applied and one.action != "suggest" for one in decisions) > 0


DAY = 86_400.0


def broken_rules() -> list[tuple[str, uuid.UUID]]:
    """Each rule that a valid impression broke, with the decision it was of: one serving of a flight a playback, two of it a day to a
    viewer, and no two of one advertiser or category in a playback. Time is when it was decided."""
    ads = {ad.pk: (ad.flight.campaign.advertiser_id, ad.category) for ad in Ad.objects.select_related("flight__campaign")}
    found: list[tuple[str, uuid.UUID]] = []
    shown = AdEvent.objects.filter(type="ad.impression", valid=True)
    served = sorted(shown, key=lambda event: (ids.time_of(event.decision), event.slot))
    for place, event in enumerate(served):
        before = served[:place]
        since = ids.time_of(event.decision).timestamp() - DAY
        here = [other for other in before if other.session == event.session]
        today = [other for other in before if other.flight == event.flight and ids.time_of(other.decision).timestamp() > since]
        if any(other.flight == event.flight for other in here):
            found.append(("flight in a playback", event.decision))
        if event.viewer and sum(other.viewer == event.viewer for other in today) >= 2:
            found.append(("flight in a day", event.decision))
        if any(mine == theirs for other in here for mine, theirs in zip(ads[event.ad], ads[other.ad], strict=True)):
            found.append(("alone in a playback", event.decision))
    return found


def test_what_was_shown_counts_for_caps_and_exclusivity_before_it_is_stored(stocked: list[Ad], tmp_path: Path) -> None:
    caps = [{"scope": "flight", "count": 1, "per": "stream", "times": 1}, {"scope": "flight", "count": 2, "per": "day", "times": 1}]
    Flight.objects.update(frequency_caps=caps, exclusivity="stream")
    write(tmp_path, sessions=120, days=1)
    assert AdEvent.objects.filter(type="ad.impression", valid=True).count() > 50
    assert broken_rules() == []


@pytest.mark.usefixtures("stocked")
def test_history_that_was_interrupted_goes_on_where_it_ends(tmp_path: Path) -> None:
    first = NOW - timedelta(days=1)
    assert still_to_write(days=2, sessions=20, until=first) == (2, 20)
    write_history(audience=load(DEFAULT), days=2, sessions=20, seed=1, until=first, truth_folder=tmp_path, progress=lambda done, total: None)
    last = PlaybackSession.objects.latest("started_at").started_at
    days, sessions = still_to_write(days=3, sessions=30, until=NOW)
    assert days == pytest.approx((NOW - timedelta(minutes=30) - last) / timedelta(days=1))
    assert sessions == round(10 * days)
    report = write_history(
        audience=load(DEFAULT),
        days=days,
        sessions=sessions,
        seed=1,
        until=NOW,
        truth_folder=tmp_path,
        progress=lambda done, total: None,
        goes_on=True,
    )
    assert report.first is not None and report.first >= last
    assert Viewer.objects.count() == load(DEFAULT).people, "the same people go on"
    ended = PlaybackSession.objects.latest("started_at").started_at
    assert still_to_write(days=3, sessions=30, until=ended + timedelta(minutes=40)) == (0, 0)


def test_without_media_there_is_nothing_to_watch_and_the_message_says_so(transactional_db: None, tmp_path: Path) -> None:
    with pytest.raises(NothingToWatch, match="build_media"):
        write(tmp_path)
    assert not Ad.objects.exists()
