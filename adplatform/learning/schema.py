"""Feature schemas: declared once, used to build training rows and to serve, so the two cannot differ by accident."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .hashing import ID_CODES, id_code

Matrix = NDArray[np.float32]
UNKNOWN_CATEGORY = -1.0


class SchemaMismatch(ValueError):
    """A row was logged under another schema than the one it is read with."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One column. ``categories`` makes it an ordinal code (unknown is -1), ``identity`` an id hashed to a whole number below
    `hashing.ID_CODES`; otherwise it is a number clipped to [low, high].

    ``privacy`` is ``context`` or ``consent``: a consent feature is NaN without the viewer's consent, in training too.
    ``fill`` is what a model puts in the place of NaN; it lies outside the range, so that missing stays its own case.
    ``optional`` columns may be empty in a whole training set; another one that is empty stopped being filled.
    ``exposure`` marks what was decided after scoring (a slot's place in the pod): served at ``low``, trained as it came.
    Ids have no order, so trees leave them out. For linear models ``bands`` are the edges that cut a number into the values a
    term may name, and ``linear`` is how it enters as a number: ``logit``, ``log1p`` or ``as_is``.
    """

    name: str
    owner: str
    privacy: str = "context"
    low: float = 0.0
    high: float = 1.0
    categories: tuple[str, ...] | None = None
    description: str = ""
    fill: float = -2.0
    exposure: bool = False
    optional: bool = False
    identity: bool = False
    bands: tuple[float, ...] | None = None
    linear: str | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a column of a matrix, in words."""

    feature: str
    words: str


@dataclass(frozen=True)
class FeatureSchema:
    """``prior`` names the column that is itself a prediction (a smoothed rate), the one a model has to beat. ``terms`` are the
    columns, and the crosses of columns, whose values get a weight each in a linear model. ``logged_as`` is the schema that the rows
    are logged under where another outcome of the same rows is predicted: the columns are the same, so is the fingerprint."""

    name: str
    version: int
    features: tuple[Feature, ...]
    prior: str | None = None
    terms: tuple[tuple[str, ...], ...] = ()
    logged_as: FeatureSchema | None = None

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)

    @cached_property
    def index(self) -> dict[str, int]:
        return {feature.name: position for position, feature in enumerate(self.features)}

    @cached_property
    def fills(self) -> Matrix:
        return np.array([feature.fill for feature in self.features], dtype=np.float32)

    @cached_property
    def _fingerprint(self) -> str:
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()[:16]

    def fingerprint(self) -> str:
        """Changes whenever a model trained on one schema must not be served with the other."""
        return self._fingerprint if self.logged_as is None else self.logged_as.fingerprint()

    def as_json(self) -> dict[str, Any]:
        columns = [
            {
                "name": f.name,
                "owner": f.owner,
                "privacy": f.privacy,
                "low": f.low,
                "high": f.high,
                "categories": list(f.categories) if f.categories is not None else None,
                "fill": f.fill,
                "exposure": f.exposure,
                **({"identity": True} if f.identity else {}),
            }
            for f in self.features
        ]
        return {"name": self.name, "version": self.version, "prior": self.prior, "features": columns}

    def row(self, values: Mapping[str, Any], *, consent: bool) -> Matrix:
        """One row as float32 [n features]; missing and withheld values are NaN."""
        one: Matrix = self.matrix(values, 1, consent=consent)[0]
        return one

    def matrix(self, columns: Mapping[str, Any], rows: int, *, consent: bool) -> Matrix:
        """float32 [rows, n features], C-contiguous. A column is one value for all rows or an array of ``rows`` of them.

        Category columns take names (str or a sequence of str), or an array of codes as `codes_of` gives them; id columns one
        id, or an array of codes as `hashing.id_codes` gives them.
        Missing columns and withheld values are NaN.
        Raises KeyError for a column the schema does not declare.
        """
        if unknown := columns.keys() - self.index.keys():
            raise KeyError(f"no feature {sorted(unknown)} in schema {self.name}")
        constant = np.full(len(self.features), np.nan, dtype=np.float32)
        varying: list[tuple[int, Any]] = []
        for position, feature in enumerate(self.features):
            value = columns.get(feature.name)
            if value is None or (feature.privacy == "consent" and not consent):
                continue
            cell = _cell(feature, value)
            if isinstance(cell, float):
                constant[position] = cell
            else:
                varying.append((position, cell))
        table = np.repeat(constant[np.newaxis], rows, axis=0)
        for position, cell in varying:
            table[:, position] = cell
        return table

    def numbers(self, columns: Mapping[str, Any], names: Iterable[str], *, consent: bool) -> dict[str, Any]:
        """Some columns as `matrix` would hold them, but one by one and in float64: without the missing and the withheld ones."""
        found = {}
        for name in names:
            feature = self.features[self.index[name]]
            value = columns.get(name)
            if value is not None and (consent or feature.privacy != "consent"):
                found[name] = _cell(feature, value)
        return found

    def pack(self, row: Matrix) -> dict[str, Any]:
        """A row as it is logged: with its schema, NaN as null. Reading it back gives the same float32, bit for bit."""
        return {"schema": self.fingerprint(), "values": [None if math.isnan(value) else value for value in row.tolist()]}

    def unpack(self, logged: Mapping[str, Any]) -> list[float]:
        """The values of a logged row, null as NaN. Raises SchemaMismatch."""
        if logged.get("schema") != self.fingerprint():
            raise SchemaMismatch(f"logged under schema {logged.get('schema')}, not {self.fingerprint()} of {self.name} v{self.version}")
        return [math.nan if value is None else value for value in logged["values"]]

    def problems(self, matrix: Matrix) -> list[Problem]:
        """What a model must not be trained on: a wrong width, infinities, values out of range or of no category, empty columns."""
        if matrix.ndim != 2 or matrix.shape[1] != len(self.features):
            return [Problem("*", f"the matrix has shape {matrix.shape}, the schema has {len(self.features)} features")]
        found = []
        for position, feature in enumerate(self.features):
            column = matrix[:, position]
            known = column[~np.isnan(column)]
            low, high = _range(feature)
            if not known.size:
                if feature.privacy != "consent" and not feature.optional and len(column):
                    found.append(Problem(feature.name, "has no value at all"))
            elif np.isinf(known).any():
                found.append(Problem(feature.name, "has infinite values"))
            elif known.min() < np.float32(low) or known.max() > np.float32(high):
                found.append(Problem(feature.name, f"ranges over [{known.min():g}, {known.max():g}], declared is [{low:g}, {high:g}]"))
            elif (feature.categories is not None or feature.identity) and not np.array_equal(known, np.rint(known)):
                found.append(Problem(feature.name, "has codes that are no category" if feature.categories else "has codes that are no id"))
        return found


@lru_cache(maxsize=256)
def _code_of(categories: tuple[str, ...]) -> dict[str, float]:
    return {name: float(code) for code, name in enumerate(categories)}


def codes_of(categories: tuple[str, ...], names: Sequence[str]) -> NDArray[np.float64]:
    """The ordinal codes of category names."""
    return np.array([_code_of(categories).get(name, UNKNOWN_CATEGORY) for name in names])


def _range(feature: Feature) -> tuple[float, float]:
    if feature.categories is not None:
        return UNKNOWN_CATEGORY, float(len(feature.categories) - 1)
    return (0.0, float(ID_CODES - 1)) if feature.identity else (feature.low, feature.high)


def _cell(feature: Feature, value: Any) -> Any:
    if feature.categories is not None:
        return _codes(feature.categories, value)
    if feature.identity:
        return value if isinstance(value, np.ndarray) else id_code(value)
    return _clipped(feature, value)


def _codes(categories: tuple[str, ...], value: str | Sequence[str] | NDArray[np.float64]) -> Any:
    if isinstance(value, np.ndarray):
        return value
    codes = _code_of(categories)
    if isinstance(value, str):
        return codes.get(value, UNKNOWN_CATEGORY)
    return [codes.get(name, UNKNOWN_CATEGORY) for name in value]


def _clipped(feature: Feature, value: Any) -> Any:
    if isinstance(value, int | float):
        return min(max(float(value), feature.low), feature.high)
    # Not np.clip: its checks cost more than the work on the few hundred rows of one request.
    return np.minimum(np.maximum(value, feature.low), feature.high)
