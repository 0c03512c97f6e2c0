"""The interpretation as parts that can be changed: each option is a whole query, ready to run."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from insights.semantic import compiler
from insights.semantic.compiler import QueryError
from insights.semantic.query import WITHOUT_FIGURES, Order, Period, SemanticQuery

from . import dates
from .context import Context
from .phrasing.interpretation import filter_phrase, having_words
from .text import words

PERIODS = ("today", "yesterday", "last 7 days", "last week", "this month", "last month", "all time")
GRAINS = ("hour", "day", "week", "month")
LIMITS = (3, 5, 10, 20)
MOST_OPTIONS = 8
# Hours over a long time make a chart that nobody reads.
LONGEST_BY_HOUR = timedelta(days=14)
Chip = dict[str, Any]


def chips(query: SemanticQuery, context: Context) -> list[Chip]:
    """``[{id, kind, label, options?: [{label, query}], remove?: query}]``; queries as JSON. An option that could not be asked is not offered."""
    if query.intent in WITHOUT_FIGURES or query.cube not in context.model.cubes:
        return []
    made = _Chips(query, context)
    return [*made.measures(), *made.dimensions(), *made.filters(), *made.period(), *made.grain(), *made.having(), *made.order(), *made.limit()]


class _Chips:
    def __init__(self, query: SemanticQuery, context: Context) -> None:
        self.query, self.context, self.model = query, context, context.model
        self.cube = context.model.cubes[query.cube]

    def edited(self, **changed: Any) -> SemanticQuery | None:
        """The query with something changed, or None where nothing could answer that."""
        given = {name: getattr(self.query, name) for name in SemanticQuery.model_fields} | changed
        given = _consistent(given, self.context)
        try:
            made = SemanticQuery(**given)
            compiler.checked_cube(made, self.model, advertiser=self.context.scope.advertiser)
        except (ValidationError, QueryError):
            return None
        return None if made == self.query else made

    def chip(self, kind: str, name: str, label: str, *, options: Iterable[tuple[str, SemanticQuery | None]] = (), remove: Any = None) -> list[Chip]:
        made: Chip = {"id": f"{kind}:{name}", "kind": kind, "label": label}
        offered = [{"label": said, "query": one.model_dump(mode="json")} for said, one in options if one is not None][:MOST_OPTIONS]
        if offered:
            made["options"] = offered
        if remove is not None:
            made["remove"] = remove.model_dump(mode="json")
        return [made]

    def measures(self) -> list[Chip]:
        shown: list[Chip] = []
        for name in self.query.measures:
            others = [other for other in (*self.cube.overview, *self.cube.measures) if other not in self.query.measures]
            options = ((self.cube.measures[other].label, self._instead(name, other)) for other in dict.fromkeys(others))
            left = tuple(one for one in self.query.measures if one != name)
            remove = self.edited(measures=left) if left else None
            shown += self.chip("measure", name, self.cube.measures[name].label, options=options, remove=remove)
        return shown

    def _instead(self, name: str, other: str) -> SemanticQuery | None:
        order = self.query.order
        return self.edited(
            measures=tuple(other if one == name else one for one in self.query.measures),
            order=order.model_copy(update={"measure": other}) if order and order.measure == name else order,
            having=tuple(part for part in self.query.having if part.measure != name),
        )

    def dimensions(self) -> list[Chip]:
        shown: list[Chip] = []
        offered = [name for name in (*self.cube.dimensions, *self.cube.time_dimensions) if not self.model.dimensions[name].hidden]
        for name in self.query.dimensions:
            others = [other for other in offered if other not in self.query.dimensions]
            options = ((f"by {self.model.dimensions[other].label}", self._split(name, other)) for other in others)
            left = tuple(one for one in self.query.dimensions if one != name)
            shown += self.chip("dimension", name, f"by {self.model.dimensions[name].label}", options=options, remove=self.edited(dimensions=left))
        return shown

    def _split(self, name: str, other: str) -> SemanticQuery | None:
        filters = tuple(part for part in self.query.filters if part.dimension != name or len(part.values) == 1)
        return self.edited(dimensions=tuple(other if one == name else one for one in self.query.dimensions), filters=filters)

    def filters(self) -> list[Chip]:
        shown: list[Chip] = []
        for part in self.query.filters:
            left = tuple(other for other in self.query.filters if other != part)
            turned = part.model_copy(update={"op": "in" if part.op == "not_in" else "not_in"})
            other = self.edited(filters=tuple(turned if one == part else one for one in self.query.filters))
            label = filter_phrase(part, self.model)
            shown += self.chip(
                "filter", part.dimension, label, options=[(filter_phrase(turned, self.model), other)], remove=self.edited(filters=left)
            )
        for part in self.query.focus:
            shown += self.chip("filter", f"focus-{part.dimension}", f"shown: {filter_phrase(part, self.model)}", remove=self.edited(focus=()))
        return shown

    def period(self) -> list[Chip]:
        if self.cube.time is None:
            return []
        found = [found.period for said in PERIODS for found in dates.find_periods(words(said), now=self.context.now)[:1]]
        options = [
            (period.label, self._in(period)) for period in found if (period.start, period.end) != (self.query.period.start, self.query.period.end)
        ]
        everything = self._in(Period()) if self.query.period.start or self.query.period.end else None
        return self.chip("period", "period", self.query.period.label, options=options, remove=everything) + self._baseline()

    def _in(self, period: Period) -> SemanticQuery | None:
        """The baseline moves along; where there is none for the new period, a plain question is left."""
        baseline = dates.before(period, self.context.now) if self.query.baseline else None
        grain = self.query.grain
        if grain == "hour" and (period.start is None or period.end is None or period.end - period.start > LONGEST_BY_HOUR):
            grain = "day"
        return self.edited(period=period, baseline=baseline, grain=grain)

    def _baseline(self) -> list[Chip]:
        before = dates.before(self.query.period, self.context.now)
        if self.query.baseline is None:
            added = self.edited(baseline=before) if before else None
            return self.chip("baseline", "baseline", "compare", options=[(f"with {before.label}", added)]) if before and added else []
        options = [(f"with {before.label}", self.edited(baseline=before))] if before else []
        return self.chip("baseline", "baseline", f"compared with {self.query.baseline.label}", options=options, remove=self.edited(baseline=None))

    def grain(self) -> list[Chip]:
        if self.cube.time is None:
            return []
        if self.query.grain is None:
            return []
        start, end = self.query.period.start, self.query.period.end
        long = start is None or end is None or end - start > LONGEST_BY_HOUR
        options = [(f"by {grain}", self.edited(grain=grain)) for grain in GRAINS if not (grain == "hour" and long)]
        return self.chip("grain", "grain", f"by {self.query.grain}", options=options, remove=self.edited(grain=None))

    def having(self) -> list[Chip]:
        shown: list[Chip] = []
        for number, part in enumerate(self.query.having):
            left = tuple(one for index, one in enumerate(self.query.having) if index != number)
            label = having_words(part, self.cube.measures[part.measure], self.context.currency)
            shown += self.chip("having", f"{part.measure}-{number}", label, remove=self.edited(having=left))
        return shown

    def order(self) -> list[Chip]:
        order = self.query.order
        if order is None:
            return []
        kinds: list[Any] = ["value", *(["change", "growth"] if self.query.baseline else []), *(["share"] if self.query.intent == "share" else [])]
        options = []
        for by in kinds:
            for descending in (True, False):
                one = Order(measure=order.measure, descending=descending, by=by)
                options.append((_ordered(one), self.edited(order=one)))
        return self.chip("order", "order", _ordered(order), options=options)

    def limit(self) -> list[Chip]:
        if self.query.intent != "rank":
            return []
        options = [(f"the first {limit}", self.edited(limit=limit)) for limit in LIMITS]
        return self.chip("limit", "limit", f"the first {self.query.limit}", options=options)


def _ordered(order: Order) -> str:
    what = "" if order.by == "value" else f" {order.by}"
    return f"{'highest' if order.descending else 'lowest'}{what} first"


def _consistent(given: dict[str, Any], context: Context) -> dict[str, Any]:
    """What hangs on a changed part changes with it: an order on its baseline, a kind of question on its dimensions."""
    if given["baseline"] is None and given["order"] and given["order"].by in ("change", "growth"):
        given["order"] = given["order"].model_copy(update={"by": "value"})
    given["focus"] = tuple(part for part in given["focus"] if part.dimension in given["dimensions"])
    if given["grain"] is None and given["intent"] == "trend":
        given["intent"] = "breakdown" if given["dimensions"] else "value"
    if not given["dimensions"] and not given["grain"] and given["intent"] in ("breakdown", "rank", "share", "pacing"):
        given |= {"intent": "compare" if given["baseline"] else "value", "order": None, "limit": 200}
    if given["intent"] == "compare" and not given["baseline"] and not given["dimensions"]:
        given["intent"] = "value"
    if given["intent"] == "value" and given["baseline"]:
        given["intent"] = "compare"
    shown = {*given["measures"]}
    if given["order"] and given["order"].measure not in shown:
        given["order"] = given["order"].model_copy(update={"measure": given["measures"][0]})
    return given
