"""Training rows of the click and the completion model: features exactly as they were served, joined to what happened after."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from adplatform.learning.training import Dataset

from .features import SCHEMA

# An ad is on screen for seconds; a click later than this belongs to something else, and so does the end of an ad that was left paused.
CLICK_WINDOW = COMPLETION_WINDOW = timedelta(minutes=10)
HISTORY = timedelta(days=28)

# The events of a decision carry its time in their ids, so they lie in the partition of the same day.
ROWS = """
SELECT extract(epoch FROM d.decided_at)::float8, d.session::text, slot.value->'features', (slot.value->>'slot')::int, d.synthetic, d.id::text,
       EXISTS (
           SELECT 1 FROM ads_adevent c
           WHERE c.day = d.day AND c.decision = d.id AND c.slot = i.slot AND c.type = %(outcome)s AND c.valid AND c.received_at <= %(as_of)s
             AND c.occurred_at <= i.occurred_at + %(window)s
       ),
       coalesce(slot.value->>'advertiser', ''), slot.value->>'advertiser_name', coalesce(d.request->>'device', ''),
       (slot.value->>%(score)s)::float8, coalesce({version}, 0)
FROM ads_decision d
CROSS JOIN LATERAL jsonb_array_elements(d.slots) AS slot
JOIN ads_adevent i ON i.day = d.day AND i.decision = d.id AND i.slot = (slot.value->>'slot')::int
                  AND i.type = 'ad.impression' AND i.valid AND i.received_at <= %(as_of)s AND i.occurred_at < %(mature)s
WHERE d.day BETWEEN %(first_day)s AND %(last_day)s AND d.decided_at >= %(since)s AND d.decided_at < %(mature)s
  AND slot.value->'features'->>'schema' = %(schema)s
ORDER BY d.decided_at, d.id, i.slot
"""


def load(as_of: datetime) -> Dataset:
    """One row for each valid impression whose click window had closed at ``as_of``; label 1 when a valid click came in it.

    Rows logged under another feature schema are left out. The exposure column holds the slot the ad really had. Keys are
    ``decision/slot``, groups ``advertiser`` (its name when it last served) and ``device``; ``served`` is the pCTR of the decision.
    """
    return _load(as_of, outcome="ad.click", window=CLICK_WINDOW, score="pctr", version="d.model_version")


def load_completion(as_of: datetime) -> Dataset:
    """The same rows, label 1 when the ad was seen to its end within the window; ``served`` is the pVCR of the decision."""
    return _load(as_of, outcome="ad.complete", window=COMPLETION_WINDOW, score="pvcr", version="d.completion_version")


def _load(as_of: datetime, *, outcome: str, window: timedelta, score: str, version: str) -> Dataset:
    since, mature = as_of - HISTORY, as_of - window
    bounds: dict[str, Any] = {
        "as_of": as_of,
        "outcome": outcome,
        "window": window,
        "score": score,
        "since": since,
        "mature": mature,
        "first_day": since.astimezone(UTC).date(),
        "last_day": mature.astimezone(UTC).date(),
        "schema": SCHEMA.fingerprint(),
    }
    with connection.cursor() as cursor:
        cursor.execute(ROWS.format(version=version), bounds)
        return _dataset(cursor.fetchall())


def _dataset(rows: list[tuple[Any, ...]]) -> Dataset:
    features = np.array([SCHEMA.unpack(json.loads(row[2])) for row in rows], dtype=np.float32).reshape(len(rows), len(SCHEMA.features))
    features[:, SCHEMA.index["pod_position"]] = [row[3] for row in rows]
    return Dataset(
        features=features,
        labels=np.array([float(row[6]) for row in rows]),
        at=np.array([row[0] for row in rows], dtype=np.float64),
        session=np.array([row[1] for row in rows], dtype=np.str_),
        synthetic=np.array([row[4] for row in rows], dtype=bool),
        keys=np.array([f"{row[5]}/{row[3]}" for row in rows], dtype=np.str_),
        groups={"advertiser": _advertisers(rows), "device": np.array([row[9] for row in rows], dtype=np.str_)},
        served=np.array([row[10] if row[11] and row[10] is not None else np.nan for row in rows], dtype=np.float64),
        served_by=np.array([row[11] for row in rows], dtype=np.int64),
    )


def _advertisers(rows: list[tuple[Any, ...]]) -> NDArray[Any]:
    """Under its latest name: one that was renamed stays one."""
    names = {row[7]: row[8] or row[7] for row in rows}
    return np.array([names[row[7]] for row in rows], dtype=np.str_)
