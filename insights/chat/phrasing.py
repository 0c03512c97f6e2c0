"""The built-in wording of an answer: templates over placeholders, and the line that says how the question was read."""

from __future__ import annotations

from collections.abc import Sequence

from insights.semantic.model import Cube, Measure, SemanticModel
from insights.semantic.query import WITHOUT_FIGURES, SemanticQuery

from .grounding import Facts, sentence


def interpretation(query: SemanticQuery, model: SemanticModel, *, repairs: Sequence[tuple[str, str]] = ()) -> str:
    if query.intent in WITHOUT_FIGURES:
        about = [query.subject.partition(":")[2].replace("_", " "), *(model.dimensions[name].plural for name in query.dimensions)]
        return " · ".join([query.intent, *filter(None, about)])
    cube = model.cubes[query.cube]
    parts = [", ".join(_defined(cube.measures[name]) for name in query.measures)]
    by = [model.dimensions[name].label for name in query.dimensions] + ([query.grain] if query.grain else [])
    if by:
        order = "" if query.order is None else f", {'highest' if query.order.descending else 'lowest'} first"
        parts.append(f"by {sentence(by)}{order}")
    parts += [f"{model.dimensions[part.dimension].label}: {' or '.join(part.labels or map(str, part.values))}" for part in query.filters]
    parts += [query.period.label, f"from {cube.label}"]
    if repairs:
        parts.append("read " + ", ".join(f'"{typed}" as "{meant}"' for typed, meant in repairs))
    return " · ".join(parts)


def _defined(measure: Measure) -> str:
    return (
        f"{measure.label} ({measure.description})" if measure.description and measure.description.lower() != measure.label.lower() else measure.label
    )


def filter_words(query: SemanticQuery, model: SemanticModel) -> str:
    """``campaign Summer Blockbusters on device mobile``, as one phrase of names."""
    return " and ".join(f"{model.dimensions[part.dimension].label} {sentence(part.labels or tuple(map(str, part.values)))}" for part in query.filters)


def template(query: SemanticQuery, cube: Cube, facts: Facts) -> str:
    """The answer with placeholders, for a result that has at least one row with a figure in it."""
    match query.intent:
        case "overview":
            return f"{_opening(query)}: {sentence([_figure(name, cube, 1) for name in query.measures])}."
        case "value":
            return f"{_opening(query)}, {sentence([_stated(name, cube, 1) for name in query.measures])}."
        case "rank":
            return _rank(query, cube, facts)
        case "trend":
            return _trend(query, facts)
    return _breakdown(query, cube, facts)


def _opening(query: SemanticQuery) -> str:
    return "For {{filters}}, {{period}}" if query.filters else "For {{period}}"


def _figure(name: str, cube: Cube, row: int) -> str:
    if cube.measures[name].unit == "count":
        return f"{{{{r{row}.{name}}}}} {{{{label.{name}}}}}"
    return f"{{{{label.{name}}}}} {{{{r{row}.{name}}}}}"


def _stated(name: str, cube: Cube, row: int) -> str:
    verb = "were" if cube.measures[name].label.endswith("s") else "was"
    return f"{{{{label.{name}}}}} {verb} {{{{r{row}.{name}}}}}{_volume(name, cube, row)}"


def _volume(name: str, cube: Cube, row: int) -> str:
    """A rate always comes with the totals it was made of."""
    ratio = cube.measures[name].ratio
    if ratio is None:
        return ""
    return (
        f" ({{{{label.{ratio.numerator}}}}} {{{{r{row}.{ratio.numerator}}}}}, {{{{label.{ratio.denominator}}}}} {{{{r{row}.{ratio.denominator}}}}})"
    )


def _row_name(query: SemanticQuery, row: int) -> str:
    names = [f"{{{{r{row}.{name}}}}}" for name in query.dimensions]
    return ", ".join([*names, f"{{{{r{row}.time}}}}"] if query.grain else names)


def _rank(query: SemanticQuery, cube: Cube, facts: Facts) -> str:
    measure = query.order.measure if query.order else query.measures[0]
    which = "highest" if query.order is None or query.order.descending else "lowest"
    values = [facts.value(row, measure) for row in range(len(facts.rows))]
    if values[0] is None:
        return f"{_opening(query)}, {{{{label.{measure}}}}} cannot be ranked: there is nothing to divide by."
    tied = sum(1 for value in values if value == values[0])
    if tied > 1:
        names = sentence([_row_name(query, row) for row in range(1, min(tied, 5) + 1)])
        names += " and others" if tied > 5 else ""
        return f"{_opening(query)}, {names} share the {{{{{which}(r1.{measure})}}}} {{{{label.{measure}}}}}: {{{{r1.{measure}}}}}."
    lead = f"{_opening(query)}, {_row_name(query, 1)} had the {which} {{{{label.{measure}}}}}: {{{{r1.{measure}}}}}{_volume(measure, cube, 1)}."
    rest = [f"{_row_name(query, row)} ({{{{r{row}.{measure}}}}})" for row in range(2, min(len(values), 5) + 1) if values[row - 1] is not None]
    return f"{lead} Next: {', '.join(rest)}." if rest else lead


def _trend(query: SemanticQuery, facts: Facts) -> str:
    measure = query.measures[0]
    known = [(value, row) for row in range(len(facts.rows)) if (value := facts.value(row, measure)) is not None]
    top, low = max(known, key=lambda pair: pair[0])[1] + 1, min(known, key=lambda pair: pair[0])[1] + 1
    lead = f"{_opening(query)}, {{{{label.{measure}}}}} by {query.grain}"
    if facts.value(top - 1, measure) == facts.value(low - 1, measure):
        return f"{lead}: {{{{r{top}.{measure}}}}} throughout ({{{{rows}}}} shown)."
    highest = f"{{{{highest(r{top}.{measure})}}}} {_row_name(query, top)} with {{{{r{top}.{measure}}}}}"
    return f"{lead}: {highest}, {{{{lowest(r{low}.{measure})}}}} {_row_name(query, low)} with {{{{r{low}.{measure}}}}}."


def _breakdown(query: SemanticQuery, cube: Cube, facts: Facts) -> str:
    if len(facts.rows) == 1 or (query.intent == "compare" and len(facts.rows) <= 4):
        figures = [sentence([_figure(name, cube, row) for name in query.measures]) for row in range(1, len(facts.rows) + 1)]
        return f"{_opening(query)}: {'; '.join(f'{_row_name(query, row)}: {text}' for row, text in enumerate(figures, start=1))}."
    measure = query.measures[0]
    last = max(row for row in range(1, len(facts.rows) + 1) if facts.value(row - 1, measure) is not None)
    if facts.value(0, measure) == facts.value(last - 1, measure):
        return f"{_opening(query)}, {{{{label.{measure}}}}} is {{{{r1.{measure}}}}} for all {{{{rows}}}}."
    top = f"{_row_name(query, 1)} has the {{{{highest(r1.{measure})}}}} {{{{label.{measure}}}}} ({{{{r1.{measure}}}}})"
    low = f"{_row_name(query, last)} the {{{{lowest(r{last}.{measure})}}}} ({{{{r{last}.{measure}}}}})"
    return f"{_opening(query)}, {top} and {low}, among {{{{rows}}}}."
