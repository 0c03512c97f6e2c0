"""The metrics an experiment can be read by: each room registers its own, with the SQL that counts them per unit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from .assignment import parse_arms
from .sequences import Floats

if TYPE_CHECKING:
    from adplatform.models import Experiment

# How far back a unit's past is looked at for `covariate`.
HISTORY = timedelta(days=28)
CHUNK = 50_000

# Units that were exposed in one arm alone, and their sessions of this run. Whoever is in two arms tells nothing about either: left out,
# and counted by `exposed`. As analysed tables, for how many there are decides whether events are better found by session or read by day:
# the planner's guess of a subquery's size made it read all events once for each unit.
TABLES = (
    "DROP TABLE IF EXISTS pg_temp.seen, pg_temp.visits",
    """
    CREATE TEMPORARY TABLE seen ON COMMIT DROP AS
    SELECT unit, min(arm) AS arm, count(*) AS sessions, min(exposed_at) AS first FROM adplatform_assignment
    WHERE experiment_id = %(experiment)s AND exposed_at >= %(since)s AND exposed_at < %(until)s AND arm = ANY(%(arms)s)
    GROUP BY unit HAVING min(arm) = max(arm)
    """,
    """
    CREATE TEMPORARY TABLE visits ON COMMIT DROP AS
    SELECT a.session, a.unit, a.exposed_at FROM adplatform_assignment a JOIN seen USING (unit)
    WHERE a.experiment_id = %(experiment)s AND a.exposed_at >= %(since)s AND a.exposed_at < %(until)s
    """,
    "ANALYZE seen, visits",
)
PER_UNIT = """
WITH facts AS ({facts}), before AS ({before})
SELECT array_position(%(arms)s::text[], seen.arm::text) - 1, seen.sessions, coalesce(facts.numerator, 0)::float8,
       {denominator}::float8, (before.numerator::float8 / nullif(before.denominator, 0))::float8
FROM seen LEFT JOIN facts USING (unit) LEFT JOIN before USING (unit)
ORDER BY seen.unit
"""
EXPOSED = """
SELECT CASE WHEN least = most THEN least END, count(*) FROM (
    SELECT min(arm) AS least, max(arm) AS most FROM adplatform_assignment
    WHERE experiment_id = %(experiment)s AND exposed_at >= %(since)s AND exposed_at < %(until)s GROUP BY unit
) units GROUP BY 1
"""
NO_PAST = "SELECT NULL::uuid AS unit, 0 AS numerator, 0 AS denominator WHERE false"


@dataclass(frozen=True, slots=True)
class Units:
    """One row a unit, in the order of the units: ``arm`` [n] numbers the experiment's arms, ``sessions`` [n] counts its sessions of this
    run, the metric is the sum of ``numerator`` [n] over that of ``denominator`` [n], ``covariate`` [n] is what the unit did before its
    first exposure, NaN where nothing is known."""

    arm: NDArray[np.int8]
    sessions: NDArray[np.int64]
    numerator: Floats
    denominator: Floats
    covariate: Floats


Load = Callable[["Experiment", datetime, datetime], Units]


@dataclass(frozen=True, slots=True)
class Metric:
    """``unit`` follows a figure in a sentence. ``competes``: what one arm gets of it may be taken from the other, because both spend the
    same budgets. ``settles``: so long after its exposure a unit is counted at the earliest."""

    name: str
    title: str
    unit: str
    better: Literal["higher", "lower"]
    load: Load
    competes: bool = False
    settles: timedelta = timedelta(0)


Check = Callable[["Experiment", datetime, datetime], str]
_registered: dict[str, Metric] = {}
_interference: list[Check] = []


class UnknownMetric(ValueError):
    """No room registers a metric of this name."""


def register(metric: Metric) -> None:
    """In `AppConfig.ready` of the room that has the facts."""
    _registered[metric.name] = metric


def register_interference(check: Check) -> None:
    """``check(experiment, since, until)`` says in words why figures of metrics that compete are biased, or nothing."""
    if check not in _interference:
        _interference.append(check)


def metric_of(name: str) -> Metric:
    """Raises UnknownMetric that names those there are."""
    try:
        return _registered[name]
    except KeyError:
        raise UnknownMetric(f"there is no metric {name!r}; there are {', '.join(sorted(_registered))}") from None


def registered() -> Mapping[str, Metric]:
    return dict(_registered)


def interference(experiment: Experiment, since: datetime, until: datetime) -> str:
    return " ".join(words for check in _interference if (words := check(experiment, since, until)))


def per_unit(facts: str, before: str = NO_PAST, *, per: Literal["counted", "session"] = "counted", **parameters: Any) -> Load:
    """A loader from two SELECTs of (unit, numerator, denominator), one row a unit.

    ``facts`` reads from the table ``visits`` (session, unit, exposed_at), ``before`` from ``seen`` (unit, arm, sessions, first). Both may
    use the parameters since, until, first_day, last_day, history_since, history_day, and ``parameters``. ``per`` session: the
    denominator is the unit's sessions, whatever ``facts`` says.
    """
    denominator = "seen.sessions" if per == "session" else "coalesce(facts.denominator, 0)"
    sql = PER_UNIT.format(facts=facts, before=before, denominator=denominator)

    def load(experiment: Experiment, since: datetime, until: datetime) -> Units:
        return _read(sql, _bounds(experiment, since, until) | parameters)

    return load


def exposed(experiment: Experiment, since: datetime, until: datetime) -> tuple[tuple[int, ...], int]:
    """Units by arm, in the arms' order, and how many were in more than one and are left out."""
    with connection.cursor() as cursor:
        cursor.execute(EXPOSED, _bounds(experiment, since, until))
        counts = dict(cursor.fetchall())
    return tuple(counts.get(arm.name, 0) for arm in parse_arms(experiment.arms)), counts.get(None, 0)


def _bounds(experiment: Experiment, since: datetime, until: datetime) -> dict[str, Any]:
    past = since - HISTORY
    return {
        "experiment": experiment.pk,
        "arms": [arm.name for arm in parse_arms(experiment.arms)],
        "since": since,
        "until": until,
        "first_day": since.astimezone(UTC).date(),
        "last_day": until.astimezone(UTC).date(),
        "history_since": past,
        "history_day": past.astimezone(UTC).date(),
    }


def _read(sql: str, parameters: dict[str, Any]) -> Units:
    """In portions, so that millions of units never stand in memory as Python objects."""
    parts = []
    with transaction.atomic():
        with connection.cursor() as cursor:
            for statement in TABLES:
                cursor.execute(statement, parameters)
            # All rows are wanted, not the first few soon.
            cursor.execute("SET LOCAL cursor_tuple_fraction = 1")
        with connection.chunked_cursor() as cursor:
            cursor.execute(sql, parameters)
            while rows := cursor.fetchmany(CHUNK):
                parts.append(np.array(rows, dtype=np.float64).T)
    columns = np.concatenate(parts, axis=1) if parts else np.zeros((5, 0))
    return Units(columns[0].astype(np.int8), columns[1].astype(np.int64), columns[2], columns[3], columns[4])
