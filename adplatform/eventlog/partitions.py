"""Tables partitioned by UTC day.

Django sees a plain table with one primary key ``id``; PostgreSQL sees ``PRIMARY KEY (id, day)`` and a range partition a day.
``day`` is derived from the UUIDv7 in ``id``, so a retried event always meets the same unique key.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from django.apps import apps
from django.db import connection, models, transaction
from django.db.migrations.operations.base import Operation


class PartitionByDay(Operation):
    """Migration operation: turn the empty table of ``model_name``, created just before, into one partitioned by its ``day``."""

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The state stays that of the plain model."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = to_state.apps.get_model(app_label, self.model_name)._meta.db_table
        schema_editor.execute(f'ALTER TABLE "{table}" RENAME TO "{table}_plain"')
        schema_editor.execute(f'CREATE TABLE "{table}" (LIKE "{table}_plain" INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (day)')
        schema_editor.execute(f'DROP TABLE "{table}_plain"')
        schema_editor.execute(f'ALTER TABLE "{table}" ADD PRIMARY KEY (id, day)')

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Nothing: reversing the CreateModel before it drops the table with its partitions."""

    def describe(self) -> str:
        return f"Partition {self.model_name} by day"


def partitioned_models() -> list[type[models.Model]]:
    """Every model that declares ``partitioned_by_day = True``."""
    return [model for model in apps.get_models() if getattr(model, "partitioned_by_day", False)]


def ensure_partitions(days: Iterable[date]) -> int:
    """Create the partitions of these UTC days in every partitioned table where missing; returns how many were created."""
    wanted = sorted(set(days))
    with connection.cursor() as cursor:
        if not _missing(cursor, wanted):
            return 0
    with transaction.atomic(), connection.cursor() as cursor:
        # One process at a time; whoever waited finds the partitions made.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('adplatform.ensure_partitions'))")
        missing = _missing(cursor, wanted)
        for table, day in missing:
            # Made beside the table and then attached: unlike PARTITION OF, that lets others read and write meanwhile.
            name = partition_name(table, day)
            cursor.execute(f'CREATE TABLE "{name}" (LIKE "{table}" INCLUDING DEFAULTS INCLUDING CONSTRAINTS)')
            cursor.execute(f'ALTER TABLE "{table}" ATTACH PARTITION "{name}" FOR VALUES FROM (%s) TO (%s)', [day, day + timedelta(days=1)])
    return len(missing)


def partition_name(table: str, day: date) -> str:
    return f"{table}_{day:%Y%m%d}"


def live_days(table: str) -> list[date]:
    """The days of ``table`` that have a partition, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT to_date(right(c.relname, 8), 'YYYYMMDD') FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = to_regclass(quote_ident(%s)) ORDER BY 1",
            [table],
        )
        return [day for (day,) in cursor.fetchall()]


def _missing(cursor: Any, days: list[date]) -> list[tuple[str, date]]:
    pairs = [(model._meta.db_table, day) for model in partitioned_models() for day in days]
    names = [partition_name(table, day) for table, day in pairs]
    cursor.execute("SELECT to_regclass(quote_ident(name)) IS NULL FROM unnest(%s::text[]) WITH ORDINALITY AS n(name, place) ORDER BY place", [names])
    return [pair for pair, (missing,) in zip(pairs, cursor.fetchall(), strict=True) if missing]


def days_around(today: date, *, back: int = 1, ahead: int = 7) -> list[date]:
    return [today + timedelta(days=offset) for offset in range(-back, ahead + 1)]
