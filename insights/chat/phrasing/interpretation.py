"""How a question was read, in one line: what somebody checks before they trust the figures."""

from __future__ import annotations

from collections.abc import Sequence

from insights.chat.facts import WEEKDAYS, sentence, shown
from insights.chat.text import clean
from insights.semantic.model import Measure, SemanticModel
from insights.semantic.query import WITHOUT_FIGURES, Filter, Having, SemanticQuery

COMPARED = {"gt": "above", "gte": "at least", "lt": "below", "lte": "at most", "eq": "exactly", "ne": "other than"}
ORDERED = {"value": "", "change": " change", "growth": " growth", "share": " share"}


def interpretation(
    query: SemanticQuery,
    model: SemanticModel,
    *,
    repairs: Sequence[tuple[str, str]] = (),
    widened: Sequence[str] = (),
    currency: str = "USD",
) -> str:
    if query.intent in WITHOUT_FIGURES:
        return " · ".join([_catalogue(query, model), *_repairs(repairs)])
    cube = model.cubes[query.cube]
    parts = [", ".join(_defined(cube.measures[name]) for name in query.measures)]
    by = [model.dimensions[name].label for name in query.dimensions] + ([query.grain] if query.grain else [])
    if by:
        parts.append(f"{'share ' if query.intent == 'share' else ''}by {sentence(by)}{_order(query)}")
    parts += [f"all {model.dimensions[name].plural}" for name in widened]
    parts += [filter_phrase(part, model) for part in query.filters]
    parts += [f"shown: {filter_phrase(part, model)}" for part in query.focus]
    parts += [having_words(part, cube.measures[part.measure], currency) for part in query.having]
    if cube.time is not None:
        whole = query.period.start is None and query.period.end is None and query.baseline is None
        parts.append(f"{query.period.label} (taken where no period is named)" if whole else query.period.label)
    if query.baseline is not None:
        parts.append(f"compared with {query.baseline.label}")
    parts.append(f"from {cube.label}")
    return " · ".join([*parts, *_repairs(repairs)])


def _order(query: SemanticQuery) -> str:
    if query.order is None:
        return ""
    return f", {'highest' if query.order.descending else 'lowest'}{ORDERED[query.order.by]} first"


def _repairs(repairs: Sequence[tuple[str, str]]) -> list[str]:
    return ["read " + ", ".join(f'"{clean(typed)}" as "{clean(meant)}"' for typed, meant in repairs)] if repairs else []


def _catalogue(query: SemanticQuery, model: SemanticModel) -> str:
    kind, _, name = query.subject.partition(":")
    if query.intent == "list":
        name = query.dimensions[0] if query.dimensions else name
        return f"the names of {model.dimensions[name].plural}" if name in model.dimensions else "names"
    if query.intent == "help":
        return "what can be asked"
    label = model.dimensions[name].label if kind == "dimension" and name in model.dimensions else _label(name, model)
    return f"what {label} means" if label else "what a figure means"


def _label(name: str, model: SemanticModel) -> str:
    if name in model.cubes:
        return model.cubes[name].label
    return next((cube.measures[name].label for cube in model.cubes.values() if name in cube.measures), "")


def _defined(measure: Measure) -> str:
    plain = not measure.description or measure.description.lower() == measure.label.lower()
    return measure.label if plain else f"{measure.label} ({measure.description})"


def having_words(part: Having, measure: Measure, currency: str) -> str:
    """``CTR above 1.00%``."""
    return f"{measure.label} {COMPARED[part.op]} {shown(part.value, measure.unit, currency)}"


def filter_phrase(part: Filter, model: SemanticModel) -> str:
    """``device: tv or mobile``, ``device: all but tv``."""
    return f"{model.dimensions[part.dimension].label}: {'all but ' if part.op == 'not_in' else ''}{' or '.join(value_names(part))}"


def filter_words(query: SemanticQuery, model: SemanticModel) -> str:
    """``for campaign Summer Blockbusters and genre Drama, on tv, without house ads``: what the figures were limited to."""
    asked = [part for part in query.filters if part.op == "in"]
    plain = [_called(part, model) for part in asked if not model.dimensions[part.dimension].said]
    said = [model.dimensions[part.dimension].said.format(_either(part)) for part in asked if model.dimensions[part.dimension].said]
    without = [_left_out(part, model) for part in query.filters if part.op == "not_in"]
    return ", ".join([*([f"for {sentence(plain)}"] if plain else []), *said, *([f"without {sentence(without)}"] if without else [])])


def _called(part: Filter, model: SemanticModel) -> str:
    dimension = model.dimensions[part.dimension]
    return f"{dimension.label if len(part.values) == 1 else dimension.plural} {_either(part)}"


def _left_out(part: Filter, model: SemanticModel) -> str:
    """Listed values say themselves what they are; a name needs its kind beside it."""
    return _either(part) if model.dimensions[part.dimension].values else _called(part, model)


def _either(part: Filter) -> str:
    return sentence(value_names(part))


def value_names(part: Filter) -> list[str]:
    """The values as they are called; a name may hold anything, so it is cleaned and shortened."""
    names = list(part.labels) or [_built_in(part.dimension, value) for value in part.values]
    return [clean(name)[:120] for name in names]


def _built_in(dimension: str, value: int | str) -> str:
    if dimension == "weekday" and str(value) in "1234567":
        return WEEKDAYS[int(value) - 1]
    return f"{int(value):02d}:00" if dimension == "hour_of_day" and str(value).isdecimal() else str(value).replace("_", " ")
