"""Parameters of a GET, read one by one; what is wrong is refused in words that name the parameter."""

from __future__ import annotations

import math
from collections.abc import Sequence

from django.http import QueryDict


def told(query: QueryDict, name: str) -> str:
    """The parameter's value, empty where it says nothing."""
    value = query.get(name, "").strip()
    return "" if value in ("-1", "-2") or (value.startswith("[") and value.endswith("]")) else value


def number(query: QueryDict, name: str, *, low: float, high: float, default: float) -> float:
    """Above ``low``, at most ``high``. Raises ValueError in words."""
    named = told(query, name)
    if not named:
        return default
    try:
        value = float(named)
    except ValueError:
        value = math.nan
    if not low < value <= high:
        raise ValueError(f"{name}: give seconds, more than {low:g} and at most {high:g}")
    return value


def whole(query: QueryDict, name: str, *, low: int, high: int, default: int) -> int:
    """From ``low`` to ``high``. Raises ValueError in words."""
    named = told(query, name)
    if not named:
        return default
    value = int(named) if named.isascii() and named.isdigit() and len(named) < 9 else -1
    if not low <= value <= high:
        raise ValueError(f"{name}: give a whole number from {low} to {high}")
    return value


def one_of(query: QueryDict, name: str, known: Sequence[str]) -> str:
    named = told(query, name)
    if named and named not in known:
        raise ValueError(f"{name}: use one of {', '.join(known)}")
    return named
