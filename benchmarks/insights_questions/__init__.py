"""Questions with answers written by hand: SQL over the tables, never the compiler's. One YAML file for each area.

An item: ``id, kind, intent, ask``, optionally ``before`` (questions asked earlier in the conversation), ``as`` (who asks; an executive where it is
not said), ``gold`` and ``match``. ``gold`` is SQL, a list of SQL of which each would be right, ``clarify``, ``refuse``, or a list with these words in
it. ``match``: ``subset`` (the gold columns are among those of the answer, rows in any order; the default), ``ordered`` (and in the gold's order),
``leads`` (the gold rows come
first, in its order, whatever follows), ``contains`` (every gold value stands somewhere in the answer) or ``exact`` (no other column). ``says`` are
texts the answer must hold beside, each with alternatives between bars; ``forbidden`` is SQL of which no value may be seen.

In SQL ``$yesterday`` is ``bucket >= '2026-11-20' AND bucket < '2026-11-21'``, ``$yesterday.booked_at`` the same of another column, and
``@campaign(Summer Blockbusters)`` is ``campaign_id = (SELECT id ...)``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parent
KINDS = ("clean", "typo", "terse", "follow-up", "ambiguous", "out-of-scope", "unanswerable", "injection", "cross-tenant")
MATCHES = ("subset", "ordered", "leads", "contains", "exact")
WORDS = ("clarify", "refuse")
# Half-open, in UTC; the clock stands at Saturday 2026-11-21 18:30.
PERIODS = {
    "today": ("2026-11-21", "2026-11-22"),
    "yesterday": ("2026-11-20", "2026-11-21"),
    "day_before": ("2026-11-19", "2026-11-20"),
    "this_week": ("2026-11-16", "2026-11-23"),
    "last_week": ("2026-11-09", "2026-11-16"),
    "week_before": ("2026-11-02", "2026-11-09"),
    "last_7_days": ("2026-11-14", "2026-11-21"),
    "seven_before": ("2026-11-07", "2026-11-14"),
    "last_14_days": ("2026-11-07", "2026-11-21"),
    "last_30_days": ("2026-10-22", "2026-11-21"),
    "this_month": ("2026-11-01", "2026-12-01"),
    "last_month": ("2026-10-01", "2026-11-01"),
    "september": ("2026-09-01", "2026-10-01"),
    "august": ("2026-08-01", "2026-09-01"),
    "june": ("2026-06-01", "2026-07-01"),
    "since_june": ("2026-06-01", "2026-11-22"),
    "q3": ("2026-07-01", "2026-10-01"),
    "q2": ("2026-04-01", "2026-07-01"),
    "last_quarter": ("2026-07-01", "2026-10-01"),
    "this_quarter": ("2026-10-01", "2027-01-01"),
    "this_year": ("2026-01-01", "2027-01-01"),
    "yesterday_evening": ("2026-11-20 18:00", "2026-11-21 00:00"),
    "last_weekend": ("2026-11-14", "2026-11-16"),
    "last_3_months": ("2026-08-01", "2026-11-01"),
    "july": ("2026-07-01", "2026-08-01"),
    "may": ("2026-05-01", "2026-06-01"),
    "monday": ("2026-11-16", "2026-11-17"),
    "tuesday": ("2026-11-17", "2026-11-18"),
    "early_october": ("2026-10-01", "2026-10-16"),
    "month_to_last_month_day": ("2026-10-01", "2026-10-22"),
}
THINGS = {
    "campaign": ("campaign_id", "ads_campaign"), "advertiser": ("advertiser_id", "ads_advertiser"), "flight": ("flight_id", "ads_flight"),
    "ad": ("ad_id", "ads_ad"), "title": ("title_id", "catalog_title"),
}  # fmt: skip


@dataclass(frozen=True)
class Question:
    """``gold`` holds SQL, and the words clarify and refuse where these are right too."""

    id: str
    area: str
    kind: str
    intent: str
    ask: str
    gold: tuple[str, ...]
    match: str = "subset"
    before: tuple[str, ...] = ()
    user: str = "executive"
    says: tuple[str, ...] = ()
    forbidden: str = ""
    tolerance: float = 1e-6
    fast: bool = False

    @property
    def sql(self) -> tuple[str, ...]:
        return tuple(gold for gold in self.gold if gold not in WORDS)

    @property
    def in_scope(self) -> bool:
        """Whether a figure is what is asked for."""
        return bool(self.sql or self.says) and not set(WORDS) & set(self.gold)


def expanded(sql: str) -> str:
    """``$period`` and ``@thing(name)`` written out."""

    def period(found: re.Match[str]) -> str:
        start, end = PERIODS[found.group(1)]
        column = found.group(2) or "bucket"
        return f"({column} >= '{start}' AND {column} < '{end}')"

    def thing(found: re.Match[str]) -> str:
        column, table = THINGS[found.group(1)]
        names = ", ".join("'" + name.strip().replace("'", "''") + "'" for name in found.group(2).split("|"))
        return f"{column} IN (SELECT id FROM {table} WHERE name IN ({names}))"  # noqa: S608

    return re.sub(r"@(\w+)\(([^)]*)\)", thing, re.sub(r"\$(\w+)(?:\.([\w.]+))?", period, sql))


def load(folder: Path = FOLDER) -> list[Question]:
    """Raises ValueError for an item that is not whole or whose id is there twice."""
    questions = [question for path in sorted(folder.glob("*.yaml")) for question in _read(path)]
    seen: set[str] = set()
    for question in questions:
        if question.id in seen:
            raise ValueError(f"the question id {question.id} is there twice")
        seen.add(question.id)
    return questions


def _read(path: Path) -> Iterator[Question]:
    for number, item in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")), start=1):
        try:
            yield _question(path.stem, item)
        except (KeyError, TypeError, ValueError) as problem:
            raise ValueError(f"{path.name}, item {number}: {problem!r}") from problem


def _question(area: str, item: dict[str, Any]) -> Question:
    gold = item.get("gold", [])
    question = Question(
        id=item["id"],
        area=area,
        kind=item["kind"],
        intent=item["intent"],
        ask=item["ask"],
        gold=tuple(one if one in WORDS else expanded(one) for one in ([gold] if isinstance(gold, str) else gold)),
        match=item.get("match", "subset"),
        before=tuple(item.get("before", ())),
        user=item.get("as", "executive"),
        says=tuple(item.get("says", ())),
        forbidden=expanded(item.get("forbidden", "")),
        tolerance=item.get("tolerance", 1e-6),
        fast=item.get("fast", False),
    )
    if question.kind not in KINDS or question.match not in MATCHES:
        raise ValueError(f"{question.id}: unknown kind {question.kind} or match {question.match}")
    if not (question.gold or question.says):
        raise ValueError(f"{question.id}: no gold")
    if strange := set(item) - {"id", "kind", "intent", "ask", "gold", "match", "before", "as", "says", "forbidden", "tolerance", "fast"}:
        raise ValueError(f"{question.id}: {strange}")
    return question
