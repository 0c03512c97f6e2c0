"""Runs guarded SQL as the read-only role, under row-level security, inside one read-only transaction with limits."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from django.db import DatabaseError, OperationalError, connections, transaction
from django.db.backends.utils import CursorWrapper
from psycopg import errors

from adplatform.runtime import INSIGHTS_ROLE

from . import cache, cost, guard
from .access import Scope
from .cancelling import cancelled, running
from .compiler import Compiled
from .compiler.finishing import finished
from .model import SemanticModel
from .refusals import Cancelled, CannotRun

ALIAS = "insights"
SCOPE_SETTING = "app.advertiser"
EVERY_ADVERTISER = "all"
TIMEOUT_MILLISECONDS = 5_000
ROW_CAP = guard.MAX_LIMIT
BYTE_CAP = 16_000_000
ROWS_AT_ONCE = 500
# JIT takes longer to compile such a statement than the statement takes to run.
LIMITS = {"lock_timeout": "1000", "idle_in_transaction_session_timeout": "10000", "work_mem": "32MB", "jit": "off", "TimeZone": "UTC"}


@dataclass(frozen=True)
class Rows:
    """``values`` as plain JSON values in the order of the compiled columns. ``capped``: there were more rows than shown. ``suppressed``: so many
    rows were left out because few people stand behind them."""

    values: tuple[tuple[Any, ...], ...]
    capped: bool = False
    suppressed: int = 0


def run(compiled: Compiled, *, model: SemanticModel, scope: Scope, version: str | None = None) -> Rows:
    """One statement, in the open ``session`` of the same scope or in a transaction of its own. With the ``version`` of the data its rows are kept
    for a moment, and given again while that version lasts.

    Raises CannotRun when the database refuses, takes too long or would have to read too much, Cancelled when somebody ended it,
    guard.Refused when the statement may not run.
    """
    _check(compiled.sql, model)
    key = cache.key_of(compiled, scope, version) if version else None
    if key and (kept := cache.remembered(key)):
        return Rows(tuple(tuple(row) for row in kept["values"]), capped=kept["capped"], suppressed=kept["suppressed"])
    rows = _run(compiled, scope)
    if key:
        cache.remember(key, {"values": rows.values, "capped": rows.capped, "suppressed": rows.suppressed})
    return rows


def _run(compiled: Compiled, scope: Scope) -> Rows:
    with session(scope) as reading:
        try:
            cursor = reading.cursor()
            with running(connections[ALIAS].connection):
                if not compiled.light:
                    cost.check(cursor, compiled.sql, compiled.params)
                cursor.execute(compiled.sql, compiled.params)
                fetched = _fetched(cursor)
        except DatabaseError as error:
            reading.broken(error)
            raise _in_words(error) from error
    return _told(compiled, fetched)


# What passed the guard for a model passes again: SQL holds no values, so that questions share it. The model is kept so that its id stays its own.
_passed: OrderedDict[tuple[int, str], SemanticModel] = OrderedDict()
_passed_lock = threading.Lock()
PASSED_KEPT = 1_000


def _check(sql: str, model: SemanticModel) -> None:
    key = (id(model), sql)
    with _passed_lock:
        if key in _passed:
            return _passed.move_to_end(key)
    guard.check(sql, columns=model.columns())
    with _passed_lock:
        _passed[key] = model
        while len(_passed) > PASSED_KEPT:
            _passed.popitem(last=False)


class Session:
    """One read-only transaction for several statements of one caller; opened by the first of them."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.thread = threading.get_ident()
        self._stack = ExitStack()
        self._cursor: CursorWrapper | None = None

    def cursor(self) -> CursorWrapper:
        if self._cursor is None:
            self._cursor = self._stack.enter_context(_read_only(self.scope))
        return self._cursor

    def broken(self, error: BaseException) -> None:
        """Nothing more can run in a transaction that failed; the next statement begins another."""
        stack, self._stack, self._cursor = self._stack, ExitStack(), None
        stack.__exit__(type(error), error, error.__traceback__)

    def close(self) -> None:
        self._cursor = None
        self._stack.close()


_open: ContextVar[Session | None] = ContextVar("insights_session", default=None)


@contextmanager
def session(scope: Scope) -> Iterator[Session]:
    """What is run inside for the same scope shares one transaction: it sees one state of the figures, and pays for the setting up once."""
    current = _open.get()
    if current is not None and current.thread == threading.get_ident():
        # On one connection the inner scope would stay when the outer goes on.
        if current.scope.advertiser != scope.advertiser:
            raise RuntimeError("one answer is read for one advertiser, or for all of them")
        yield current
        return
    made = Session(scope)
    mark = _open.set(made)
    try:
        yield made
    finally:
        _open.reset(mark)
        made.close()


@contextmanager
def _read_only(scope: Scope) -> Iterator[CursorWrapper]:
    """Everything is set for this transaction alone, so that a pooled connection carries nothing to the next caller."""
    advertiser = EVERY_ADVERTISER if scope.advertiser is None else str(scope.advertiser)
    with transaction.atomic(using=ALIAS), connections[ALIAS].cursor() as cursor:
        cursor.execute("SET TRANSACTION READ ONLY")
        cursor.execute("SELECT current_user")
        if cursor.fetchone() != (INSIGHTS_ROLE,):
            _become_reader(cursor)
        settings = LIMITS | {"statement_timeout": str(TIMEOUT_MILLISECONDS), SCOPE_SETTING: advertiser}
        chosen = ", ".join(["set_config(%s, %s, true)"] * len(settings))
        cursor.execute(f"SELECT {chosen}", [part for setting in settings.items() for part in setting])
        yield cursor


def _become_reader(cursor: CursorWrapper) -> None:
    """Where the alias logs in as somebody else, the transaction still runs as the read-only role, or not at all."""
    try:
        cursor.execute(f"SET LOCAL ROLE {INSIGHTS_ROLE}")
    except DatabaseError as error:
        raise CannotRun(f"the read-only role {INSIGHTS_ROLE} is missing or may not be used; run `manage.py semantic_grant` as the owner") from error


def _fetched(cursor: CursorWrapper) -> list[tuple[Any, ...]]:
    """At most one row more than are shown. Raises CannotRun for more bytes than anybody reads."""
    rows: list[tuple[Any, ...]] = []
    size = 0
    while len(rows) <= ROW_CAP and (some := cursor.fetchmany(min(ROWS_AT_ONCE, ROW_CAP + 1 - len(rows)))):
        rows += some
        size += sum(_size(value) for row in some for value in row)
        if size > BYTE_CAP:
            raise CannotRun("that is more data than an answer can hold; ask for a shorter period or fewer dimensions")
    return rows


def _size(value: Any) -> int:
    if isinstance(value, list):
        return sum(_size(part) for part in value)
    return len(value) if isinstance(value, str | bytes) else 8


def _in_words(error: DatabaseError) -> CannotRun | DatabaseError:
    """What happened and what to do, or the error itself where it is a fault of ours."""
    cause = error.__cause__
    if isinstance(cause, errors.QueryCanceled):
        if cancelled():
            return Cancelled("it was cancelled")
        return CannotRun(f"the answer took longer than {TIMEOUT_MILLISECONDS // 1000} s; ask for a shorter period")
    if isinstance(cause, errors.InsufficientPrivilege):
        return CannotRun(f"the role {INSIGHTS_ROLE} may not read this yet; run `manage.py semantic_grant` (with the model's FILE)")
    if isinstance(cause, errors.UndefinedTable | errors.UndefinedColumn):
        return CannotRun(f"the semantic model does not fit the database: {str(error).splitlines()[0]}")
    if isinstance(cause, errors.DataError | errors.UndefinedFunction):
        return CannotRun("a value that was asked for does not fit what it is compared with; ask for it by its name")
    if isinstance(error, OperationalError):
        return CannotRun("the database cannot be reached just now; try again in a moment")
    return error


def _told(compiled: Compiled, fetched: list[tuple[Any, ...]]) -> Rows:
    capped, rows, suppressed = len(fetched) > ROW_CAP, fetched[:ROW_CAP], 0
    if compiled.finish:
        if len(fetched) >= ROW_CAP:
            raise CannotRun("that is more groups than can be put in order; ask for a shorter period or fewer dimensions")
        rows, suppressed = finished(rows, compiled.finish)
    hours = {index for index, column in enumerate(compiled.columns) if (column.role, column.unit) == ("time", "hour")}
    values = tuple(tuple(plain(value, hourly=index in hours) for index, value in enumerate(row)) for row in rows)
    return Rows(values, capped=capped, suppressed=suppressed)


def plain(value: Any, *, hourly: bool = False) -> Any:
    """A value JSON can carry: decimals become numbers, times ISO text in UTC (a midnight becomes its date, except among hours)."""
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime):
        moment = value.astimezone(UTC)
        is_day = not hourly and (moment.hour, moment.minute, moment.second, moment.microsecond) == (0, 0, 0, 0)
        return moment.date().isoformat() if is_day else moment.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float | int | str | bool) or value is None:
        return value
    return str(value)


__all__ = ["ALIAS", "Cancelled", "CannotRun", "Rows", "plain", "run", "session"]
