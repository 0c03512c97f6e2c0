"""What somebody may ask, and what each figure means: read from the semantic model alone, for the help page, the chat and a language model. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .access import Scope
from .model import Cube, Dimension, Measure, SemanticModel

UNITS = {
    "count": "a count", "share": "a share, shown in percent", "money": "money", "hours": "hours", "seconds": "seconds",
    "milliseconds": "milliseconds", "number": "a number",
}  # fmt: skip
BETTER = {"up": "higher is better", "down": "lower is better", "neither": "neither high nor low is better"}
ADDS = {
    "all": "adds up over everything",
    "not_over_time": "adds up at one time, never over several",
    "none": "never added up",
}
HOW_NONE = {"ratio": "formed anew of the totals", "value": "stands for one row alone", "sketch": "united anew, since the same people come again"}


@dataclass(frozen=True)
class Figure:
    """One measure of one cube. ``formula`` in the labels of its parts; ``adds`` says over what it may be added up; ``estimate`` how it is
    estimated, empty where it is counted."""

    name: str
    label: str
    means: str
    formula: str
    unit: str
    better: str
    adds: str
    synonyms: tuple[str, ...]
    estimate: str


@dataclass(frozen=True)
class By:
    """Something to ask by. ``values`` are the listed ones as people say them, empty for things with names of their own."""

    name: str
    label: str
    synonyms: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True)
class Subject:
    """A cube. ``source`` as it stands behind "from", ``when`` says over what time it can be asked, ``notes`` what limits it."""

    name: str
    title: str
    source: str
    about: str
    when: str
    notes: tuple[str, ...]
    figures: tuple[Figure, ...]
    by: tuple[By, ...]
    examples: tuple[str, ...]


def glossary(model: SemanticModel, scope: Scope) -> tuple[Subject, ...]:
    """Everything that this caller may ask, in the order of the model."""
    return tuple(_subject(name, cube, model) for name, cube in model.cubes.items() if scope.sees(cube))


def meanings(model: SemanticModel, scope: Scope, measure: str) -> tuple[tuple[Subject, Figure], ...]:
    """What a measure means to this caller, once for each of the cubes that hold it."""
    return tuple((subject, figure) for subject in glossary(model, scope) for figure in subject.figures if figure.name == measure)


def formula_of(cube: Cube, measure: Measure) -> str:
    """How the figure is formed, in the labels of its parts; empty for what is simply counted."""
    if measure.formula:
        return measure.formula
    if measure.ratio:
        top, bottom = cube.measures[measure.ratio.numerator].label, cube.measures[measure.ratio.denominator].label
        factor = f"{measure.ratio.factor:,.10g} x " if measure.ratio.factor != 1 else ""
        return f"{factor}{top} / {bottom}"
    if measure.less:
        plain = {one.sum: one.label for one in cube.measures.values() if one.sum and not one.less}
        if measure.sum in plain and measure.less in plain:
            return f"{plain[measure.sum]} - {plain[measure.less]}"
    return ""


def _subject(name: str, cube: Cube, model: SemanticModel) -> Subject:
    shown = [(key, model.dimensions[key]) for key in (*cube.dimensions, *cube.time_dimensions) if not model.dimensions[key].hidden]
    return Subject(
        name=name,
        title=cube.title or cube.label[:1].upper() + cube.label[1:],
        source=cube.label,
        about=cube.description,
        when=_when(cube),
        notes=_notes(cube, model),
        figures=tuple(_figure(key, cube, measure) for key, measure in cube.measures.items()),
        by=tuple(By(key, one.label, one.synonyms, _values(one)) for key, one in shown),
        examples=_examples(cube, model),
    )


def _figure(name: str, cube: Cube, measure: Measure) -> Figure:
    adds = ADDS[measure.adds]
    if measure.kind in HOW_NONE and measure.adds == "none":
        adds = f"{adds}: {HOW_NONE[measure.kind]}"
    return Figure(
        name, measure.label, measure.description, formula_of(cube, measure), UNITS[measure.unit], BETTER[measure.better], adds, measure.synonyms,
        measure.estimate,
    )  # fmt: skip


def _values(dimension: Dimension) -> tuple[str, ...]:
    return tuple(synonyms[0] if synonyms else value.replace("_", " ") for value, synonyms in dimension.values.items())


def _when(cube: Cube) -> str:
    if cube.time is None:
        return "As things stand; no period can be asked of it."
    finest = "hour" if "hour" in cube.tables else "day"
    return f"Over any period, by {'hour, ' if finest == 'hour' else ''}day, week and month, in UTC."


def _notes(cube: Cube, model: SemanticModel) -> tuple[str, ...]:
    notes = []
    if cube.least:
        notes.append(f"Rows of fewer than {cube.least.count} {cube.measures[cube.least.measure].label} are left out.")
    if cube.keys:
        notes.append(f"One row for each {' and '.join(model.dimensions[name].label for name in cube.keys)}.")
    if cube.synthetic:
        notes.append("Figures of the synthetic audience are marked as such.")
    return tuple(notes)


def _examples(cube: Cube, model: SemanticModel) -> tuple[str, ...]:
    """Questions made of its own words, in a form that is always understood."""
    names = [name for name in (cube.overview or cube.measures) if cube.measures[name].kind == "sum" or cube.time is None]
    shown = [model.dimensions[name].label for name in cube.dimensions if not model.dimensions[name].hidden]
    first = cube.measures[names[0] if names else next(iter(cube.measures))].label
    if cube.time is None:
        by = " and ".join(model.dimensions[name].label for name in cube.keys) or (shown[0] if shown else "")
        return (f"{first} by {by}",) if by else (first,)
    return (*(f"{first} by {label} last week" for label in shown[:1]), f"{first} by day this month")
