"""What can be asked of a cube, and what cannot be said of its figures. Everything refused here is refused in words, before there is SQL."""

from __future__ import annotations

from datetime import timedelta

from insights.semantic.model import TIME_DIMENSIONS, Cube, Measure, SemanticModel
from insights.semantic.query import Filter, Period, SemanticQuery

from .result import QueryError

DAY = timedelta(days=1)


def checked_cube(query: SemanticQuery, model: SemanticModel, *, advertiser: int | None) -> Cube:
    """The query's cube, when it has everything that is asked of it. Raises QueryError."""
    cube = model.cubes.get(query.cube)
    if cube is None:
        raise QueryError(f"there is no cube '{query.cube}'; there are {', '.join(model.cubes)}")
    _check_names(query, cube)
    _check_times(query, cube)
    _check_measures(query, cube)
    if advertiser is not None and cube.scope is None:
        raise QueryError(f"{cube.label} cannot be shown to a single advertiser")
    return cube


def shown_measures(query: SemanticQuery, cube: Cube) -> list[str]:
    """The measures asked for, then the parts of each ratio, so that every rate stands beside its volume, and what the model puts beside each."""
    names = list(dict.fromkeys(query.measures))
    for name in query.measures:
        if ratio := cube.measures[name].ratio:
            names += [part for part in (ratio.numerator, ratio.denominator) if part not in names]
    names += [part for name in query.measures for part in cube.measures[name].beside]
    others = [*([query.order.measure] if query.order else []), *(part.measure for part in query.having)]
    others += [cube.least.measure] if cube.least else []
    return list(dict.fromkeys([*names, *others]))


def compared_measures(query: SemanticQuery) -> list[str]:
    """Those that come with their change, growth or share: what was asked for, and what it is put in order by."""
    return list(dict.fromkeys([*query.measures, *([query.order.measure] if query.order else [])]))


def hourly(query: SemanticQuery) -> bool:
    """Whether day rollups cannot answer."""
    by_hour = "hour_of_day" in (*query.dimensions, *(part.dimension for part in query.filters))
    return query.grain == "hour" or by_hour or any(period.hourly for period in periods(query))


def periods(query: SemanticQuery) -> list[Period]:
    return [query.period, *([query.baseline] if query.baseline else [])]


def _check_names(query: SemanticQuery, cube: Cube) -> None:
    wanted = {*query.measures, *(part.measure for part in query.having), *([query.order.measure] if query.order else [])}
    if unknown := wanted - set(cube.measures):
        raise QueryError(f"{query.cube} has no measure {', '.join(sorted(unknown))}; it has {', '.join(cube.measures)}")
    asked = {*query.dimensions, *(part.dimension for part in query.filters)}
    if cube.time is None and (about_time := asked & set(TIME_DIMENSIONS) - set(cube.dimensions)):
        raise QueryError(f"{cube.label} tells how things stand now; it cannot be asked by {', '.join(sorted(about_time))}")
    if "hour_of_day" in asked and "hour_of_day" not in {*cube.dimensions, *cube.time_dimensions}:
        raise QueryError(f"{cube.label} is kept by day; ask by weekday instead")
    if unknown := asked - {*cube.dimensions, *cube.time_dimensions}:
        raise QueryError(f"{query.cube} has no dimension {', '.join(sorted(unknown))}; it has {', '.join([*cube.dimensions, *cube.time_dimensions])}")
    if repeated := {name for name in query.dimensions if query.dimensions.count(name) > 1}:
        raise QueryError(f"{', '.join(sorted(repeated))} is asked for twice; once is enough")


def _check_times(query: SemanticQuery, cube: Cube) -> None:
    if cube.time is None:
        if query.grain or query.baseline or query.period.start or query.period.end:
            raise QueryError(f"{cube.label} tells how things stand now; ask without a period")
        return
    if hourly(query) and "hour" not in cube.tables:
        raise QueryError(f"{cube.label} is kept by day; ask for whole days")
    if query.grain and query.baseline:
        if any(period.start is None or period.end is None for period in periods(query)):
            raise QueryError("two periods are laid over each other only where both have a start and an end; name both")
        if _overlap(query.period, query.baseline):
            raise QueryError("the two periods overlap, so that a day would stand in both; compare periods apart, or without the trend")


def _overlap(one: Period, other: Period) -> bool:
    if one.start is None or one.end is None or other.start is None or other.end is None:
        return True
    return one.start < other.end and other.start < one.end


def _check_measures(query: SemanticQuery, cube: Cube) -> None:
    for name in shown_measures(query, cube):
        measure = cube.measures[name]
        if measure.kind == "value":
            _check_value(query, cube, measure)
        if measure.adds == "not_over_time" and cube.time is not None and not _at_one_time(query):
            raise QueryError(f"{measure.label} is a level that cannot be added up over time; ask for one day, or by day")
    if query.intent == "share":
        for name in compared_measures(query):
            if cube.measures[name].kind != "sum":
                label = cube.measures[name].label
                raise QueryError(f"{label} has no shares: its parts do not add up to the whole; ask for {label} by {' and '.join(query.dimensions)}")
        if cube.least:
            raise QueryError(f"shares would tell how large the small groups of {cube.label} are; ask for the figures themselves")
    elif query.order and query.order.by == "share":
        raise QueryError("an order by share needs a question for shares")


def _check_value(query: SemanticQuery, cube: Cube, measure: Measure) -> None:
    """A value stands in one row; with a key left open, several rows would stand behind one figure."""
    fixed = {part.dimension for part in query.filters if _one(part)}
    if left := [name for name in cube.keys if name not in query.dimensions and name not in fixed]:
        whose = " and ".join(left)
        raise QueryError(f"{measure.label} belongs to one {whose} and cannot be added up; ask by {whose}, or for one of them")


def _one(part: Filter) -> bool:
    return part.op == "in" and len(set(part.values)) == 1


def _at_one_time(query: SemanticQuery) -> bool:
    if query.grain in ("hour", "day"):
        return True
    return all(period.start is not None and period.end is not None and period.end - period.start <= DAY for period in periods(query))
