"""Logistic regression over hashed values: one weight for each value of a column, or of a cross of columns.

A row's score is a sum of gathered weights and of a few dense columns, so a thousand candidates cost less than one tree. What
follows from the candidates' own columns is summed beforehand (`HashedLogistic.items`); a request then adds what its own
columns say and the crosses between both, whose hashes meet by exclusive or.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import bundle
from .hashing import Words, mix, of_text
from .schema import FeatureSchema, Matrix

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# After the parts of a cross have met, a multiplication carries every bit upwards: without it a collision of two parts would
# be one with every partner.
SPREAD = np.uint64(0x9E3779B97F4A7C15)
LEAST_RATE = 1e-6
# Sums over items that a group of crosses remembers.
MOST_REMEMBERED = 512
# Categories start at -1 (unknown), hashed codes at 0.
OFFSET = 1


@dataclass(frozen=True)
class Dense:
    """A column that enters as a number: ``(transform(x) - mean) / scale * weight``; a missing one adds nothing."""

    column: str
    transform: str
    mean: float
    scale: float
    weight: float


@dataclass(frozen=True)
class Spec:
    """What a model is made of beside its weights. ``columns`` are those of the rows it reads, in order."""

    columns: tuple[str, ...]
    terms: tuple[tuple[str, ...], ...]
    bands: Mapping[str, tuple[float, ...]]
    bits: int

    @classmethod
    def of(cls, schema: FeatureSchema, bits: int) -> Spec:
        bands = {feature.name: feature.bands for feature in schema.features if feature.bands is not None}
        return cls(schema.names, schema.terms, bands, bits)

    @cached_property
    def read(self) -> tuple[str, ...]:
        """The columns that a term asks for, in the order of the rows."""
        asked = {name for term in self.terms for name in term}
        return tuple(name for name in self.columns if name in asked)

    @cached_property
    def pairs(self) -> Pairs:
        return Pairs.of(self, self.terms)


@dataclass(frozen=True)
class Pairs:
    """The (term, column) pairs of some terms, flat: place among the columns read and salt of each pair. First come the first parts
    of all terms, then the second ones of those that have two, and so on: ``layers`` holds which terms each further layer is of, and
    which pairs it is. Whole rows then meet at once, several times faster than numpy's reduceat."""

    columns: Ints
    salts: Words
    terms: int
    layers: tuple[tuple[Ints, slice], ...]

    @classmethod
    def of(cls, spec: Spec, terms: Sequence[tuple[str, ...]], only: frozenset[str] | None = None) -> Pairs:
        """Every term keeps at least one column."""
        index = {name: place for place, name in enumerate(spec.read)}
        kept = [[(term, name) for name in term if only is None or name in only] for term in terms]
        deepest = max(map(len, kept), default=0)
        layered = [[(place, pairs[depth]) for place, pairs in enumerate(kept) if len(pairs) > depth] for depth in range(deepest)]
        flat = [pair for layer in layered for _, pair in layer]
        ends = np.cumsum([len(layer) for layer in layered]).tolist()
        return cls(
            columns=np.array([index[name] for _, name in flat], dtype=np.int64),
            salts=np.array([of_text(f"{' x '.join(term)}/{name}") for term, name in flat], dtype=np.uint64).reshape(-1, 1),
            terms=len(terms),
            layers=tuple(
                (np.array([place for place, _ in layer], dtype=np.int64), slice(start, end))
                for layer, start, end in zip(layered[1:], ends, ends[1:], strict=False)
            ),
        )

    def hashes(self, codes: Words, missing: NDArray[np.bool_]) -> tuple[Words, NDArray[np.bool_]]:
        """uint64 and bool [terms, n] from codes and missing values [columns read, n]: each term's parts met, and whether one was missing."""
        mixed, absent = mix(codes[self.columns] + self.salts), missing[self.columns]
        for terms, pairs in self.layers:
            mixed[terms] ^= mixed[pairs]
            absent[terms] |= absent[pairs]
        return mixed[: self.terms], absent[: self.terms]


class HashedLogistic:
    """``weights`` float32 [2**bits]; ``bias`` and dense weights in log-odds."""

    def __init__(self, spec: Spec, weights: NDArray[np.float32], dense: Sequence[Dense], bias: float) -> None:
        self.spec, self.dense, self.bias = spec, tuple(dense), bias
        # One more, always 0: where a term misses a value.
        self.weights = np.append(weights, np.float32(0.0))
        self.shift = np.uint64(64 - spec.bits)
        self.nowhere = len(weights)
        self.index = {name: place for place, name in enumerate(spec.columns)}
        self.numbers = tuple(one.column for one in self.dense if one.weight)
        self._read = np.array([self.index[name] for name in spec.read], dtype=np.int64)
        self._banded = [(place, np.array(spec.bands[name])) for place, name in enumerate(spec.read) if name in spec.bands]

    def predict(self, features: Matrix) -> Floats:
        """float64 [n], row by row."""
        return sigmoid(self.logits(features))

    def logits(self, features: Matrix) -> Floats:
        total = np.full(len(features), self.bias)
        # One term after the other: numpy would add those of a single row in another order than the same row's among many.
        for weights in self.weights.take(self.places(features)):
            total += weights
        total += self.linear({dense.column: features[:, self.index[dense.column]].astype(np.float64) for dense in self.dense})
        return total

    def contributions(self, features: Matrix) -> tuple[Floats, float]:
        """What each column adds to the log-odds, float64 [n, columns], and the bias: exact, together they are the log-odds. The
        weight of a cross is shared equally among its columns."""
        added = np.zeros(features.shape)
        for term, weights in zip(self.spec.terms, self.weights.take(self.places(features)), strict=True):
            for name in term:
                added[:, self.index[name]] += weights.astype(np.float64) / len(term)
        for dense in self.dense:
            column = self.index[dense.column]
            added[:, column] += self.linear({dense.column: features[:, column].astype(np.float64)})
        return added, self.bias

    def places(self, features: Matrix) -> Ints:
        """Which weight each term of each row has, int64 [terms, n]."""
        met, absent = self.spec.pairs.hashes(*self.codes(features))
        places = self.place(met)
        np.copyto(places, self.nowhere, where=absent)
        return places

    def place(self, met: Words) -> Ints:
        spread = met * SPREAD
        spread >>= self.shift
        return spread.view(np.int64)

    def codes(self, features: Matrix) -> tuple[Words, NDArray[np.bool_]]:
        """The value of each cell of the columns read as a whole number, and which of them are missing; both [columns read, n]."""
        cells = np.ascontiguousarray(features.T)[self._read]
        missing = np.isnan(cells)
        values = np.rint(np.where(missing, np.float32(0.0), cells)).astype(np.int64)
        for place, edges in self._banded:
            values[place] = np.searchsorted(edges, cells[place], side="right")
        values += OFFSET
        return values.view(np.uint64), missing

    def linear(self, columns: Mapping[str, Floats | float]) -> Floats | float:
        """What the dense columns add, in log-odds; columns of one value stay one value. Columns not given add nothing."""
        total: Floats | float = 0.0
        for dense in self.dense:
            value = columns.get(dense.column)
            if value is None or dense.weight == 0.0:
                continue
            moved = (transformed(dense.transform, value) - dense.mean) * (dense.weight / dense.scale)
            total = total + _known(moved)
        return total

    def items(self, columns: Mapping[str, Floats]) -> Items:
        """Ready to score the items whose ``columns`` [n] (as in the rows, NaN missing) are given; all others are the request's."""
        return Items(self, columns)

    def to_bytes(self) -> bytes:
        used = np.flatnonzero(self.weights)
        head = {
            "format": "hashed_logistic", "columns": self.spec.columns, "terms": self.spec.terms, "bands": dict(self.spec.bands),
            "bits": self.spec.bits, "dense": [asdict(dense) for dense in self.dense], "bias": self.bias,
        }  # fmt: skip
        return bundle.pack(head, {"places": used.astype("<u4").tobytes(), "weights": self.weights[used].astype("<f4").tobytes()})

    @classmethod
    def of(cls, head: Mapping[str, Any], pieces: Mapping[str, bytes]) -> HashedLogistic:
        """Raises KeyError, ValueError, TypeError, IndexError when it is no such model."""
        bits = int(head["bits"])
        if not 8 <= bits <= 26:
            raise ValueError(f"{bits} bits are no hash space of ours")
        bands = {str(name): tuple(map(float, edges)) for name, edges in head["bands"].items()}
        spec = Spec(tuple(map(str, head["columns"])), tuple(tuple(map(str, term)) for term in head["terms"]), bands, bits)
        weights = np.zeros(1 << bits, dtype=np.float32)
        weights[np.frombuffer(pieces["places"], dtype="<u4")] = np.frombuffer(pieces["weights"], dtype="<f4")
        return cls(spec, weights, [Dense(**dense) for dense in head["dense"]], float(head["bias"]))


@dataclass(frozen=True)
class _Group:
    """Crosses that share their item columns: the items' half of each hash [terms, distinct], which distinct value each item has
    (None: its own), and where the terms stand among the request's hashes.

    Requests agree in most of what they cross with (a genre, a device, an age), so the sums over the distinct values are
    remembered: gathering weights from all over the table is what scoring spends most of its time on.
    """

    halves: Words
    inverse: Ints | None
    terms: Ints
    memo: dict[bytes, Floats] = field(default_factory=dict)

    def sums(self, model: HashedLogistic, met: Words, absent: NDArray[np.bool_]) -> Floats:
        """float64 [items]."""
        asked, missing = met[self.terms], absent[self.terms]
        key = asked.tobytes() + missing.tobytes()
        total = self.memo.get(key)
        if total is None:
            if len(self.memo) >= MOST_REMEMBERED:
                self.memo.clear()
            halves, request = (self.halves[~missing], asked[~missing]) if missing.any() else (self.halves, asked)
            total = self.memo[key] = model.weights.take(model.place(halves ^ request[:, None])).sum(axis=0, dtype=np.float64)
        return total if self.inverse is None else total[self.inverse]


class Items:
    """Candidates whose own part of the score is known beforehand: ``fixed`` [n], in log-odds, the model's bias included."""

    def __init__(self, model: HashedLogistic, columns: Mapping[str, Floats]) -> None:
        self.model = model
        own = frozenset(columns)
        count = len(next(iter(columns.values())))
        rows = np.full((count, len(model.spec.columns)), np.nan, dtype=np.float32)
        for name, values in columns.items():
            rows[:, model.index[name]] = values
        codes, missing = model.codes(rows)
        met, absent = Pairs.of(model.spec, [term for term in model.spec.terms if own.issuperset(term)]).hashes(codes, missing)
        places = np.where(absent, model.nowhere, model.place(met))
        self.fixed: Floats = model.weights.take(places).sum(axis=0, dtype=np.float64) + model.bias
        asked = [term for term in model.spec.terms if not own.issuperset(term)]
        self._pairs = Pairs.of(model.spec, asked, frozenset(model.spec.columns) - own)
        self._alone = np.array([place for place, term in enumerate(asked) if own.isdisjoint(term)], dtype=np.int64)
        keys = sorted({tuple(sorted(own & set(term))) for term in asked} - {()})
        self._groups = [
            self._group(key, [(place, term) for place, term in enumerate(asked) if own & set(term) == set(key)], codes, missing) for key in keys
        ]

    def _group(self, key: tuple[str, ...], terms: Sequence[tuple[int, tuple[str, ...]]], codes: Words, missing: NDArray[np.bool_]) -> _Group:
        """An item's own columns are never missing: what an ad is made of is known. Equal values have equal halves, whatever the term."""
        halves, _ = Pairs.of(self.model.spec, [term for _, term in terms], frozenset(key)).hashes(codes, missing)
        _, distinct, inverse = np.unique(halves[0], return_index=True, return_inverse=True)
        each = len(distinct) * 2 > halves.shape[1]
        kept = halves if each else np.ascontiguousarray(halves[:, distinct])
        return _Group(kept, None if each else inverse.reshape(-1).astype(np.int64), np.array([place for place, _ in terms], dtype=np.int64))

    def crosses(self, rows: Ints | None, request: Matrix) -> Floats | float:
        """What the request's terms and its crosses with the items add to `fixed`, float64 [rows] or one number for all; ``rows``
        None for all items. ``request`` is one row [1, columns] that holds the request's columns."""
        hashed, lacking = self._pairs.hashes(*self.model.codes(request))
        met, absent = hashed[:, 0], lacking[:, 0]
        alone = np.where(absent[self._alone], self.model.nowhere, self.model.place(met[self._alone]))
        total: Floats | float = float(self.model.weights.take(alone).sum(dtype=np.float64))
        for group in self._groups:
            total = total + group.sums(self.model, met, absent)
        return total if rows is None or isinstance(total, float) else total[rows]


def _known(value: Any) -> Any:
    """0 where it is missing. Not np.nan_to_num, which takes several times as long to look for infinities too."""
    if isinstance(value, float):
        return 0.0 if math.isnan(value) else value
    return np.where(np.isnan(value), 0.0, value)


def transformed(transform: str, value: Floats | float) -> Any:
    if isinstance(value, float):
        return _transformed_one(transform, value)
    if transform == "logit":
        rate = np.minimum(np.maximum(value, LEAST_RATE), 1.0 - LEAST_RATE)
        return np.log(rate / (1.0 - rate))
    return np.log1p(value) if transform == "log1p" else np.asarray(value)


def _transformed_one(transform: str, value: float) -> float:
    """The same of one number, without what numpy costs for one."""
    if transform == "logit":
        rate = min(max(value, LEAST_RATE), 1.0 - LEAST_RATE)
        return math.log(rate / (1.0 - rate))
    return math.log1p(value) if transform == "log1p" else value


def sigmoid(logits: Floats) -> Floats:
    # Beyond 500 exp overflows, and the answer is 0 or 1 long before.
    chance: Floats = 1.0 / (1.0 + np.exp(np.minimum(-logits, 500.0)))
    return chance
