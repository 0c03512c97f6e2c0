"""Times as people write them: one reader for every command and address, and one sentence for what it cannot read."""

from __future__ import annotations

import argparse
import re
from datetime import UTC, date, datetime, timedelta

UNITS = {"h": "hours", "d": "days", "w": "weeks"}
# What a log can hold; further off, a window before or after a time could not be written any more.
FIRST_YEAR, LAST_YEAR = 2000, 2099


class NotATime(argparse.ArgumentTypeError, ValueError):
    """The message says what form is wanted, also where argparse prints it: the functions below are the ``type`` of an argument."""


class TooFarOff(NotATime):
    """It is a time, but none that anything was logged at."""


def read_day(text: str) -> date:
    """``2026-11-03``. Raises NotATime."""
    try:
        read = date.fromisoformat(text)
    except ValueError:
        raise NotATime(f"{text!r} is no day; write it as 2026-11-03") from None
    _check(text, read.year)
    return read


def read_moment(text: str) -> datetime:
    """``2026-11-03T12:00``, in UTC unless it names a zone; a day alone is its beginning. Raises NotATime."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise NotATime(f"{text!r} is no time; write it as 2026-11-03 or 2026-11-03T12:00 (UTC unless it names a zone)") from None
    _check(text, read.year)
    return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)


def read_since(text: str, until: datetime) -> datetime:
    """``24h``, ``7d`` or ``2w`` before ``until``, or what `read_moment` reads. Raises NotATime."""
    if back := re.fullmatch(r"([0-9]{1,5})([hdw])", text):
        try:
            read = until - timedelta(**{UNITS[back[2]]: int(back[1])})
        except OverflowError:
            raise _too_far(text) from None
        _check(text, read.year)
        return read
    try:
        return read_moment(text)
    except TooFarOff:
        raise
    except NotATime:
        raise NotATime(f"{text!r} is no time; write 24h, 7d or 2w, or a time such as 2026-11-03T12:00 (UTC unless it names a zone)") from None


def _check(text: str, year: int) -> None:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise _too_far(text)


def _too_far(text: str) -> TooFarOff:
    return TooFarOff(f"{text!r} is too far off; times lie between {FIRST_YEAR} and {LAST_YEAR}")
