"""A query's figures with what must be known beside them: how far they are filled, and whether a synthetic audience stands behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from . import compiler
from .access import Scope
from .compiler import Compiled
from .execute import Rows, run, session
from .model import Cube, Grain, SemanticModel
from .query import SemanticQuery
from .spine import Recorded


@dataclass(frozen=True)
class Figures:
    """``filled_to`` is how far the cube is known to be filled, None where the model does not say; ``synthetic`` tells that some of the figures
    come from the synthetic audience; ``recorded`` is the time of all that this caller may see of the cube, None where there is none."""

    compiled: Compiled
    rows: Rows
    filled_to: datetime | None
    synthetic: bool
    recorded: Recorded | None = None


def figures(query: SemanticQuery, *, model: SemanticModel, scope: Scope) -> Figures:
    """All of it in one transaction. Raises QueryError, CannotRun, Refused."""
    cube = compiler.checked_cube(query, model, advertiser=scope.advertiser)
    with session(scope):
        filled_to = filled(cube, model=model, scope=scope)
        known = recorded(query, filled_to, model=model, scope=scope)
        compiled = compiler.compile_query(query, model, advertiser=scope.advertiser, recorded=known if query.grain else None)
        version = filled_to.isoformat() if filled_to else None
        rows = run(compiled, model=model, scope=scope, version=version)
        origin = compiler.compile_origin(query, model, advertiser=scope.advertiser)
        synthetic = bool(origin and run(origin, model=model, scope=scope, version=version).values)
    return Figures(compiled, rows, filled_to, synthetic, known)


def filled(cube: Cube, *, model: SemanticModel, scope: Scope) -> datetime | None:
    """How far the cube is filled, where the model says where that is written."""
    asked = compiler.compile_freshness(cube)
    rows = run(asked, model=model, scope=scope).values if asked else ()
    return _moment(rows[0][0]) if rows else None


def recorded(query: SemanticQuery, filled_to: datetime | None, *, model: SemanticModel, scope: Scope) -> Recorded | None:
    """From the first figure of the query's cube that this caller may see to the last, or to how far the cube is filled; None where there is
    none, and for a question without a time."""
    cube = model.cubes[query.cube]
    if cube.time is None or not (query.grain or query.period.start or query.baseline):
        return None
    grain: Grain = query.grain or ("hour" if compiler.hourly(query) else "day")
    asked = compiler.compile_recorded(cube, model, grain=grain, advertiser=scope.advertiser)
    version = filled_to.isoformat() if filled_to else None
    first, last = (_moment(value) for value in run(asked, model=model, scope=scope, version=version).values[0])
    if first is None or last is None:
        return None
    return Recorded(first, max(last, filled_to) if filled_to else last)


def _moment(told: str | None) -> datetime | None:
    if told is None:
        return None
    moment = datetime.fromisoformat(told)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
