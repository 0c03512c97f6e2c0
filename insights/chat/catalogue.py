"""Answers from the model itself: what there is, what a figure means, what can be asked. Names are read under the caller's own scope."""

from __future__ import annotations

from collections.abc import Iterator

from insights.semantic import compiler, read
from insights.semantic.compiler import Column, QueryError
from insights.semantic.execute import run
from insights.semantic.model import Cube, Measure
from insights.semantic.query import WITHOUT_FIGURES, SemanticQuery

from .context import Context, Outcome, Statement
from .figures import statement
from .grounding import Facts
from .phrasing import filter_words

MOST_NAMED = 5
UNITS = {
    "count": "a count", "share": "a share, shown in percent", "money": "money", "hours": "hours", "seconds": "seconds",
    "milliseconds": "milliseconds", "number": "a number",
}  # fmt: skip
BETTER = {"up": "up is good", "down": "down is good", "neither": "neither direction is good by itself"}
MEANING = (
    Column("figure", "figure", "dimension"), Column("means", "means", "dimension"), Column("formula", "how it is made", "dimension"),
    Column("unit", "unit", "dimension"), Column("good", "which way is good", "dimension"), Column("source", "from", "dimension"),
    Column("filled", "filled to", "dimension"),
)  # fmt: skip


def listed(query: SemanticQuery, context: Context) -> Outcome:
    """The names of one dimension."""
    name = query.dimensions[0] if query.dimensions else ""
    dimension = context.model.dimensions.get(name)
    if dimension is None or dimension.hidden or not any(_has(cube, name) for _, cube in _visible(context)):
        raise QueryError(f"there is nothing called {name!r} to list")
    column = Column(name, dimension.label, "dimension")
    statements: tuple[Statement, ...] = ()
    if dimension.entity is None:
        rows: tuple[tuple[str, ...], ...] = tuple((synonyms[0] if synonyms else value,) for value, synonyms in dimension.values.items())
    else:
        compiled = compiler.compile_names(dimension.entity, advertiser=context.scope.advertiser)
        rows = tuple((str(row[1]),) for row in run(compiled, model=context.model, scope=context.scope).values)
        statements = (statement("the names", compiled),)
    facts = Facts((column,), rows, context.currency, filters=filter_words(query, context.model), plurals={name: dimension.plural})
    return Outcome(facts, _names(name, len(rows)), statements=statements, filled=bool(rows))


def _names(name: str, count: int) -> str:
    if count == 0:
        return f"There are no {{{{plural.{name}}}}} that you may see."
    if count == 1:
        return f"There is {{{{rows}}}} {{{{label.{name}}}}} that you may see: {{{{r1.{name}}}}}."
    named = ", ".join(f"{{{{r{row}.{name}}}}}" for row in range(1, min(count, MOST_NAMED) + 1))
    return f"There are {{{{rows}}}} {{{{plural.{name}}}}} that you may see: {named}{' and others' if count > MOST_NAMED else ''}."


def _has(cube: Cube, dimension: str) -> bool:
    return dimension in cube.dimensions or dimension in cube.time_dimensions


def _visible(context: Context) -> Iterator[tuple[str, Cube]]:
    return ((name, cube) for name, cube in context.model.cubes.items() if context.scope.sees(cube))


def defined(query: SemanticQuery, context: Context) -> Outcome:
    """What a measure, a dimension or a cube means."""
    kind, _, name = query.subject.partition(":")
    if kind == "dimension":
        return _dimension(name, context)
    if kind == "cube":
        return _cube(name, context)
    asked = list(dict.fromkeys([name, *query.measures]))
    found = [(cube, cube.measures[one]) for one in asked for _, cube in _visible(context) if one in cube.measures]
    if not any(measure is cube.measures.get(name) for cube, measure in found):
        raise QueryError(f"there is no measure called {name!r} that you may see")
    rows = tuple(_meaning(cube, measure, context) for cube, measure in found)
    draft = (
        "{{r1.figure}} means: {{r1.means}}."
        + (" It" if rows[0][1].lower() == rows[0][2].lower() else " How it is made: {{r1.formula}}; it")
        + " is {{r1.unit}}, and {{r1.good}}. From {{r1.source}}{{told.filled}}."
    )
    filled = f", filled to {rows[0][-1]}" if rows[0][-1] else ""
    second = next((number for number, row in enumerate(rows, start=1) if row[0] != rows[0][0]), None)
    if second:
        draft += f" {{{{r{second}.figure}}}} means: {{{{r{second}.means}}}}."
    elif len(rows) > 1:
        draft += " It is also kept elsewhere; the table says where."
    if found[0][1].estimate:
        draft += " It is an estimate: {{told.estimate}}."
    return Outcome(Facts(MEANING, rows, context.currency, told={"filled": filled, "estimate": found[0][1].estimate}), draft)


def _meaning(cube: Cube, measure: Measure, context: Context) -> tuple[str, ...]:
    filled = read.filled(cube, model=context.model, scope=context.scope)
    upto = f"{filled:%Y-%m-%d %H:%M} UTC" if filled else ""
    unit = f"{UNITS[measure.unit]} in {context.currency}" if measure.unit == "money" else UNITS[measure.unit]
    return (measure.label, measure.description, formula(cube, measure), unit, BETTER[measure.better], cube.label, upto)


def formula(cube: Cube, measure: Measure) -> str:
    """How it is made, in the words of its parts."""
    if measure.formula:
        return measure.formula
    if measure.ratio:
        factor = "" if measure.ratio.factor == 1.0 else f"{measure.ratio.factor:g} x "
        return f"{factor}{cube.measures[measure.ratio.numerator].label} / {cube.measures[measure.ratio.denominator].label}"
    if measure.sketch:
        return "how many different ones, by a sketch"
    return "as it stands" if measure.value else "added up"


def _dimension(name: str, context: Context) -> Outcome:
    dimension = context.model.dimensions.get(name)
    cubes = [cube for _, cube in _visible(context) if _has(cube, name)]
    if dimension is None or dimension.hidden or not cubes:
        raise QueryError(f"there is nothing called {name!r} that you may see")
    columns = (Column("source", "splits", "dimension"), Column("figures", "such as", "dimension"))
    rows = tuple((cube.label, ", ".join(measure.label for measure in list(cube.measures.values())[:MOST_NAMED])) for cube in cubes)
    told = {
        "kind": dimension.label,
        "kinds": dimension.plural,
        "values": ", ".join(names[0] if names else key for key, names in dimension.values.items()),
    }
    draft = "{{told.kind}} is something figures can be split by: {{r1.source}}, for example."
    if told["values"]:
        draft += " Its values are {{told.values}}."
    return Outcome(Facts(columns, rows, context.currency, told=told), draft)


def _cube(name: str, context: Context) -> Outcome:
    found = dict(_visible(context)).get(name)
    if found is None:
        raise QueryError(f"there is nothing called {name!r} that you may see")
    rows = tuple(_meaning(found, measure, context) for measure in found.measures.values())
    told = {"label": found.label, "means": found.description or found.label}
    return Outcome(Facts(MEANING, rows, context.currency, told=told), "{{told.label}}: {{told.means}} It holds {{rows}} figures, in the table.")


def helped(query: SemanticQuery, context: Context) -> Outcome:
    """Every figure that this caller can ask for, and examples that they can ask."""
    columns = (Column("subject", "about", "dimension"), Column("figure", "figure", "dimension"), Column("means", "means", "dimension"))
    cubes = [cube for _, cube in _visible(context)]
    rows = tuple((cube.title or cube.label, measure.label, measure.description) for cube in cubes for measure in cube.measures.values())
    if not rows:
        return Outcome(Facts(columns, rows, context.currency), "There is nothing that you may ask about here.", filled=False)
    about = ", ".join(cube.title or cube.label for cube in cubes)
    examples = " ".join(f'"{example}"' for example in context.model.examples[:3])
    draft = "You can ask for {{rows}} figures about {{told.about}}; the table says what each means."
    if examples:
        draft += " For example: {{told.examples}}"
    return Outcome(Facts(columns, rows, context.currency, told={"about": about, "examples": examples}), draft)


def definitions(query: SemanticQuery, context: Context) -> list[dict[str, str]]:
    """What the figures of an answer mean: beside it on the page, word for word as in the model."""
    cube = context.model.cubes.get(query.cube)
    if cube is None or query.intent in WITHOUT_FIGURES:
        return []
    names = list(dict.fromkeys([*query.measures, *(part.measure for part in query.having), *([query.order.measure] if query.order else [])]))
    return [_definition(name, cube, context.currency) for name in names if name in cube.measures]


def _definition(name: str, cube: Cube, currency: str) -> dict[str, str]:
    measure = cube.measures[name]
    return {
        "name": name, "label": measure.label, "description": measure.description, "formula": formula(cube, measure),
        "unit": currency if measure.unit == "money" else measure.unit, "better": measure.better, "source": cube.label, "estimate": measure.estimate,
    }  # fmt: skip
