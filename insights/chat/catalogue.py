"""Answers from the model itself: what there is, what a figure means, what can be asked. Names are read under the caller's own scope."""

from __future__ import annotations

from insights.semantic import compiler
from insights.semantic.compiler import Column, QueryError
from insights.semantic.execute import run
from insights.semantic.query import SemanticQuery

from .context import Context, Outcome
from .figures import statement
from .grounding import Facts


def listed(query: SemanticQuery, context: Context) -> Outcome:
    """The names of one dimension."""
    name = query.dimensions[0] if query.dimensions else ""
    dimension = context.model.dimensions.get(name)
    if dimension is None:
        raise QueryError(f"there is nothing called {name!r} to list")
    column = Column(name, dimension.label, "dimension")
    if dimension.entity is None:
        rows: tuple[tuple[str, ...], ...] = tuple((synonyms[0] if synonyms else value,) for value, synonyms in dimension.values.items())
        return Outcome(Facts((column,), rows, context.currency), f"There are {{{{rows}}}} {dimension.plural}.")
    compiled = compiler.compile_names(dimension.entity, advertiser=context.scope.advertiser)
    values = run(compiled, model=context.model, scope=context.scope).values
    rows = tuple((str(row[1]),) for row in values)
    draft = f"There are {{{{rows}}}} {dimension.plural} that you may see." if rows else f"There are no {dimension.plural} that you may see."
    return Outcome(Facts((column,), rows, context.currency), draft, statements=(statement("the names", compiled),))


def defined(query: SemanticQuery, context: Context) -> Outcome:
    """What a measure means."""
    kind, _, name = query.subject.partition(":")
    cubes = [cube for cube in context.model.cubes.values() if context.scope.sees(cube) and name in cube.measures]
    if kind != "measure" or not cubes:
        raise QueryError(f"there is no measure called {name!r}")
    measure = cubes[0].measures[name]
    columns = (Column("figure", "figure", "dimension"), Column("means", "means", "dimension"), Column("source", "from", "dimension"))
    rows = tuple((cube.measures[name].label, cube.measures[name].description, cube.label) for cube in cubes)
    return Outcome(Facts(columns, rows, context.currency), f"{measure.label}: {{{{r1.means}}}} (from {{{{r1.source}}}}).")


def helped(query: SemanticQuery, context: Context) -> Outcome:
    """Every figure that this caller can ask for."""
    columns = (Column("figure", "figure", "dimension"), Column("means", "means", "dimension"), Column("source", "from", "dimension"))
    rows = tuple(
        (measure.label, measure.description, cube.label)
        for cube in context.model.cubes.values()
        if context.scope.sees(cube)
        for measure in cube.measures.values()
    )
    return Outcome(Facts(columns, rows, context.currency), "I can answer about {{rows}} figures; the table says what each means.")
