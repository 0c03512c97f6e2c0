"""From a model's arguments to a query that runs, or the reason why not with the names that there are. Nothing of it is taken on trust."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from insights.chat.context import Context
from insights.chat.vocabulary import Vocabulary
from insights.semantic import compiler
from insights.semantic.compiler import QueryError
from insights.semantic.query import WITHOUT_FIGURES, Filter, Period, SemanticQuery

from .catalogue import asked_by
from .tools import LOOK

MOST_SAID = 240
MOST_VALID = 60
FILTERS = ("filters", "focus")
PERIODS = ("period", "baseline")
_LAST_MOMENT = timedelta(seconds=1)


class Invalid(ValueError):
    """The arguments make no query; ``valid`` are names that would."""

    def __init__(self, problem: str, valid: Iterable[str] = ()) -> None:
        super().__init__(problem[:MOST_SAID])
        self.problem, self.valid = problem[:MOST_SAID], tuple(valid)[:MOST_VALID]


class Ahead(ValueError):
    """The query asks for what has not happened yet."""


def checked(arguments: dict[str, Any], context: Context, vocabulary: Vocabulary) -> SemanticQuery:
    """A query over what this caller may see, with its labels worked out here, that compiles. Raises Invalid, Ahead."""
    given = {name: value for name, value in arguments.items() if value is not None}
    for name in PERIODS:
        if name in given:
            given[name] = _period(name, given[name], context.now)
    for name in FILTERS:
        if name in given:
            given[name] = _filters(name, given[name])
    query = _typed(_placed(given, vocabulary))
    if query.intent in WITHOUT_FIGURES:
        return _told(query, vocabulary)
    _check_names(query, vocabulary)
    query = query.model_copy(update={name: tuple(_known(part, vocabulary) for part in getattr(query, name)) for name in FILTERS})
    if query.period.start is not None and query.period.start >= context.now:
        raise Ahead
    try:
        compiler.compile_query(query, context.model, advertiser=context.scope.advertiser)
    except QueryError as error:
        raise Invalid(str(error)) from error
    return query


def _placed(given: dict[str, Any], vocabulary: Vocabulary) -> dict[str, Any]:
    """With a cube: the one that was named, or, as the built-in analyst chooses, the first that holds the figures and all they are asked by.
    An overview without figures has those of its cube."""
    if given.get("intent") in WITHOUT_FIGURES:
        return given
    measures, used = _texts(given.get("measures")), _texts(given.get("dimensions"))
    used += [str(part.get("dimension")) for name in FILTERS for part in given.get(name, ())]
    if not given.get("cube"):
        fitting = [
            name
            for name, cube in vocabulary.cubes.items()
            if set(measures) <= set(cube.measures) and set(used) <= set(asked_by(cube)) and (measures or cube.overview)
        ]
        if not fitting:
            raise Invalid("no cube has these measures by these dimensions together; name a cube", vocabulary.cubes)
        given = given | {"cube": fitting[0]}
    if given["cube"] not in vocabulary.cubes:
        raise Invalid("there is no such cube", vocabulary.cubes)
    if given.get("intent") == "overview" and not measures:
        given = given | {"measures": list(vocabulary.cubes[given["cube"]].overview)}
    return given


def _texts(told: Any) -> list[str]:
    return [item for item in told if isinstance(item, str)] if isinstance(told, list) else []


def _typed(given: dict[str, Any]) -> SemanticQuery:
    try:
        return SemanticQuery.model_validate_json(json.dumps(given))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"] if not isinstance(part, str) or part.isidentifier())
        raise Invalid(re.sub(r"^Value error, ", "", f"{place}: {first['msg']}" if place else str(first["msg"]))) from error


def _period(name: str, told: Any, now: datetime) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise Invalid(f"{name} must have a start and an end, absolute and in UTC")
    start, end = _moment(name, told.get("start")), _moment(name, told.get("end"))
    if unknown := set(told) - {"start", "end", "label"}:
        raise Invalid(f"{name} has a start and an end, and nothing else; not {', '.join(sorted(map(str, unknown)))[:60]}")
    try:
        period = Period(start=start, end=end, label=label(start, end, now))
    except ValidationError as error:
        raise Invalid(f"{name} must end after it starts") from error
    return period.model_dump(mode="json")


def _moment(name: str, told: Any) -> datetime | None:
    """A day is its midnight; the last second of a day or hour, as many write an end, is the end that is not included."""
    if told in (None, ""):
        return None
    try:
        moment = datetime.fromisoformat(told)
    except (TypeError, ValueError) as error:
        raise Invalid(f"{name}: write times as 2026-11-03T00:00:00Z") from error
    moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    if not 2000 <= moment.year < 2100:
        raise Invalid(f"{name}: that is no year of this business")
    up = moment + _LAST_MOMENT
    return up.replace(microsecond=0) if (moment.minute, moment.second) == (59, 59) else moment


def label(start: datetime | None, end: datetime | None, now: datetime) -> str:
    """The dates themselves: what the model may have called them is not known to be true of them."""
    if start is None and end is None:
        return "all time"
    if any(moment is not None and (moment.hour, moment.minute) != (0, 0) for moment in (start, end)):
        said = [f"{moment:%Y-%m-%d %H:%M}" if moment else "" for moment in (start, end)]
        return f"from {said[0]} UTC" if not end else f"until {said[1]} UTC" if not start else f"{said[0]} to {said[1]} UTC"
    last = end - timedelta(days=1) if end else None
    if last is None:
        return f"from {start:%Y-%m-%d} (UTC)"
    if start is None:
        return f"to {last:%Y-%m-%d} (UTC)"
    days = f"{start:%Y-%m-%d}" if start == last else f"{start:%Y-%m-%d} to {last:%Y-%m-%d}"
    return f"{days}{' so far' if end and end > now else ''} (UTC)"


def _filters(name: str, told: Any) -> list[dict[str, Any]]:
    """``campaign#12`` becomes the key of a campaign; labels are filled in later."""
    if not isinstance(told, list) or not all(isinstance(part, dict) for part in told):
        raise Invalid(f"{name} must be a list of objects with a dimension and its values")
    made = []
    for part in told:
        values = part.get("values")
        if not isinstance(values, list) or not values:
            raise Invalid(f"{name} need their values as a list")
        plain = [re.sub(r"^[a-z_]+#", "", value) if isinstance(value, str) else value for value in values]
        referred = {value.partition("#")[0] for value in values if isinstance(value, str) and "#" in value}
        if referred and referred != {part.get("dimension")}:
            raise Invalid(f"{name} must take references of their own dimension: campaign#12 for campaign")
        made.append({key: value for key, value in part.items() if key != "labels"} | {"values": plain})
    return made


def _check_names(query: SemanticQuery, vocabulary: Vocabulary) -> None:
    cube = vocabulary.cubes[query.cube]
    wanted = {*query.measures, *(part.measure for part in query.having), *([query.order.measure] if query.order else [])}
    if unknown := sorted(wanted - set(cube.measures)):
        elsewhere = [name for name, other in vocabulary.cubes.items() if wanted <= set(other.measures)]
        also = f"; the cube {elsewhere[0]} has" if elsewhere else ""
        raise Invalid(f"the cube {query.cube} has no measure {', '.join(unknown)}{also}", cube.measures)
    used = {*query.dimensions, *(part.dimension for part in (*query.filters, *query.focus))}
    if unknown := sorted(used - set(asked_by(cube))):
        raise Invalid(f"the cube {query.cube} has no dimension {', '.join(unknown)}", asked_by(cube))
    if cube.time is None and (query.period.start or query.period.end or query.grain or query.baseline):
        raise Invalid(f"the cube {query.cube} tells how things stand now; leave period, baseline and grain out")


def _known(part: Filter, vocabulary: Vocabulary) -> Filter:
    """With keys that exist for this caller, and their names."""
    dimension = vocabulary.model.dimensions[part.dimension]
    if dimension.entity is not None:
        things = {str(thing.key): thing for thing in vocabulary.things if thing.dimension == part.dimension}
        if any(str(value) not in things for value in part.values):
            raise Invalid(f"there is no such {dimension.label} among what may be seen; take its reference from names, or look it up with {LOOK}")
        found = [things[str(value)] for value in part.values]
        return part.model_copy(update={"values": tuple(thing.key for thing in found), "labels": tuple(thing.name for thing in found)})
    if not dimension.values:
        return part.model_copy(update={"labels": tuple(map(str, part.values))})
    by_word = {word.lower(): value for value, words in dimension.values.items() for word in (value, *words)}
    values = [by_word.get(str(value).lower()) for value in part.values]
    if None in values:
        raise Invalid(f"there is no such {dimension.label}", dimension.values)
    labels = tuple((dimension.values[str(value)] or (str(value),))[0] for value in values)
    return part.model_copy(update={"values": tuple(str(value) for value in values), "labels": labels})


def _told(query: SemanticQuery, vocabulary: Vocabulary) -> SemanticQuery:
    """list, define and help: about something that the caller may see."""
    if query.intent == "list" and not (query.dimensions and query.dimensions[0] in vocabulary.dimensions()):
        raise Invalid("a list needs one dimension to list", vocabulary.dimensions())
    if query.intent == "define":
        kind, _, name = query.subject.partition(":")
        measures = [name for cube in vocabulary.cubes.values() for name in cube.measures]
        if kind != "measure" or name not in measures:
            raise Invalid("the subject of define is a figure, as measure:ctr", dict.fromkeys(f"measure:{measure}" for measure in measures))
    return query
