"""What decisions add to the figures: why each ad served or did not, and why seconds stayed empty."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Sum

from adplatform.eventlog import consumer, stream
from ads.models import BreakDay, FunnelDay, FunnelHour, UnfilledDay, UnfilledHour
from ads.serving import serve_break

from .inventory import NOW, make_ad, make_request

pytestmark = pytest.mark.django_db(transaction=True)


def test_every_ad_of_every_decision_stands_in_the_funnel_with_where_it_ended() -> None:
    shown = make_ad()
    never = make_ad(targeting={"include": {"devices": ["mobile"]}})
    for hour in (0, 0, 1):
        serve_break(make_request(max_ads=1), now=NOW + timedelta(hours=hour))
    consumer.drain(now=NOW + timedelta(hours=1))
    rows = set(FunnelDay.objects.values_list("flight_id", "ad_id", "reason", "decisions"))
    assert (never.flight_id, never.pk, "device_not_targeted", 3) in rows
    assert sum(times for _, ad, _, times in rows if ad == shown.pk) == 3
    assert FunnelHour.objects.filter(ad_id=never.pk).count() == 2
    assert FunnelHour.objects.aggregate(total=Sum("decisions"))["total"] == 6


def test_empty_seconds_are_counted_with_the_reason_once() -> None:
    make_ad(duration=10.0)
    serve_break(make_request(duration=30.0), now=NOW)
    serve_break(make_request(duration=10.0), now=NOW)
    waiting: Any = stream.client().xrange(stream.STREAM)
    consumer.drain(now=NOW)
    stream.append_payloads([fields[stream.FIELD] for _, fields in waiting])
    consumer.drain(now=NOW)
    (row,) = UnfilledDay.objects.all()
    assert (row.title_id, row.device, row.breaks, row.milliseconds) == (1, "tv", 1, 20_000)
    assert row.reason not in ("", "untold")
    assert UnfilledHour.objects.get().milliseconds == BreakDay.objects.get().unfilled_milliseconds
