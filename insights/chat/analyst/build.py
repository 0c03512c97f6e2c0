"""From a frame to the typed query: which cube holds all that was asked, in which order, and what cannot be had together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from insights.chat.reading import Choice
from insights.semantic.model import Cube, Grain
from insights.semantic.query import Intent, Order, Period, SemanticQuery

from .frame import Frame, focus_filters
from .says import MOST_CHOICES, Stop, ask, listed, measure_label, refuse

RANK_ROWS = 10
TREND_ROWS, ROWS = 1000, 200


def query(frame: Frame) -> SemanticQuery:
    """Raises Stop where nothing holds all of it."""
    name, cube = choose(frame)
    _check_time(frame, cube)
    measures = tuple(frame.measures) or cube.overview
    groups = _with_keys(frame, cube, measures)
    order = frame.order or (_order(frame.rank, measures[0], cube) if frame.rank else None)
    if order and order.by in ("change", "growth") and frame.baseline is None:
        order = order.model_copy(update={"by": "value"})
    if order and order.by == "share" and frame.intent != "share":
        order = order.model_copy(update={"by": "value"})
    focus = tuple(part for part in focus_filters(frame) if part.dimension in groups)
    return SemanticQuery(
        intent=frame.intent or _intent(frame, groups),
        cube=name,
        measures=measures,
        dimensions=tuple(groups),
        filters=frame.filters(),
        having=tuple(frame.having),
        focus=focus,
        period=frame.period or Period(),
        baseline=frame.baseline,
        grain=cast("Grain | None", frame.grain),
        order=order,
        limit=frame.limit or (RANK_ROWS if frame.rank else TREND_ROWS if frame.grain else ROWS),
    )


def _intent(frame: Frame, groups: Sequence[str]) -> Intent:
    if frame.rank or (frame.order and frame.limit):
        return "rank"
    if frame.grain:
        return "trend"
    if frame.compared or (frame.baseline and not groups):
        return "compare"
    if groups:
        return "breakdown"
    return "value" if frame.measures else "overview"


def _order(rank: str, measure: str, cube: Cube) -> Order:
    falling = cube.measures[measure].better == "down"
    return Order(measure=measure, descending={"highest": True, "lowest": False, "best": not falling, "worst": falling}[rank])


def _with_keys(frame: Frame, cube: Cube, measures: Sequence[str]) -> list[str]:
    """A value that is not added up stands for one row: every key of the cube is a dimension, or filtered to one."""
    groups = list(dict.fromkeys(frame.groups))
    used = {*measures, *(part.measure for part in frame.having)}
    if any(cube.measures[name].kind == "value" for name in used if name in cube.measures):
        groups += [key for key in cube.keys if key not in groups and len(frame.include.get(key, ())) != 1]
    return groups


def places(cube: Cube) -> set[str]:
    return {*cube.dimensions, *cube.time_dimensions}


def _needs_hours(frame: Frame) -> bool:
    periods = [period for period in (frame.period, frame.baseline) if period]
    return frame.grain == "hour" or any(period.hourly for period in periods)


def _timed(frame: Frame) -> bool:
    return bool(frame.grain or frame.baseline or (frame.period and (frame.period.start or frame.period.end)))


def choose(frame: Frame) -> tuple[str, Cube]:
    """The first visible cube with everything that was asked; otherwise say what cannot be had together. Raises Stop."""
    cubes = frame.vocabulary.cubes
    wanted = {*frame.measures, *(part.measure for part in frame.having), *([frame.order.measure] if frame.order else [])}
    dimensions = set(frame.dimensions())
    fitting = [
        (name, cube)
        for name, cube in cubes.items()
        if wanted <= set(cube.measures) and dimensions <= places(cube) and (wanted or cube.overview) and frame.cube in (None, name)
    ]
    best = [
        pair for pair in fitting if (pair[1].time is not None or not _timed(frame)) and ("hour" in pair[1].tables or not _needs_hours(frame))
    ] or fitting  # fmt: skip
    if best:
        return best[0]
    if frame.cube is not None and frame.intent not in ("pacing",):
        frame.cube = None  # a follow-up may leave the cube it began in
        return choose(frame)
    raise _no_cube(frame, wanted, dimensions)


def _no_cube(frame: Frame, wanted: set[str], dimensions: set[str]) -> Stop:
    vocabulary = frame.vocabulary
    holding = [cube for cube in vocabulary.cubes.values() if wanted <= set(cube.measures)]
    if not holding:
        labels = [measure_label(vocabulary, name) for name in dict.fromkeys([*frame.measures, *wanted])]
        return refuse(f"{listed(labels)} are kept apart and can't be answered together; please ask for one at a time.", "capability")
    possible = (
        list(dict.fromkeys(name for cube in holding if wanted for name in [*cube.dimensions, *cube.time_dimensions])) or vocabulary.dimensions()
    )
    shown = [vocabulary.model.dimensions[name].label for name in possible if not vocabulary.model.dimensions[name].hidden]
    what = listed([measure_label(vocabulary, name) for name in frame.measures]) or "that"
    asked = listed([vocabulary.model.dimensions[name].label for name in dict.fromkeys(frame.dimensions())])
    together = " together" if len(dimensions) > 1 else ""
    return refuse(f"I can't split {what} by {asked}{together}. It can be asked by {listed(shown)}.", "capability")


def _check_time(frame: Frame, cube: Cube) -> None:
    if cube.time is None and _timed(frame):
        raise refuse(
            f"{_opened(cube.label)} tells how things stand now and has no history, so I can't answer it for a period. Please ask without one.",
            "capability",
        )
    if _needs_hours(frame) and "hour" not in cube.tables:
        raise refuse(f"{_opened(cube.label)} is kept by day and not by hour; please ask for whole days.", "capability")


def _opened(label: str) -> str:
    return label[:1].upper() + label[1:]


def by_what(frame: Frame, text: str = "Among what?") -> Stop:
    """Asks for the dimension, offering the first ones that fit."""
    _, cube = choose(frame)
    names = [name for name in cube.dimensions if not frame.vocabulary.model.dimensions[name].hidden and name not in frame.include][:MOST_CHOICES]
    labels = [frame.vocabulary.model.dimensions[name].label for name in names]
    return ask(text, [Choice(f"by {label}", f"{frame.question} by {label}") for label in labels])


def adds_up(frame: Frame, name: str) -> bool:
    return any(cube.measures[name].adds != "none" for cube in frame.vocabulary.cubes.values() if name in cube.measures)
