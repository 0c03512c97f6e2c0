"""Training rows of the churn model: each viewer with consent once a day while they come, and whether they stayed away after it."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from django.conf import settings
from django.db.models import Q

from adplatform.learning.schema import Matrix
from adplatform.learning.training import Dataset
from engagement.models import PlaybackSession, Viewer

from .features import SCHEMA, WINDOW_DAYS, Visit, at_risk, build, stayed_away
from .visits import visits_of

SNAPSHOT_DAYS = 28
# Beyond these, viewers and snapshots are drawn by a hash: the same ones whenever the same rows are asked for.
MOST_VIEWERS, MOST_ROWS = 20_000, 100_000
# Moments of a day, one in each part of it, while so many rows are few: a viewer's rows hang together, and every interval knows it.
MOST_A_DAY = 4
CHUNK = 1_000
Row = tuple[float, str, bool, Matrix, float, str]


def horizon() -> timedelta:
    return timedelta(days=settings.CHURN_HORIZON_DAYS)


def load(as_of: datetime) -> Dataset:
    """One row, or a few where viewers are few, for each day and viewer who had been here within the horizon, at a moment drawn by a hash, as
    serving asks at any hour. Rows whose horizon had not passed at ``as_of`` are left out: nobody knows yet whether these viewers came
    back."""
    first = as_of - horizon() - timedelta(days=SNAPSHOT_DAYS)
    since = first - timedelta(days=WINDOW_DAYS)
    viewers = _viewers(since=since, as_of=as_of)
    every = max(1, -(-len(viewers) * SNAPSHOT_DAYS // MOST_ROWS))
    a_day = MOST_A_DAY if len(viewers) * SNAPSHOT_DAYS * MOST_A_DAY <= MOST_ROWS else 1
    rows: list[Row] = []
    for chunk in (viewers[start : start + CHUNK] for start in range(0, len(viewers), CHUNK)):
        visits = visits_of([pk for pk, _ in chunk], since=since, as_of=as_of)
        for pk, synthetic in chunk:
            rows += _rows(pk, visits.get(pk, []), synthetic=synthetic, first=first, as_of=as_of, every=every, a_day=a_day)
    rows.sort(key=lambda row: (row[0], row[1]))
    return Dataset(
        features=np.vstack([np.empty((0, len(SCHEMA.features)), dtype=np.float32), *(row[3] for row in rows)]),
        labels=np.array([row[4] for row in rows], dtype=np.float64),
        at=np.array([row[0] for row in rows], dtype=np.float64),
        session=np.array([row[1] for row in rows], dtype=np.str_),
        synthetic=np.array([row[2] for row in rows], dtype=bool),
        groups={"device": np.array([row[5] for row in rows], dtype=np.str_)},
    )


def _viewers(*, since: datetime, as_of: datetime) -> list[tuple[uuid.UUID, bool]]:
    came = PlaybackSession.objects.filter(consent=True, started_at__gte=since, started_at__lte=as_of).values("viewer")
    consenting = Viewer.objects.filter(Q(pk__in=came), ads_consent=True)
    found = list(consenting.order_by("pk").values_list("pk", "synthetic"))
    return sorted(sorted(found, key=lambda one: _draw(one[0], "viewer"))[:MOST_VIEWERS])


def _rows(viewer: uuid.UUID, visits: Sequence[Visit], *, synthetic: bool, first: datetime, as_of: datetime, every: int, a_day: int) -> Iterator[Row]:
    days = settings.CHURN_HORIZON_DAYS
    for at in moments(viewer, first=first, until=as_of - horizon(), every=every, a_day=a_day):
        if at_risk(visits, at, horizon_days=days):
            device = next(visit.device for visit in reversed(visits) if visit.started <= at)
            yield at, str(viewer), synthetic, build(visits, at), stayed_away(visits, at, horizon_days=days), device


def moments(viewer: uuid.UUID, *, first: datetime, until: datetime, every: int = 1, a_day: int = 1) -> Iterator[float]:
    """Unix seconds of this viewer's snapshots from ``first`` to ``until``: at a moment of each of ``a_day`` parts of a UTC day, of one in
    ``every`` days."""
    day = first.astimezone(UTC).date()
    while day <= until.astimezone(UTC).date():
        midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
        for part in range(a_day):
            at = midnight + timedelta(days=(part + _draw(viewer, f"{day} {part}")) / a_day)
            if first <= at <= until and (every == 1 or _draw(viewer, f"{day} of") * every < 1):
                yield at.timestamp()
        day += timedelta(days=1)


def _draw(viewer: uuid.UUID, what: str) -> float:
    """In [0, 1), always the same for the same viewer and word."""
    digest = hashlib.sha256(viewer.bytes + what.encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) / (1 << 53)
