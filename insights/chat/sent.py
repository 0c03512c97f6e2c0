"""A query that a page or a program sent, told in our own words: names and periods as they are, whatever the sender called them."""

from __future__ import annotations

from datetime import datetime

from insights.semantic.access import Scope
from insights.semantic.model import SemanticModel
from insights.semantic.names import names_for
from insights.semantic.query import Filter, Period, SemanticQuery

from . import dates
from .text import words


def in_our_words(query: SemanticQuery, *, model: SemanticModel, scope: Scope, now: datetime) -> SemanticQuery:
    """The same query with its labels worked out here. A period keeps what it was called where those words mean just that today."""
    names = {dimension: dict(rows) for dimension, rows in names_for(model, scope).by_dimension.items()}
    period = _called(query.period, query.period, now)
    return query.model_copy(
        update={
            "filters": tuple(_named(part, model, names) for part in query.filters),
            "focus": tuple(_named(part, model, names) for part in query.focus),
            "period": period,
            "baseline": _called(query.baseline, query.period, now) if query.baseline else None,
        }
    )


def _named(part: Filter, model: SemanticModel, names: dict[str, dict[int | str, str]]) -> Filter:
    dimension = model.dimensions.get(part.dimension)
    listed = dimension.values if dimension else {}
    own = names.get(part.dimension, {})

    def label(value: int | str) -> str:
        if value in own:
            return own[value]
        synonyms = listed.get(str(value))
        return synonyms[0] if synonyms else str(value)

    return part.model_copy(update={"labels": tuple(label(value) for value in part.values)})


def _called(period: Period, beside: Period, now: datetime) -> Period:
    """``beside`` is what a baseline is compared with."""
    if period.start is None and period.end is None:
        return Period()
    said = words(period.label.partition(" (")[0].removesuffix(" so far"))
    read = [found.period for found in dates.find_periods(said, now=now)]
    relative = dates.find_relative(said, 0)
    read += [one for one in (dates.before(beside, now), dates.compared_with(beside, relative, now) if relative else None) if one]
    kept = next((one for one in read if (one.start, one.end) == (period.start, period.end)), None)
    return kept or Period(start=period.start, end=period.end, label=dates.label("the time asked for", period.start, period.end, now))
