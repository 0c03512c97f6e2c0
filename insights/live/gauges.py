"""The published figures as Prometheus gauges: what the dashboard shows is what an alert sees, at no query of its own."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from django.conf import settings

from . import store


def readings() -> Iterable[tuple[str, str, float]]:
    """Raises redis.RedisError. Without figures before the first snapshot."""
    yield "intermission_live_streams", "Streams that open dashboards watch, each different filter one", len(store.watched())
    yield "intermission_live_streams_most", "Streams that may be watched at once: LIVE_MOST_STREAMS", settings.LIVE_MOST_STREAMS
    body = store.last()
    if body is None:
        return
    snapshot = json.loads(body)
    yield "intermission_live_built_timestamp_seconds", "When the last snapshot was built", datetime.fromisoformat(snapshot["built_at"]).timestamp()
    yield "intermission_live_active_sessions", "Playback sessions heard from in the last 30 seconds", snapshot["tiles"]["active_sessions"]["value"]
    for measure, value in snapshot["totals"].items():
        yield f"intermission_today_{measure}", f"Sum of {measure} over the UTC day so far", value
