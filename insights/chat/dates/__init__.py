"""Periods in words: a fixed grammar over UTC days and hours. The clock is an argument; anything else stays unread and is asked about."""

from .baselines import Relative, before, compared_with, find_relative, running_part, unit_of
from .periods import Found, find_periods, label
from .words import DAY, MONTHS, NUMBERS, VOCABULARY, WEEKDAYS

__all__ = [
    "DAY",
    "MONTHS",
    "NUMBERS",
    "VOCABULARY",
    "WEEKDAYS",
    "Found",
    "Relative",
    "before",
    "compared_with",
    "find_periods",
    "find_relative",
    "label",
    "running_part",
    "unit_of",
]
