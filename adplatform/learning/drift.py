"""How far the rows served now lie from those a model was trained on: one column at a time, in effect sizes.

The reference is made when a model is trained and kept with its version: for each feature, and for the scores, the edges of its
bins and what fell into them. Effect sizes and not p-values: of a million rows every difference is significant, and few matter.

The population stability index is sum((p - q) ln(p / q)) over the bins. Without any drift it is about (1/n + 1/m) times a
chi-square of bins - 1 degrees of freedom (Yurdakul 2018, "Statistical Properties of Population Stability Index"), so its noise
floor depends on the rows. Rows of one playback session resemble each other; therefore n and m count sessions. And an hour is
never like the whole training period: what hours and days of that period differed by from the rest of it is kept as ``usual``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .metrics import Floats
from .schema import UNKNOWN_CATEGORY, Feature, FeatureSchema, Matrix

NUMBER, CATEGORY, ID = "number", "category", "id"
BINS = 10
TOP_IDS = 20
QUANTILES = np.linspace(0.01, 0.99, 50)
SPANS = {"hour": 3600.0, "day": 86400.0}
# Of fewer sessions a window says nothing, and of fewer windows nobody knows what is usual.
LEAST_SESSIONS, LEAST_WINDOWS = 30, 3
# What stays below this share of the training period's own hours is usual; of days, which are few, the worst one counts.
USUAL_SHARE = {"hour": 0.99, "day": 1.0}
SMOOTHING = 0.5
# Normal quantile of one in ten thousand; rare bins have heavier tails than a chi-square and make it up to three in a thousand.
NOISE_Z = 3.72


@dataclass(frozen=True, slots=True)
class Drift:
    """One column of a window against its reference.

    ``psi`` carries the noise that ``expected`` says on average and ``noise`` in nearly every window. ``usual`` is what windows of this
    length differed by in training, None when training had too few of them. ``mean_shift`` in standard deviations of the
    reference, ``cliffs_delta`` from -1 to 1 (the chance that a value of now is larger, less the chance that it is smaller),
    ``wasserstein`` in standard deviations of the reference, ``jensen_shannon`` in bits, 0-1; None where it does not apply.
    ``moved`` names the bin that moved most, with its share before and now.
    """

    rows: int
    sessions: int
    psi: float
    expected: float
    noise: float
    usual: float | None
    missing_before: float
    missing_now: float
    mean_before: float | None = None
    mean_now: float | None = None
    mean_shift: float | None = None
    cliffs_delta: float | None = None
    wasserstein: float | None = None
    jensen_shannon: float | None = None
    moved: tuple[str, float, float] | None = None

    @property
    def excess(self) -> float:
        """The index less what chance alone makes of it."""
        return max(0.0, self.psi - self.expected)

    @property
    def effect(self) -> float:
        """The effect size that fits the kind of column: Cliff's delta of numbers, Jensen-Shannon of categories."""
        return self.cliffs_delta if self.cliffs_delta is not None else (self.jensen_shannon or 0.0)


def reference(features: Matrix, scores: Floats, schema: FeatureSchema, *, at: Floats, session: NDArray[Any]) -> dict[str, Any]:
    """What later windows are compared with, ready for JSON.

    ``features`` float32 [n, f]; ``scores`` float64 [n] as the model would serve them, NaN for rows it has learned from; ``at``
    Unix seconds; ``session`` names sessions. Exposure columns are left out: they are decided after scoring.
    """
    windows = {span: _Windows.of(at, session, seconds) for span, seconds in SPANS.items()}
    columns = {
        feature.name: _column(features[:, schema.index[feature.name]].astype(np.float64), feature, windows)
        for feature in schema.features
        if not feature.exposure
    }
    known = ~np.isnan(scores)
    of_scores = {span: _Windows.of(at[known], session[known], seconds) for span, seconds in SPANS.items()}
    return {
        "format": 1,
        "rows": len(features),
        "sessions": len(np.unique(session)),
        "features": columns,
        "scored_sessions": len(np.unique(session[known])),
        "score": _column(scores[known], None, of_scores) if known.any() else None,
    }


def of_features(kept: Mapping[str, Any], features: Matrix, schema: FeatureSchema, *, session: NDArray[Any], span: str) -> dict[str, Drift]:
    """Each feature of a window (``span`` is hour or day) against the reference, by name. Features the reference lacks are left out."""
    sessions = len(np.unique(session))
    return {
        name: compare(column, features[:, schema.index[name]].astype(np.float64), sessions=sessions, before=kept["sessions"], span=span)
        for name, column in kept["features"].items()
        if name in schema.index
    }


def of_scores(kept: Mapping[str, Any], scores: Floats, *, session: NDArray[Any], span: str) -> Drift | None:
    """None when the reference has no scores."""
    if not kept.get("score"):
        return None
    return compare(kept["score"], scores, sessions=len(np.unique(session)), before=kept["scored_sessions"], span=span)


def compare(column: Mapping[str, Any], values: Floats, *, sessions: int, before: int, span: str) -> Drift:
    """``values`` float64 [n], NaN missing, from ``sessions`` sessions, against a column of the reference from ``before`` sessions."""
    then, now = np.array(column["counts"], dtype=np.float64), np.bincount(_bins(column, values), minlength=len(column["counts"])).astype(np.float64)
    expected, noise = noise_floor(int(np.count_nonzero(then + now)), sessions, before)
    known = values[np.isfinite(values)]
    shares_then, shares_now = then / then.sum(), now / max(1.0, now.sum())
    most = int(np.argmax(np.abs(shares_now - shares_then)))
    told: dict[str, Any] = {"moved": (_label(column, most), float(shares_then[most]), float(shares_now[most]))}
    if column["kind"] == NUMBER:
        told |= _shift(column, known, then, now)
    else:
        told["jensen_shannon"] = jensen_shannon(then, now)
    return Drift(
        rows=len(values), sessions=sessions, psi=psi(_worth(then, before), _worth(now, sessions)),
        expected=expected, noise=noise, usual=column["usual"][span], missing_before=float(shares_then[-1]), missing_now=float(shares_now[-1]), **told,
    )  # fmt: skip


# Figures


def psi(before: Floats, now: Floats) -> float:
    """Population stability index of two histograms over the same bins. Both are drawn a little towards what they share, half a row
    for each bin, so that an empty bin counts for what it is worth."""
    return float(_psi(before[np.newaxis], now[np.newaxis])[0])


def _psi(before: Floats, now: Floats) -> Floats:
    """Row by row, [windows, bins]; bins that are empty on both sides do not count."""
    both = before + now
    weight = SMOOTHING * (both > 0).sum(axis=1, keepdims=True)
    drawn = weight * both / np.maximum(1.0, both.sum(axis=1, keepdims=True))
    p = (before + drawn) / np.maximum(1.0, before.sum(axis=1, keepdims=True) + weight)
    q = (now + drawn) / np.maximum(1.0, now.sum(axis=1, keepdims=True) + weight)
    held = both > 0
    found: Floats = np.where(held, (q - p) * np.log(np.where(held, q, 1.0) / np.where(held, p, 1.0)), 0.0).sum(axis=1)
    return found


def _worth(counts: Floats, sessions: int) -> Floats:
    """Rows of one session count as one together, so that smoothing weighs as much as noise does."""
    return counts * min(1.0, sessions / max(1.0, float(counts.sum())))


def noise_floor(bins: int, n: int, m: int) -> tuple[float, float]:
    """(mean, upper bound) of the index when nothing drifted: (1/n + 1/m) times a chi-square of bins - 1 degrees of freedom, the
    bound by Wilson and Hilferty (1931)."""
    freedom = max(1, bins - 1)
    scale = 1 / max(1, n) + 1 / max(1, m)
    spread = 2 / (9 * freedom)
    return freedom * scale, freedom * float((1 - spread + NOISE_Z * math.sqrt(spread)) ** 3) * scale


def jensen_shannon(before: Floats, now: Floats) -> float:
    """Jensen-Shannon divergence of two histograms in bits: 0 for the same shares, 1 for no bin in common (Lin 1991)."""
    p, q = before / max(1.0, before.sum()), now / max(1.0, now.sum())
    middle = (p + q) / 2

    def against(share: Floats) -> float:
        held = share > 0
        return float((share[held] * np.log2(share[held] / middle[held])).sum())

    return max(0.0, (against(p) + against(q)) / 2)


def cliffs_delta(before: Floats, now: Floats) -> float:
    """The chance that a value of now lies in a higher bin than one of before, less that of a lower one (Cliff 1993)."""
    p, q = before / max(1.0, before.sum()), now / max(1.0, now.sum())
    below = np.cumsum(p) - p
    return float((q * below).sum() - (q * (p.sum() - below - p)).sum())


def _shift(column: Mapping[str, Any], known: Floats, then: Floats, now: Floats) -> dict[str, Any]:
    if not known.size or column["mean"] is None:
        return {"mean_before": column["mean"]}
    mean, deviation = float(known.mean()), column["deviation"]
    found: dict[str, Any] = {"mean_before": column["mean"], "mean_now": mean, "cliffs_delta": cliffs_delta(then[:-1], now[:-1])}
    if deviation > 0:
        apart = np.abs(np.quantile(known, QUANTILES) - np.array(column["quantiles"]))
        found |= {"mean_shift": (mean - column["mean"]) / deviation, "wasserstein": float(apart.mean()) / deviation}
    return found


# The reference


@dataclass(frozen=True, slots=True)
class _Windows:
    """The hours or days that the training rows fall into: the window of each row, int64 [n], and the sessions in each window."""

    number: NDArray[np.int64]
    sessions: NDArray[np.int64]

    @classmethod
    def of(cls, at: Floats, session: NDArray[Any], seconds: float) -> _Windows:
        _, number = np.unique(np.floor_divide(at, seconds), return_inverse=True)
        _, of_session = np.unique(session, return_inverse=True)
        pairs = np.unique(number.astype(np.int64) * (int(of_session.max(initial=0)) + 1) + of_session)
        return cls(number.astype(np.int64), np.bincount(pairs // (int(of_session.max(initial=0)) + 1)).astype(np.int64))

    def usual(self, bins: NDArray[np.int64], count: int, share: float) -> float | None:
        """What the index of one window against all others was, less its noise, for ``share`` of the windows."""
        table = np.bincount(self.number * count + bins, minlength=len(self.sessions) * count).reshape(-1, count).astype(np.float64)
        large = np.flatnonzero(self.sessions >= LEAST_SESSIONS)
        if len(large) < LEAST_WINDOWS:
            return None
        table *= (self.sessions / table.sum(axis=1))[:, np.newaxis]
        rest = table.sum(axis=0) - table[large]
        noise = [noise_floor(count, int(own), int(self.sessions.sum() - own))[0] for own in self.sessions[large]]
        return float(np.quantile(np.maximum(0.0, _psi(rest, table[large]) - noise), share))


def _column(values: Floats, feature: Feature | None, windows: Mapping[str, _Windows]) -> dict[str, Any]:
    column = _layout(values, feature)
    bins = _bins(column, values)
    count = _count(column)
    column["counts"] = np.bincount(bins, minlength=count).tolist()
    column["usual"] = {span: of.usual(bins, count, USUAL_SHARE[span]) for span, of in windows.items()}
    return column


def _layout(values: Floats, feature: Feature | None) -> dict[str, Any]:
    known = values[np.isfinite(values)]
    if feature is not None and feature.categories is not None:
        return {"kind": CATEGORY, "labels": ["unknown", *feature.categories]}
    if feature is not None and feature.identity:
        codes, counts = np.unique(known, return_counts=True)
        top = np.sort(codes[np.argsort(-counts, kind="stable")[:TOP_IDS]])
        return {"kind": ID, "codes": top.tolist()}
    distinct = np.unique(known)
    # Edges lie between values where there are few, so that each value is a bin of its own.
    edges = (distinct[1:] + distinct[:-1]) / 2 if len(distinct) <= BINS else np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
    return {
        "kind": NUMBER,
        "edges": edges.tolist(),
        "mean": float(known.mean()) if known.size else None,
        "deviation": float(known.std()) if known.size else 0.0,
        "quantiles": np.quantile(known, QUANTILES).tolist() if known.size else [],
    }


def _count(column: Mapping[str, Any]) -> int:
    """Bins of a column; the last is for missing values, and of ids the one before it for all others."""
    if column["kind"] == CATEGORY:
        return len(column["labels"]) + 1
    return len(column["codes"]) + 2 if column["kind"] == ID else len(column["edges"]) + 2


def _bins(column: Mapping[str, Any], values: Floats) -> NDArray[np.int64]:
    missing = np.isnan(values)
    last = _count(column) - 1
    found: NDArray[Any]
    if column["kind"] == CATEGORY:
        found = np.clip(np.where(missing, 0, values) - UNKNOWN_CATEGORY, 0, last - 1)
    elif column["kind"] == ID:
        codes = np.array(column["codes"], dtype=np.float64)
        place = np.searchsorted(codes, values)
        held = np.append(codes, np.nan)[place] == values
        found = np.where(held, place, last - 1)
    else:
        found = np.searchsorted(np.array(column["edges"], dtype=np.float64), values, side="right")
    return np.where(missing, last, found).astype(np.int64)


def _label(column: Mapping[str, Any], number: int) -> str:
    """A bin in words."""
    last = _count(column) - 1
    if number == last:
        return "missing"
    if column["kind"] == CATEGORY:
        return str(column["labels"][number])
    if column["kind"] == ID:
        return "others than the usual ones" if number == last - 1 else "one of the usual ones"
    edges = column["edges"]
    if not edges:
        return "any value"
    if number == 0:
        return f"below {edges[0]:.4g}"
    return f"{edges[-1]:.4g} and above" if number == len(edges) else f"{edges[number - 1]:.4g} to {edges[number]:.4g}"
