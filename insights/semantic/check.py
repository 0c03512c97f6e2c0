"""Does a semantic model fit the database? Every measure and every dimension of every cube is planned as the read-only role would run it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from django.db import DatabaseError, connection

from . import compiler, cost, guard
from .access import OPERATOR
from .compiler import Compiled, QueryError
from .execute import session
from .grants import reach
from .model import SemanticModel
from .query import Intent, SemanticQuery
from .refusals import CannotRun


def misfits(model: SemanticModel) -> list[str]:
    """What does not fit, a sentence each that names the place in the file; empty when everything does. Nothing is run, only planned."""
    try:
        with connection.cursor() as cursor:
            reach(cursor, model)
    except LookupError as error:
        return [f"{error}; change the file, or migrate the database"]
    found = [told for part in _parts(model) for told in _wrong_in(part, model)]
    return list(dict.fromkeys(found))


def _wrong_in(part: _Part, model: SemanticModel) -> Iterator[str]:
    """All of a part is planned at once; only where that fails, each thing by itself, to name those that do not fit."""
    if not _wrong(part.whole, part.where, model):
        return
    alone = [told for where, compiled in part.each() if (told := _wrong(compiled, where, model))]
    yield from alone or [_wrong(part.whole, part.where, model)]


Planned = tuple[str, Compiled | QueryError]


@dataclass(frozen=True)
class _Part:
    """``each`` plans its things one by one; they are only made where the whole does not fit."""

    where: str
    whole: Compiled | QueryError
    each: Callable[[], list[Planned]] = list


def _parts(model: SemanticModel) -> Iterator[_Part]:
    for name, cube in model.cubes.items():
        measures, dimensions = f"cubes.{name}.measures", f"cubes.{name}.dimensions"
        first = tuple(cube.measures)[:1]
        keys = cube.keys if cube.measures[first[0]].kind == "value" else ()
        every = (*keys, *cube.dimensions, *cube.time_dimensions)
        yield _Part(measures, _compiled(model, name, tuple(cube.measures), cube.keys), partial(_each_measure, model, name, measures))
        yield _Part(dimensions, _compiled(model, name, first, every), partial(_each_dimension, model, name, dimensions, first, keys))
        if freshness := compiler.compile_freshness(cube):
            yield _Part(f"cubes.{name}.freshness", freshness)
    for name, entity in model.entities().items():
        yield _Part(f"dimensions.{name}.entity", compiler.compile_names(entity))


def _each_measure(model: SemanticModel, name: str, where: str) -> list[Planned]:
    cube = model.cubes[name]
    return [(f"{where}.{one}", _compiled(model, name, (one,), cube.keys)) for one in cube.measures]


def _each_dimension(model: SemanticModel, name: str, where: str, measures: tuple[str, ...], keys: tuple[str, ...]) -> list[Planned]:
    cube = model.cubes[name]
    return [(f"{where}.{one}", _compiled(model, name, measures, (*keys, one))) for one in (*cube.dimensions, *cube.time_dimensions)]


def _compiled(model: SemanticModel, cube_name: str, measures: tuple[str, ...], dimensions: tuple[str, ...]) -> Compiled | QueryError:
    by = tuple(dict.fromkeys(dimensions))
    intent: Intent = "breakdown" if by else "value"
    try:
        return compiler.compile_query(SemanticQuery(intent=intent, cube=cube_name, measures=measures, dimensions=by), model)
    except QueryError as error:
        return error


def _wrong(compiled: Compiled | QueryError, where: str, model: SemanticModel) -> str:
    """Empty when the statement passes the guard and the database can plan it."""
    if isinstance(compiled, QueryError):
        return f"{where}: {compiled}"
    try:
        guard.check(compiled.sql, columns=model.columns())
        with session(OPERATOR) as reading:
            try:
                cost.expected(reading.cursor(), compiled.sql, compiled.params)
            except DatabaseError as error:
                reading.broken(error)
                return f"{where}: the database says: {str(error).splitlines()[0]}"
    except (guard.Refused, CannotRun) as error:
        return f"{where}: {error}"
    return ""
