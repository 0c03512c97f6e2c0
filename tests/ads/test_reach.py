"""Reach: people are counted once over days, flights, campaigns and titles, within the error that the sketch promises."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from adplatform.eventlog import consumer, ids, stream, tokens
from adplatform.eventlog.partitions import ensure_partitions
from ads import reach
from ads.models import Ad, AdEvent, ReachDay, ReachDue
from ads.reach import STANDARD_ERROR

from .inventory import NOW, make_ad, tracked

pytestmark = pytest.mark.django_db
DAY = NOW.date()
NEXT = DAY + timedelta(days=1)


def saw(ad: Ad, viewer: uuid.UUID | None, *, days: int = 0, times: int = 1, title: int = 1, session: uuid.UUID | None = None, **token: Any) -> None:
    for number in range(times):
        at = NOW + timedelta(days=days, seconds=number)
        signed = tokens.TrackingToken(
            decision=ids.new_id(at), slot=0, ad=ad.pk, flight=ad.flight_id, price_micros=1, expires=int(at.timestamp()) + 86_400,
            session=session or uuid.uuid4(), viewer=viewer, title=title, **token,
        )  # fmt: skip
        stream.append([tracked(tokens.sign(signed), "ad.impression", at=at)])
    consumer.drain(now=NOW + timedelta(days=days, minutes=1))


def people(*, first: Any = DAY, last: Any = DAY, **of: Any) -> int:
    return round(reach.reach(first, last, **of).people)


def test_whoever_saw_two_flights_on_two_days_is_one_of_the_campaigns_people() -> None:
    ad, other = make_ad(), make_ad()
    both, one = uuid.uuid4(), uuid.uuid4()
    saw(ad, both, times=3)
    saw(other, both, days=1, title=2)
    saw(ad, one, days=1)
    assert reach.take_due() > 0
    assert people(last=NEXT) == 2
    assert (people(), people(first=NEXT, last=NEXT)) == (1, 2)
    assert (people(last=NEXT, flights=[ad.flight_id]), people(last=NEXT, flights=[other.flight_id])) == (2, 1)
    assert people(last=NEXT, campaigns=[ad.flight.campaign_id, other.flight.campaign_id]) == 2
    assert people(last=NEXT, titles=[2]) == 1
    assert people(last=NEXT, campaigns=[]) == 0
    found = reach.reach(DAY, NEXT, flights=[ad.flight_id])
    assert (found.impressions, round(found.frequency or 0, 3)) == (4, 2.0)
    assert reach.reach(DAY, NEXT, campaigns=[]).frequency is None
    with pytest.raises(ValueError, match="overlap"):
        reach.reach(DAY, NEXT, campaigns=[1], titles=[1])


def test_without_consent_a_session_counts_and_the_synthetic_audience_can_be_left_out() -> None:
    ad, session = make_ad(), uuid.uuid4()
    saw(ad, None, times=2, session=session)
    saw(ad, None)
    saw(ad, None, synthetic=True)
    reach.take_due()
    assert (people(), people(synthetic=False), people(synthetic=True)) == (3, 2, 1)


def test_what_is_due_is_added_once_and_adding_it_again_changes_nothing() -> None:
    saw(make_ad(), uuid.uuid4(), times=2)
    reach.take_due()
    before = list(ReachDay.objects.order_by("pk").values_list("dimension", "people"))
    assert (reach.take_due(), ReachDue.objects.count()) == (0, 0)
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO ads_reachdue (minute) SELECT date_trunc('minute', occurred_at) FROM ads_adevent")
    reach.take_due()
    assert list(ReachDay.objects.order_by("pk").values_list("dimension", "people")) == before


def test_an_impression_found_invalid_leaves_when_its_day_is_counted_anew() -> None:
    ad = make_ad()
    saw(ad, uuid.uuid4())
    saw(ad, uuid.uuid4(), title=2)
    reach.take_due()
    AdEvent.objects.filter(title=2).update(valid=False, reason="burst")
    assert people() == 2
    reach.recount(DAY)
    assert (people(), people(titles=[2])) == (1, 0)


def test_a_taking_that_is_cut_short_leaves_what_was_due(monkeypatch: pytest.MonkeyPatch) -> None:
    saw(make_ad(), uuid.uuid4())

    def full(sketches: Any) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as broken:
        broken.setattr(reach, "_store", full)
        with pytest.raises(OSError, match="disk full"):
            reach.take_due()
    assert (ReachDue.objects.count(), ReachDay.objects.count()) == (1, 0)
    assert reach.take_due() == 1
    assert people() == 1


def test_many_people_are_told_within_the_sketchs_error_and_parts_unite_to_the_whole() -> None:
    """Two days that share half of their people: each is off by no more than three standard errors, and so is what they unite to."""
    ensure_partitions([DAY, NEXT])
    ad = make_ad()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ads_adevent (id, day, type, occurred_at, received_at, decision, slot, session, viewer, title, ad, flight, campaign,"
            " price_micros, valid, reason, data, synthetic)"
            " SELECT gen_random_uuid(), %(day)s::date + d, 'ad.impression', at, at, gen_random_uuid(), 0, gen_random_uuid(),"
            " md5('viewer ' || n + d * 10000)::uuid, 1, %(ad)s, %(flight)s, %(campaign)s, 0, true, '', '{}', false"
            " FROM generate_series(0, 19999) n, generate_series(0, 1) d,"
            " LATERAL (SELECT %(day)s::date::timestamp AT TIME ZONE 'UTC' + make_interval(days => d, secs => n) AS at) times",
            {"day": DAY, "ad": ad.pk, "flight": ad.flight_id, "campaign": ad.flight.campaign_id},
        )
    assert reach.recount(DAY) == reach.recount(NEXT) == 4
    for last, truth in ((DAY, 20_000), (NEXT, 30_000)):
        found = reach.reach(DAY, last, flights=[ad.flight_id])
        assert abs(found.people / truth - 1) < 3 * STANDARD_ERROR
        assert found.low < found.people < found.high < found.people * (1 + 3 * STANDARD_ERROR)
    assert reach.reach(DAY, NEXT).people == reach.reach(DAY, NEXT, titles=[1]).people
