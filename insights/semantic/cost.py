"""What a statement would cost, asked of the planner before it runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db.backends.utils import CursorWrapper

from .refusals import CannotRun


def expected(cursor: CursorWrapper, sql: str, params: Mapping[str, Any]) -> float:
    """The planner's total cost: about the reading of one page each. The statement is planned as whoever asks, and not run."""
    cursor.execute(f"EXPLAIN (FORMAT JSON) {sql}", params)
    [told] = cursor.fetchone() or [None]
    plan = json.loads(told) if isinstance(told, str) else told
    return float(plan[0]["Plan"]["Total Cost"])


def check(cursor: CursorWrapper, sql: str, params: Mapping[str, Any]) -> None:
    """Raises CannotRun for a statement that would cost more than INSIGHTS_MOST_COST."""
    found, most = expected(cursor, sql, params), settings.INSIGHTS_MOST_COST
    if found > most:
        raise CannotRun(
            f"the answer would take about {found / most:.1f} times as much reading as is allowed at once;"
            " ask for a shorter period, by something longer than the hour, or about one campaign or title"
        )
