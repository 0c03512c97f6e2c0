"""What a flight is warned of before it starts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ads.models import Flight, FlightForecast
from ads.outlook import warnings_of

from .inventory import NOW, make_ad

pytestmark = pytest.mark.django_db


def test_a_draft_is_forecast_when_somebody_asks_and_a_live_flight_is_told_what_is_stored() -> None:
    ends = datetime.now(UTC) + timedelta(days=5)
    draft, live = make_ad(state=Flight.State.DRAFT, ends_at=ends, goal_amount=1000).flight, make_ad(ends_at=ends, goal_amount=1000).flight
    assert warnings_of(draft) == ["No requests are logged yet: its delivery cannot be forecast."]
    FlightForecast.objects.create(flight=live, computed_at=NOW, warning="It will end short.")
    live.refresh_from_db()
    assert warnings_of(live) == ["It will end short."]


def test_a_flight_that_is_over_is_warned_of_nothing() -> None:
    assert warnings_of(make_ad(state=Flight.State.ENDED).flight) == []
