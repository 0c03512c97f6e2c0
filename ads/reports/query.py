"""A delivery report as somebody asks for it: which window, split by what, limited to what, in which order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from types import MappingProxyType
from typing import Literal

from django.http import QueryDict

from adplatform.eventlog.rollup import truncate
from adplatform.eventlog.rollup_retention import kept_since
from adplatform.moments import NotATime, read_day

from .figures import DIMENSIONS, MEASURES, MOST_DIMENSIONS, USUAL

Audience = Literal["all", "viewers", "synthetic"]
AUDIENCES: dict[str, str] = {"all": "Viewers and synthetic audience", "viewers": "Viewers alone", "synthetic": "Synthetic audience alone"}
# Name of a period -> how it is called, in the order offered.
PERIODS: dict[str, str] = {
    "today": "Today", "yesterday": "Yesterday", "7d": "Last 7 days", "28d": "Last 28 days", "90d": "Last 90 days", "month": "This month",
    "last_month": "Last month", "24h": "Last 24 hours", "custom": "From … to …",
}  # fmt: skip
DAYS_BACK = {"7d": 7, "28d": 28, "90d": 90}
LONGEST = timedelta(days=366 * 5)
ROWS, MOST_ROWS = 200, 5_000
MOST_VALUES, LONGEST_VALUE = 50, 40
FILTERS = ("advertiser", "campaign", "flight", "ad", "title", "genre", "device", "hour")
OF_WORDS = ("genre", "device")
PARAMETERS = frozenset({"by", "show", "period", "from", "to", "compare", "audience", "sort", "rows", "format", *FILTERS})


class Unreadable(ValueError):
    """The report that was asked for makes no sense; ``problems`` has a sentence for each parameter."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = dict(problems)


@dataclass(frozen=True, slots=True)
class Query:
    """``since`` to ``until`` (not included) in UTC, whole hours. ``sort`` is a dimension or a measure, with a minus for the largest first.

    ``advertiser`` limits everything to that one's rows, whatever else is asked; 0 finds nothing. ``notes`` say what was changed.
    """

    since: datetime
    until: datetime
    by: tuple[str, ...] = ("campaign",)
    show: tuple[str, ...] = USUAL
    filters: Mapping[str, tuple[int | str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    audience: str = "all"
    sort: str = ""
    rows: int = ROWS
    compare: bool = False
    advertiser: int | None = None
    period: str = "custom"
    notes: tuple[str, ...] = ()

    @property
    def hourly(self) -> bool:
        """Whether it takes the rollup of hours."""
        return any(DIMENSIONS[name].hourly for name in (*self.by, *self.filters)) or not all(_midnight(at) for at in (self.since, self.until))

    @property
    def order(self) -> tuple[str, bool]:
        """What rows are sorted by, and whether the largest come first."""
        if self.sort:
            return self.sort.removeprefix("-"), self.sort.startswith("-")
        of_time = next((name for name in self.by if DIMENSIONS[name].of_time), None)
        return (of_time, False) if of_time else (self.show[0], True)

    def before(self) -> Query:
        """The same over as much time right before."""
        return replace(self, since=self.since - (self.until - self.since), until=self.since)


def read_query(given: QueryDict, *, now: datetime, advertiser: int | None = None) -> Query:
    """The report that query parameters ask for. Raises Unreadable with a sentence for each that makes no sense."""
    problems: dict[str, str] = {}
    for name in sorted(set(given) - PARAMETERS):
        problems[name] = f"There is no parameter “{name[:60]}”; there are {', '.join(sorted(PARAMETERS))}."
    by = _names(given, "by", DIMENSIONS, problems, default=("campaign",))
    if len(by) > MOST_DIMENSIONS:
        problems["by"] = f"A report is split by at most {MOST_DIMENSIONS}."
    show = _names(given, "show", MEASURES, problems, default=USUAL) or USUAL
    period = _one(given, "period", "custom" if given.get("from") or given.get("to") else "28d", PERIODS, problems)
    since, until = _window(given, period, now, problems)
    query = Query(
        since=since, until=until, by=by, show=show, filters=_filters(given, problems), audience=_one(given, "audience", "all", AUDIENCES, problems),
        sort=_sort(given, by, show, problems), rows=_rows(given, problems), compare=given.get("compare", "") not in ("", "0", "false"),
        advertiser=advertiser, period=period,
    )  # fmt: skip
    if problems:
        raise Unreadable(problems)
    return within_what_is_kept(query, now=now)


def within_what_is_kept(query: Query, *, now: datetime) -> Query:
    """The same query over what there still is. Hours are kept for a time; where they are needed only for its ends, whole days take their
    place, and where they are what is asked for, it is refused. Raises Unreadable."""
    kept = kept_since("hour", now)
    if not query.hourly or query.since >= kept:
        return query
    if any(DIMENSIONS[name].hourly for name in (*query.by, *query.filters)):
        raise Unreadable(
            {"period": f"Figures by the hour are kept since {kept:%d %b %Y, %H:%M} UTC: begin then or later, or take the hour out of the report."}
        )
    since, until = truncate(query.since, "day"), truncate(query.until - timedelta(microseconds=1), "day") + timedelta(days=1)
    return replace(query, since=since, until=until, notes=(*query.notes, "Hours of that time are no longer kept: these are whole days."))


def _midnight(at: datetime) -> bool:
    return at.astimezone(UTC).time() == time()


def _names(given: QueryDict, name: str, known: Mapping[str, object], problems: dict[str, str], *, default: tuple[str, ...]) -> tuple[str, ...]:
    if name not in given:
        return default
    found = tuple(dict.fromkeys(word for text in given.getlist(name) for word in text.split(",") if word))
    if strange := [word for word in found if word not in known]:
        problems[name] = f"“{strange[0][:60]}” is not among {', '.join(known)}."
    return tuple(word for word in found if word in known)


def _one(given: QueryDict, name: str, default: str, known: Mapping[str, str], problems: dict[str, str]) -> str:
    found = given.get(name) or default
    if found not in known:
        problems[name] = f"“{found[:60]}” is not among {', '.join(known)}."
        return default
    return found


def _window(given: QueryDict, period: str, now: datetime, problems: dict[str, str]) -> tuple[datetime, datetime]:
    today = now.astimezone(UTC).date()
    if period == "24h":
        until = truncate(now, "hour") + timedelta(hours=1)
        return until - timedelta(hours=24), until
    first, last = _days(given, period, today, problems)
    if last < first:
        problems["to"] = f"{last} lies before {first}: a period ends after it begins."
        first, last = last, first
    if last - first > LONGEST:
        problems["from"] = f"A report reaches over at most {LONGEST.days // 366} years."
    return _start(first), _start(last + timedelta(days=1))


def _days(given: QueryDict, period: str, today: date, problems: dict[str, str]) -> tuple[date, date]:
    """The first and the last day, both included."""
    if period in DAYS_BACK:
        return today - timedelta(days=DAYS_BACK[period] - 1), today
    if period == "yesterday":
        return today - timedelta(days=1), today - timedelta(days=1)
    if period == "month":
        return today.replace(day=1), today
    if period == "last_month":
        last = today.replace(day=1) - timedelta(days=1)
        return last.replace(day=1), last
    if period == "today":
        return today, today
    ends: dict[str, date] = {}
    for name in ("from", "to"):
        try:
            ends[name] = read_day(given.get(name) or "") if given.get(name) else today
        except NotATime as error:
            problems[name] = f"{error}."
            ends[name] = today
    if not given.get("from"):
        problems.setdefault("from", "Say from which day on, for example 2026-11-01.")
    return ends["from"], ends["to"]


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _filters(given: QueryDict, problems: dict[str, str]) -> Mapping[str, tuple[int | str, ...]]:
    found: dict[str, tuple[int | str, ...]] = {}
    for name in FILTERS:
        values = tuple(dict.fromkeys(word for text in given.getlist(name) for word in text.split(",") if word))
        if len(values) > MOST_VALUES:
            problems[name] = f"At most {MOST_VALUES} of them at once."
        elif name in OF_WORDS:
            if any(len(value) > LONGEST_VALUE or not value.isprintable() for value in values):
                problems[name] = f"No {name} is called so."
            elif values:
                found[name] = tuple("" if value == "-" else value for value in values)
        elif strange := [value for value in values if not (value.isascii() and value.isdigit() and len(value) < 19)]:
            problems[name] = f"“{strange[0][:60]}” is no {'hour, 0 to 23' if name == 'hour' else 'id'}."
        elif values:
            found[name] = tuple(int(value) for value in values)
    return found


def _sort(given: QueryDict, by: Sequence[str], show: Sequence[str], problems: dict[str, str]) -> str:
    sort = given.get("sort", "")
    if sort and sort.removeprefix("-") not in (*by, *show):
        # What a column was sorted by is often the one that was just taken out.
        if sort.removeprefix("-") in {**DIMENSIONS, **MEASURES}:
            return ""
        problems["sort"] = f"“{sort[:60]}” is not among {', '.join((*by, *show))}; a minus before it sorts the largest first."
    return sort


def _rows(given: QueryDict, problems: dict[str, str]) -> int:
    text = given.get("rows") or str(ROWS)
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 1 <= int(text) <= MOST_ROWS):
        problems["rows"] = f"Rows are 1 to {MOST_ROWS:,}; a CSV holds them all."
        return ROWS
    return int(text)
