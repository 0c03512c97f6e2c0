"""Exposures from the log: the first one of each playback session becomes its Assignment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from adplatform.eventlog.envelope import Event

from .assignment import EXPOSURE


class ExposureHandler:
    name = "experiments.exposures"
    types = frozenset({EXPOSURE})

    def __call__(self, cursor: Any, events: Sequence[Event], *, now: datetime) -> None:
        """Raises LookupError for an experiment that does not exist. A second exposure of a session changes nothing, and one from after the
        end (a process may learn of it seconds later) is of no run."""
        rows = [(event.data["experiment"], event.session, event.data["unit"], event.data["arm"], event.occurred_at) for event in events]
        cursor.execute("SELECT key FROM adplatform_experiment WHERE key = ANY(%s)", [[row[0] for row in rows]])
        unknown = {row[0] for row in rows} - {key for (key,) in cursor.fetchall()}
        if unknown:
            raise LookupError(f"no experiment {', '.join(sorted(unknown))}")
        cursor.execute(
            "INSERT INTO adplatform_assignment (experiment_id, session, unit, arm, exposed_at)"
            " SELECT experiment.id, x.session, x.unit, x.arm, x.at"
            " FROM unnest(%s::text[], %s::uuid[], %s::uuid[], %s::text[], %s::timestamptz[]) WITH ORDINALITY AS x(key, session, unit, arm, at, place)"
            " JOIN adplatform_experiment experiment ON experiment.key = x.key"
            " WHERE experiment.stopped_at IS NULL OR x.at < experiment.stopped_at ORDER BY x.place ON CONFLICT DO NOTHING",
            [list(column) for column in zip(*rows, strict=True)],
        )
