"""What stands in a flight's way before it starts: its own terms, and what the forecast expects of them, in words."""

from __future__ import annotations

from datetime import UTC, datetime

from django.core.exceptions import ObjectDoesNotExist

from ads.forecast.foresight import expected_of

from .models import Flight
from .selling import checks


def warnings_of(flight: Flight) -> list[str]:
    """Sentences, the surest first; empty when nothing speaks against it.

    A live flight is told what was last forecast; one that does not serve is forecast beside all that does.
    """
    if flight.state == Flight.State.ENDED:
        return []
    if unreadable := checks.unreadable(flight):
        return [f"It does not serve, because its terms cannot be read; set them anew: {unreadable}"]
    expected = _stored(flight) if flight.state == Flight.State.LIVE else None
    if expected is None:
        _, expected = expected_of(flight, now=datetime.now(UTC))
    return [*checks.flight_warnings(flight), *filter(None, [expected])]


def _stored(flight: Flight) -> str | None:
    """The warning of the stored forecast, None when there is none yet."""
    try:
        return flight.forecast.warning
    except ObjectDoesNotExist:
        return None
