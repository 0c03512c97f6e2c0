"""What stands in a flight's way before it starts: its own terms, and what the forecast expects of them, in words."""

from __future__ import annotations

from datetime import UTC, datetime

from .forecast.service import forecast_terms
from .models import Flight, FlightForecast
from .selling import checks


def warnings_of(flight: Flight) -> list[str]:
    """Sentences, the surest first; empty when nothing speaks against it."""
    return [*checks.flight_warnings(flight), *_forecast(flight)]


def _forecast(flight: Flight) -> list[str]:
    """A live flight was forecast within the hour; what is not sold yet is judged now, and what is over no more."""
    if flight.state == Flight.State.ENDED:
        return []
    stored = FlightForecast.objects.filter(flight_id=flight.pk).first() if flight.state == Flight.State.LIVE else None
    warning = stored.warning if stored else forecast_terms(flight, now=datetime.now(UTC))[1]
    return [warning] if warning else []
