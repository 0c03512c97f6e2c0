"""One logged prediction taken apart: what each column added to it, for models that can say so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from adplatform.models import ModelVersion

from ..predictor import ArtifactRefused, contributions_of
from ..registry import load_version
from ..schema import FeatureSchema, Matrix
from .figures import Bar

SHOWN = 15
LEAST_ADDED = 5e-5


class CannotExplain(ValueError):
    """This prediction cannot be taken apart; the message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class LoggedRow:
    """One row as it was served. ``words`` say what it was."""

    row: Matrix
    schema: FeatureSchema
    words: str


@dataclass(frozen=True, slots=True)
class Explained:
    words: str
    prediction: str
    base: str
    bars: tuple[Bar, ...]


# What staff type to name a row of one kind, and who finds it. Raises CannotExplain.
Lookup = Callable[[str], LoggedRow]
_lookups: dict[str, tuple[str, Lookup]] = {}


def register_rows(kind: str, asks_for: str, lookup: Lookup) -> None:
    """The room that logs the rows of a kind finds them again; ``asks_for`` is the label of the field."""
    _lookups[kind] = (asks_for, lookup)


def asks_for(kind: str) -> str | None:
    """What names a row of this kind, None where rows cannot be looked up."""
    return _lookups[kind][0] if kind in _lookups else None


def explain(version: ModelVersion, key: str) -> Explained:
    """Raises CannotExplain."""
    if version.kind not in _lookups:
        raise CannotExplain(f"rows of {version.kind} cannot be looked up")
    logged = _lookups[version.kind][1](key.strip())
    try:
        model = load_version(version)
    except ArtifactRefused as error:
        raise CannotExplain(str(error)) from error
    if model.schema_fingerprint != logged.schema.fingerprint():
        raise CannotExplain(f"{version} was trained on other features than this row has; choose a version of the same schema")
    row = logged.row.reshape(1, -1)
    parts = contributions_of(model.predictor, row)
    if parts is None:
        raise CannotExplain(f"a {version.estimator.replace('_', ' ')} cannot say what each column added to one prediction")
    added, base = parts
    prediction = float(model.predictor.predict(row)[0])
    bars = _bars(logged, np.asarray(added, dtype=np.float64)[0])
    return Explained(logged.words, f"{prediction:.4%}", f"{float(np.ravel(base)[0]):+.4f}", bars)


def _bars(logged: LoggedRow, added: np.ndarray) -> tuple[Bar, ...]:
    order = [place for place in np.argsort(-np.abs(added), kind="stable") if abs(added[place]) > LEAST_ADDED][:SHOWN]
    most = max((abs(float(added[place])) for place in order), default=1.0)
    columns = logged.schema.features
    return tuple(
        Bar(
            name=columns[place].name.replace("_", " "),
            share=round(abs(float(added[place])) / most * 100, 1),
            value=f"{float(added[place]):+.4f}",
            about=_value(logged, int(place)),
        )
        for place in order
    )


def _value(logged: LoggedRow, place: int) -> str:
    feature, value = logged.schema.features[place], float(logged.row.reshape(-1)[place])
    if np.isnan(value):
        return "withheld" if feature.privacy == "consent" else "missing"
    if feature.categories is not None:
        return feature.categories[int(value)] if 0 <= value < len(feature.categories) else "unknown"
    return "this id" if feature.identity else f"{value:g}"
