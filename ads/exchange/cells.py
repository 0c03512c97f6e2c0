"""How one thing is written in a cell of a table, and read back: money, shares, times, caps, targeting. Errors are sentences."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from import_export.widgets import Widget

from adplatform.moments import read_moment
from ads.money import read_amount, write_amount
from ads.terms import DIRECTIONS, KEYS, LARGEST_GOAL, read_caps, readable, write_caps

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
YES, NO = frozenset({"yes", "true", "1", "y", "x"}), frozenset({"no", "false", "0", "n", ""})
GOAL_TYPE = "Goal type"


class Text(Widget):  # type: ignore[misc]
    """As it stands; an empty cell is an empty text."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        return str(value or "").strip()

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return str(value or "")


class Money(Widget):  # type: ignore[misc]
    """“18.5 USD”; ``optional`` where an empty cell means none, else it means 0."""

    def __init__(self, *, optional: bool = False) -> None:
        super().__init__()
        self.optional = optional

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> int | None:
        text = str(value or "").strip()
        if not text:
            return None if self.optional else 0
        return read_amount(text, currency=settings.CURRENCY)

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "" if value is None else f"{write_amount(value)} {settings.CURRENCY}"


class Goal(Widget):  # type: ignore[misc]
    """A count, or money where the goal is spend."""

    def clean(self, value: Any, row: Mapping[str, str] | None = None, **kwargs: Any) -> int | None:
        text = str(value or "").strip()
        if not text:
            return None
        kind = (row or {}).get(GOAL_TYPE, "").strip().lower().replace(" ", "_")
        if kind == "spend":
            return read_amount(text, currency=settings.CURRENCY)
        try:
            amount = int(text.replace(",", "").replace("_", ""))
        except ValueError:
            raise ValueError(f"“{text[:40]}” is no count; a goal is a whole number, or an amount of money where the {GOAL_TYPE} is spend.") from None
        if not 1 <= amount <= LARGEST_GOAL:
            raise ValueError(f"A goal is at least 1 and at most {LARGEST_GOAL:,}.")
        return amount

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        if value is None:
            return ""
        return f"{write_amount(value)} {settings.CURRENCY}" if obj is not None and obj.goal_type == "spend" else value


class Share(Widget):  # type: ignore[misc]
    """“25 %” for 0.25."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> float | None:
        text = str(value or "").strip()
        if not text:
            return None
        try:
            percent = float(text.removesuffix("%").strip())
        except ValueError:
            percent = -1.0
        if not 1 <= percent <= 100:
            raise ValueError(f"“{text[:40]}” is no share; write it in percent from 1 to 100, such as 25 %.")
        return percent / 100

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "" if value is None else f"{round(100 * value, 6):g} %"


class Moment(Widget):  # type: ignore[misc]
    """“2026-05-01 00:00”, UTC."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> datetime | None:
        text = str(value or "").strip().removesuffix("UTC").strip()
        if not text:
            raise ValueError("There is no time; write it as 2026-05-01 00:00 (UTC).")
        return read_moment(text)

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        if value is None:
            return ""
        value = value.astimezone(UTC)
        return str(value.replace(tzinfo=None).isoformat(sep=" ", timespec="auto" if value.second or value.microsecond else "minutes"))


class Choice(Widget):  # type: ignore[misc]
    """One of a few stored values, or its words."""

    def __init__(self, choices: Any) -> None:
        super().__init__()
        self.stored = [value for value, _ in choices]
        self.known = {value.lower(): value for value in self.stored} | {words.lower(): value for value, words in choices}

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str:
        text = str(value or "").strip().lower()
        found = self.known.get(text) or self.known.get(text.replace(" ", "_"))
        if found is None:
            raise ValueError(f"“{text[:40]}” is none of {', '.join(self.stored)}.")
        return str(found)


class Whole(Widget):  # type: ignore[misc]
    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> int:
        text = str(value or "").strip()
        if not text.isdecimal() or len(text) > 9:
            raise ValueError(f"“{text[:40]}” is no whole number.")
        return int(text)

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        return value


class Seconds(Widget):  # type: ignore[misc]
    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> float | None:
        text = str(value or "").strip().removesuffix("s").strip()
        if not text:
            return None
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds <= 3600:
            raise ValueError(f"“{text[:40]}” is no number of seconds; leave it empty for never.")
        return seconds

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        return "" if value is None else value


class YesNo(Widget):  # type: ignore[misc]
    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> bool:
        text = str(value or "").strip().lower()
        if text not in YES | NO:
            raise ValueError(f"“{text[:40]}” is neither yes nor no.")
        return text in YES

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "yes" if value else "no"


class Caps(Widget):  # type: ignore[misc]
    """“3 per day; 2 per 30 minutes per campaign”."""

    def __init__(self, *, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> list[dict[str, Any]]:
        return read_caps(str(value or "").replace(";", "\n"), scope=self.scope)

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return write_caps(value, scope=self.scope).replace("\n", "; ")


class Words(Widget):  # type: ignore[misc]
    """A list of words, with commas between."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> list[str]:
        return [word.strip().lower().replace(" ", "_") for word in str(value or "").split(",") if word.strip()]

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return ", ".join(value or [])


class Targeting(Widget):  # type: ignore[misc]
    """“devices: tv, mobile; genres not: horror; weekdays: Sat, Sun”: titles by their slug, hours from 0 to 23.

    ``titles`` gives id -> slug; a title that is gone keeps its number.
    """

    def __init__(self) -> None:
        super().__init__()
        self.titles: Mapping[int, str] = {}

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> dict[str, dict[str, list[str | int]]]:
        found: dict[str, dict[str, list[str | int]]] = {}
        for part in _split(str(value or ""), ";"):
            named, colon, listed = part.partition(":")
            words = named.strip().lower().split()
            key, direction = "_".join(words[: -1 if words[-1:] == ["not"] else None]), "exclude" if words[-1:] == ["not"] else "include"
            if not colon or key not in KEYS:
                raise ValueError(f"“{part[:60]}” is no targeting; write “devices: tv, mobile; genres not: horror”. There are {', '.join(KEYS)}.")
            values = [self._value(key, one) for one in _split(listed, ",")]
            if not values:
                raise ValueError(f"“{key}” names no value; leave it out for everybody.")
            if key in found.get(direction, {}):
                raise ValueError(f"“{named.strip()}” is there twice; once is enough.")
            found.setdefault(direction, {})[key] = values
        return found

    def _value(self, key: str, text: str) -> str | int:
        if key == "titles":
            ids = {slug: pk for pk, slug in self.titles.items()}
            if text in ids:
                return ids[text]
            if text.removeprefix("#").isdecimal() and len(text) < 19:
                return int(text.removeprefix("#"))
            raise ValueError(f"There is no title “{text[:60]}”; titles are named by their slug, as in their address.")
        if key == "weekdays":
            if text[:3].capitalize() not in WEEKDAYS:
                raise ValueError(f"“{text[:40]}” is no weekday; there are {', '.join(WEEKDAYS)}.")
            return WEEKDAYS.index(text[:3].capitalize())
        if key == "dayparts":
            if not text.isdecimal() or int(text[:4]) > 23:
                raise ValueError(f"“{text[:40]}” is no hour of the day; they go from 0 to 23.")
            return int(text)
        return text

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        parts = []
        for direction in DIRECTIONS:
            asked = readable(value).get(direction, {})
            for key in KEYS:
                if values := asked.get(key):
                    name = key.replace("_", " ") + (" not" if direction == "exclude" else "")
                    parts.append(f"{name}: {', '.join(_quoted(self._shown(key, one)) for one in values)}")
        return "; ".join(parts)

    def _shown(self, key: str, value: str | int) -> str:
        if key == "titles":
            return self.titles.get(int(value), f"#{value}")
        return WEEKDAYS[int(value)] if key == "weekdays" and value in range(7) else str(value)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in ',;:"') else text


def _split(text: str, at: str) -> list[str]:
    """Parts between ``at``, where it does not stand in quotation marks; these fall away around single values."""
    if at == ";":
        parts, quoted, start = [], False, 0
        for place, sign in enumerate(text):
            if sign == '"':
                quoted = not quoted
            elif sign == ";" and not quoted:
                parts.append(text[start:place])
                start = place + 1
        return [part.strip() for part in [*parts, text[start:]] if part.strip()]
    return [cell.strip() for row in csv.reader(io.StringIO(text.strip()), skipinitialspace=True) for cell in row if cell.strip()]
