"""Runs guarded SQL as the read-only role, under row-level security, inside one read-only transaction with limits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db import DatabaseError, OperationalError, connections, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import errors

from adplatform.runtime import INSIGHTS_ROLE

from . import guard
from .access import Scope
from .compiler import Compiled
from .model import SemanticModel

ALIAS = "insights"
SCOPE_SETTING = "app.advertiser"
EVERY_ADVERTISER = "all"
TIMEOUT_MILLISECONDS = 5_000
ROW_CAP = guard.MAX_LIMIT


class CannotRun(RuntimeError):
    """The figures could not be read; the message says why and what to do."""


@dataclass(frozen=True)
class Rows:
    """``values`` as plain JSON values in the order of the compiled columns. ``capped``: there were more rows than shown."""

    values: tuple[tuple[Any, ...], ...]
    capped: bool = False


def run(compiled: Compiled, *, model: SemanticModel, scope: Scope) -> Rows:
    """Raises CannotRun when the database refuses or takes too long, guard.Refused when the statement may not run."""
    guard.check(compiled.sql, columns=model.columns())
    try:
        with _read_only(scope) as cursor:
            cursor.execute(compiled.sql, compiled.params)
            fetched = cursor.fetchmany(ROW_CAP + 1)
    except OperationalError as error:
        if isinstance(error.__cause__, errors.QueryCanceled):
            raise CannotRun(f"the answer took longer than {TIMEOUT_MILLISECONDS // 1000} s; ask for a shorter period") from error
        raise CannotRun("the database cannot be reached just now; try again in a moment") from error
    except DatabaseError as error:
        if isinstance(error.__cause__, errors.InsufficientPrivilege):
            raise CannotRun(f"the role {INSIGHTS_ROLE} may not read this yet; run `manage.py semantic_grant` (with the model's FILE)") from error
        if isinstance(error.__cause__, errors.UndefinedTable | errors.UndefinedColumn):
            raise CannotRun(f"the semantic model does not fit the database: {str(error).splitlines()[0]}") from error
        raise
    rows = tuple(tuple(plain(value) for value in row) for row in fetched[:ROW_CAP])
    return Rows(rows, capped=len(fetched) > ROW_CAP)


@contextmanager
def _read_only(scope: Scope) -> Iterator[CursorWrapper]:
    """Everything is set for this transaction alone, so that a pooled connection carries nothing to the next caller."""
    advertiser = EVERY_ADVERTISER if scope.advertiser is None else str(scope.advertiser)
    with transaction.atomic(using=ALIAS), connections[ALIAS].cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute("SELECT current_user")
        if cursor.fetchone() != (INSIGHTS_ROLE,):
            _become_reader(cursor)
        cursor.execute(
            "SELECT set_config('statement_timeout', %s, true), set_config('lock_timeout', '1000', true), set_config(%s, %s, true)",
            [str(TIMEOUT_MILLISECONDS), SCOPE_SETTING, advertiser],
        )
        yield cursor


def _become_reader(cursor: CursorWrapper) -> None:
    """Where the alias logs in as somebody else, the transaction still runs as the read-only role, or not at all."""
    try:
        cursor.execute(f"SET LOCAL ROLE {INSIGHTS_ROLE}")
    except DatabaseError as error:
        raise CannotRun(f"the read-only role {INSIGHTS_ROLE} is missing or may not be used; run `manage.py semantic_grant` as the owner") from error


def plain(value: Any) -> Any:
    """A value JSON can carry: decimals become numbers, times ISO text in UTC (a midnight becomes its date)."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        return moment.date().isoformat() if (moment.hour, moment.minute, moment.second, moment.microsecond) == (0, 0, 0, 0) else moment.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float | int | str | bool) or value is None:
        return value
    return str(value)
