"""Training runs as the page tells them: what is going on now, and what the last ones came to."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import Any

from adplatform.learning.runs import DEAD_AFTER
from adplatform.models import TrainingRun

from .versions import stamp

# Of all kinds together, and what a kind shows.
READ, SHOWN = 80, 6
LONGEST_WORDS = 300
State = TrainingRun.State
LIVE = (State.QUEUED, State.RUNNING)
COLUMNS = (
    "pk", "kind", "estimator", "engine", "reason", "state", "percent", "words", "attempts", "created_at", "started_at", "heartbeat_at", "finished_at",
    "version__number", "asked_by__username",
)  # fmt: skip


def by_kind(now: datetime) -> dict[str, list[dict[str, Any]]]:
    """Those that are going on first, then the last ones. Two queries."""
    going = list(TrainingRun.objects.filter(state__in=LIVE).order_by("created_at").values(*COLUMNS)[:READ])
    over = list(TrainingRun.objects.exclude(state__in=LIVE).order_by("-pk").values(*COLUMNS)[:READ])
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in [*going, *over]:
        if len(found[row["kind"]]) < SHOWN:
            found[row["kind"]].append(_told(row, now))
    return dict(found)


def _told(row: dict[str, Any], now: datetime) -> dict[str, Any]:
    silent = row["heartbeat_at"] is None or now - row["heartbeat_at"] > DEAD_AFTER
    took = None if row["started_at"] is None or row["finished_at"] is None else (row["finished_at"] - row["started_at"]).total_seconds()
    words = row["words"]
    return {
        "id": row["pk"],
        "estimator": row["estimator"],
        "engine": row["engine"],
        "reason": row["reason"],
        "asked_by": row["asked_by__username"],
        "state": "waits for another worker" if row["state"] == State.RUNNING and silent else row["state"],
        "percent": row["percent"],
        "words": words if len(words) <= LONGEST_WORDS else f"{words[:LONGEST_WORDS]}…",
        "attempts": row["attempts"],
        "asked_at": stamp(row["created_at"]),
        "started_at": stamp(row["started_at"]),
        "finished_at": stamp(row["finished_at"]),
        "took_seconds": None if took is None else round(took, 1),
        "version": row["version__number"],
    }
