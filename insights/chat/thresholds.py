"""Thresholds in words: ``more than 1,000``, ``under 1 %``, ``at least $50``, ``between 1 % and 2 %``. What they are of is for the analyst to say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from .dates import NUMBERS

Comparison = Literal["gt", "gte", "lt", "lte", "eq", "ne"]
_SAID: dict[Comparison, str] = {
    "gt": "more than|over|above|greater than|higher than|exceeding|exceeded|exceeds|exceed|in excess of|beyond|>|bigger than|larger than|better than",
    "gte": "at least|no less than|not less than|no fewer than|not under|not below|a minimum of|minimum of|> =|>=|not fewer than|a min of|min",
    "lt": "less than|under|below|fewer than|lower than|smaller than|<|worse than",
    "lte": "at most|no more than|not more than|not over|not above|up to|a maximum of|maximum of|<=|< =|max",
    "eq": "exactly|equal to|equals|=",
}
COMPARATORS: list[tuple[tuple[str, ...], Comparison]] = sorted(
    ((tuple(phrase.split()), name) for name, phrases in _SAID.items() for phrase in phrases.split("|")), key=lambda pair: -len(pair[0])
)
_SUFFIXES: dict[tuple[str, str], Comparison] = {
    ("or", "more"): "gte",
    ("or", "above"): "gte",
    ("or", "less"): "lte",
    ("or", "fewer"): "lte",
    ("or", "below"): "lte",
}
_SCALES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "mn": 1e6, "mio": 1e6, "million": 1e6, "bn": 1e9, "billion": 1e9, "hundred": 100.0, "grand": 1e3}
# Typed units: what they are of, and what one of them is in the base of that kind (shares 0-1, hours for time).
UNITS: dict[str, tuple[str, float]] = {
    **dict.fromkeys(("%", "percent", "pct", "percents"), ("share", 0.01)),
    **dict.fromkeys(("$", "€", "£", "dollar", "dollars", "usd", "eur", "euro", "euros", "gbp", "pounds", "bucks"), ("money", 1.0)),
    **dict.fromkeys(("hour", "hours", "hrs", "hr"), ("hours", 1.0)),
    **dict.fromkeys(("minute", "minutes", "min", "mins"), ("hours", 1 / 60)),
    **dict.fromkeys(("second", "seconds", "sec", "secs"), ("hours", 1 / 3600)),
    **dict.fromkeys(("millisecond", "milliseconds", "ms"), ("hours", 1 / 3_600_000)),
}
MONEY_SIGNS = frozenset({"$", "€", "£"})


@dataclass(frozen=True)
class Threshold:
    """Said by the words ``[first, last)``. ``number`` is in the base of its ``unit``: "" where none was typed, then as typed."""

    first: int
    last: int
    op: Comparison
    number: float
    unit: str = ""
    upper: float | None = None  # of a range: op is then gte, and this the lte


def find(words: Sequence[str]) -> list[Threshold]:
    found: list[Threshold] = []
    at = 0
    while at < len(words):
        one = _between(words, at) or _compared(words, at) or _none(words, at)
        if one:
            found.append(one)
        at = one.last if one else at + 1
    return found


def _compared(words: Sequence[str], at: int) -> Threshold | None:
    for phrase, op in COMPARATORS:
        if tuple(words[at : at + len(phrase)]) != phrase:
            continue
        step = at + len(phrase)
        while step < len(words) and words[step] in ("a", "an", "of", "total", "than", "just"):
            step += 1
        if amount := _amount(words, step):
            number, unit, last = amount
            return Threshold(at, last, op, number, unit)
    if amount := _amount(words, at):
        number, unit, last = amount
        if suffix := _SUFFIXES.get((_word(words, last), _word(words, last + 1))):
            return Threshold(at, last + 2, suffix, number, unit)
    return None


def _between(words: Sequence[str], at: int) -> Threshold | None:
    """``between 1 % and 2 %``, ``from 100 to 200``; the first takes the unit of the second."""
    opener = words[at]
    if opener not in ("between", "from"):
        return None
    low = _amount(words, at + 1)
    if low is None or _word(words, low[2]) not in (("and",) if opener == "between" else ("to", "-")):
        return None
    high = _amount(words, low[2] + 1)
    if high is None:
        return None
    number = low[0] * _factor(high[1], words[high[2] - 1]) if high[1] and not low[1] else low[0]
    return Threshold(at, high[2], "gte", number, high[1] or low[1], upper=high[0])


def _factor(unit: str, said: str) -> float:
    return UNITS[said][1] if unit and said in UNITS else 1.0


def _none(words: Sequence[str], at: int) -> Threshold | None:
    """``with no clicks``, ``zero impressions``."""
    if (
        words[at] == "zero"
        or (words[at] in ("no", "without") and _word(words, at + 1) == "any")
        or (words[at] == "no" and _word(words, at - 1) in ("with", "had", "got", "have", "has", "were"))
    ):
        return Threshold(at, at + (2 if _word(words, at + 1) == "any" else 1), "eq", 0.0)
    return None


def _word(words: Sequence[str], at: int) -> str:
    return words[at] if 0 <= at < len(words) else ""


def _amount(words: Sequence[str], at: int) -> tuple[float, str, int] | None:
    """A number with its scale and unit: (in the base of the unit, unit, the word after it)."""
    unit, factor = "", 1.0
    if _word(words, at) in MONEY_SIGNS:
        unit, at = "money", at + 1
    number = _number(_word(words, at))
    if number is None and _word(words, at) in ("a", "one") and _word(words, at + 1) in _SCALES:
        number = 1.0
    if number is None:
        return None
    at += 1
    while _word(words, at) in _SCALES:
        number *= _SCALES[words[at]]
        at += 1
    if _word(words, at) == "per" and _word(words, at + 1) == "cent":
        return number * 0.01, "share", at + 2
    if not unit and _word(words, at) in UNITS:
        unit, factor = UNITS[words[at]]
        at += 1
    return number * factor, unit, at


def _number(said: str) -> float | None:
    if re.fullmatch(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?", said):
        return float(said.replace(",", ""))
    if re.fullmatch(r"\d+[.,]\d+", said):
        return float(said.replace(",", "."))
    if said.isdecimal() and len(said) < 16:
        return float(said)
    return float(NUMBERS[said]) if said in NUMBERS else None
