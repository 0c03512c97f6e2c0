"""What stands in a flight's way before it starts: its own terms, and what the forecast expects of them, in words."""

from __future__ import annotations

from .models import Flight
from .selling import checks


def warnings_of(flight: Flight) -> list[str]:
    """Sentences, the surest first; empty when nothing speaks against it."""
    return checks.flight_warnings(flight)
