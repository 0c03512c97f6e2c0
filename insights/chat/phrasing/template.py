"""Which wording fits a result: by what was asked and by what came back."""

from __future__ import annotations

from insights.semantic.query import BEFORE

from . import ranking, series, single, standing
from .words import Telling, label, verb


def template(telling: Telling) -> str:
    """The answer with placeholders, for a result that has at least one row with a figure in it."""
    query = telling.query
    text = _body(telling)
    if query.having and query.dimensions and not query.grain and telling.cube.pacing not in {part.measure for part in query.having}:
        text = ranking.having(telling)
    estimates = [name for name in query.measures if telling.measure(name).estimate and f"estimate_{name}" in telling.facts.told]
    made = [f"{_it(telling, name)} an estimate: {{{{told.estimate_{name}}}}}." for name in estimates[:1]]
    return " ".join([text, *made])


def _it(telling: Telling, name: str) -> str:
    """A figure that stands alone was just named."""
    return "It is" if len(telling.query.measures) == 1 else f"{label(name)} {verb(telling.measure(name), now=True)}"


def _body(telling: Telling) -> str:
    query, cube = telling.query, telling.cube
    if query.grain and query.intent != "rank":
        return series.trend(telling)
    if cube.pacing and telling.facts.has(cube.pacing) and query.dimensions:
        return standing.pacing(telling)
    if not query.dimensions and not query.grain:
        return single.single(telling)
    if standing.intervals(telling):
        return standing.measured(telling)
    if query.intent == "share":
        return ranking.share(telling)
    if query.order and query.order.by in ("change", "growth") and telling.facts.has(telling.lead + BEFORE):
        return ranking.movers(telling)
    if query.intent == "rank":
        return ranking.rank(telling)
    return ranking.breakdown(telling)
