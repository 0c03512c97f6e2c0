"""The small parts that sentences are made of. Everything that comes from a result or a model file is a placeholder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from insights.chat.facts import Facts, cell, signed_as
from insights.semantic.model import Cube, Measure, SemanticModel
from insights.semantic.query import BEFORE, SemanticQuery

SAYS_WHEN = ("yesterday", "today", "last ", "this ", "since ", "all ")
NAMED = 5  # rows that a sentence names; the table has them all


@dataclass(frozen=True)
class Telling:
    """What is to be told. ``facts`` has at least one row with a figure. ``filled`` is how far the figures reach, where that is known."""

    query: SemanticQuery
    model: SemanticModel
    facts: Facts
    now: datetime
    filled: datetime | None = None

    @property
    def cube(self) -> Cube:
        return self.model.cubes[self.query.cube]

    def measure(self, name: str) -> Measure:
        return self.cube.measures[name]

    @property
    def lead(self) -> str:
        """The measure that an answer is about."""
        return self.query.order.measure if self.query.order else self.query.measures[0]

    def value(self, row: int, name: str) -> Any:
        """``row`` counts from 1, as in placeholders."""
        return self.facts.value(row - 1, name)

    def shown(self, row: int, name: str) -> str:
        column = self.facts.columns[self.facts.column(name)]
        return cell(self.value(row, name), signed_as(column, self.facts.derived(column)), self.facts.currency)

    def ends(self, name: str, *, highest: bool) -> bool:
        """Whether the end of a column is known: every row is here, or they were sorted by it before any was cut off."""
        return self.facts.whole or self.facts.order == (name, highest)

    def rows(self, name: str) -> list[int]:
        """The rows that have the figure."""
        return [row for row in range(1, len(self.facts.rows) + 1) if self.value(row, name) is not None]


def at(row: int, name: str) -> str:
    return f"{{{{r{row}.{name}}}}}"


def label(name: str) -> str:
    return f"{{{{label.{name}}}}}"


def call(name: str, *cells: str) -> str:
    """``call("rose", "r1.ctr")``."""
    return f"{{{{{name}({','.join(cells)})}}}}"


def ref(row: int, name: str) -> str:
    return f"r{row}.{name}"


def noun(row: int, name: str) -> str:
    """The label in the number of the figure: impression, impressions."""
    return call("noun", ref(row, name))


def many(dimension: str, count: int) -> str:
    """``campaign`` or ``campaigns``."""
    return label(dimension) if count == 1 else f"{{{{plural.{dimension}}}}}"


def opening(telling: Telling) -> str:
    """What the figures hold for: the filters and the period, or the moment they stand at."""
    about = "{{filters}}, " if telling.query.filters else ""
    if telling.cube.time is not None:
        return f"{about or 'For '}{{{{period}}}}"
    stands = "as things stand at {{told.as_of}}" if "as_of" in telling.facts.told else "as things stand"
    return f"{about}{stands}" if about else stands[:1].upper() + stands[1:]


def row_name(telling: Telling, row: int) -> str:
    """The names of a row, its time last."""
    names = [at(row, name) for name in telling.query.dimensions]
    return ", ".join([*names, at(row, "time")] if telling.query.grain else names)


def verb(measure: Measure, *, now: bool = False) -> str:
    plural = (measure.unit == "count" and measure.kind != "value") or (measure.label.endswith("s") and not measure.label.endswith("ss"))
    return ("are" if plural else "is") if now else ("were" if plural else "was")


def figure(telling: Telling, name: str, row: int) -> str:
    """``1,200 clicks``, ``CTR 1.50%``."""
    if telling.measure(name).unit == "count" and telling.measure(name).kind != "value" and telling.value(row, name) is not None:
        return f"{at(row, name)} {noun(row, name)}"
    return f"{label(name)} {at(row, name)}"


def volume(telling: Telling, name: str, row: int) -> str:
    """A rate always comes with the totals it was made of."""
    ratio = telling.measure(name).ratio
    if ratio is None or not (telling.facts.has(ratio.numerator) and telling.facts.has(ratio.denominator)):
        return ""
    return f" ({label(ratio.numerator)} {at(row, ratio.numerator)}, {label(ratio.denominator)} {at(row, ratio.denominator)})"


def moved(telling: Telling, name: str, row: int, *, since: str) -> str:
    """``, up 12.3% from 1,068 in the week before``; nothing where there is no baseline. ``since`` is the placeholder of the other period."""
    if not telling.facts.has(name + BEFORE):
        return ""
    value, before = telling.value(row, name), telling.value(row, name + BEFORE)
    if value is None:
        return ""
    if before is None:
        return f", and figures for {since} are missing"
    was = f"{at(row, name + BEFORE)}{within(telling)} {since}"
    if telling.shown(row, name) == telling.shown(row, name + BEFORE):
        return f", as good as the same as {was}"
    return f", {direction(telling, name, row)} {by(telling, name, row)} from {was}{judged(telling, name, row)}"


def within(telling: Telling) -> str:
    """``in`` before a month or a range; nothing before what says itself when it was (yesterday, last week)."""
    label = telling.query.baseline.label if telling.query.baseline else ""
    return "" if label.startswith(SAYS_WHEN) else " in"


def extreme(telling: Telling, name: str, row: int, *, highest: bool) -> str:
    """``highest`` of a rate or an amount, ``most`` of what is counted."""
    words = ("most", "fewest") if counted(telling, name) else ("highest", "lowest")
    return call(words[0 if highest else 1], ref(row, name))


def counted(telling: Telling, name: str) -> bool:
    measure = telling.measure(name)
    return verb(measure) == "were" and measure.unit == "count" and measure.kind != "value"


def direction(telling: Telling, name: str, row: int) -> str:
    return call("up" if telling.value(row, name) > telling.value(row, name + BEFORE) else "down", ref(row, name))


def by(telling: Telling, name: str, row: int) -> str:
    """How far it moved: a share in points and as a part of itself, all else as a part of itself, what was nothing by its amount."""
    change = call("change", ref(row, name))
    if not telling.value(row, name + BEFORE):
        return change
    growth = call("growth", ref(row, name))
    return f"{change} ({growth})" if telling.measure(name).unit == "share" else growth


def judged(telling: Telling, name: str, row: int) -> str:
    """Said only where up is not good: there a direction alone misleads."""
    if telling.measure(name).better != "down":
        return ""
    fell = telling.value(row, name) < telling.value(row, name + BEFORE)
    return f", which is {call('better' if fell else 'worse', ref(row, name))}"
