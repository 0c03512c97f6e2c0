"""Readings of drift: features and scores of a window against the reference that the version was trained with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .. import drift
from ..drift import Drift
from ..schema import FeatureSchema
from .readings import DAY, FEATURE_MISSING, FEATURE_PSI, FEATURE_SHIFT, SCORE_PSI, Reading, Window
from .served import Served

# The customary bound of "changed"; and what days or hours of training differed by among themselves, with some room.
PSI_BOUND, ROOM = 0.2, 1.25
MISSING_BOUND = 0.2
# Below both, numbers lie about where they lay: a normal one that only moves has, at an index of 0.2, a Cliff's delta of 0.25 and a mean
# 0.45 deviations off. A smoothed rate that settles as evidence grows only narrows, which moves the index far and no prediction.
NEGLIGIBLE_DELTA, NEGLIGIBLE_SHIFT = 0.2, 0.3
LEAST_SESSIONS = 50


def of_features(window: Window, reference: Mapping[str, Any], served: Served, schema: FeatureSchema) -> Iterator[Reading]:
    """Nothing of a window with too few sessions. Effect sizes and missing values are told of whole days."""
    if served.sessions < LEAST_SESSIONS:
        return
    found = drift.of_features(reference, served.features, schema, session=served.session, span=window.span)
    for name, one in found.items():
        yield _index(window, FEATURE_PSI, name, one)
        if window.span == DAY:
            yield _effect(window, name, one)
            if one.missing_before or one.missing_now:
                yield _missing(window, name, one)


def of_scores(window: Window, reference: Mapping[str, Any], mine: Served) -> Iterator[Reading]:
    """``mine`` are the rows that this version scored."""
    if mine.sessions < LEAST_SESSIONS:
        return
    one = drift.of_scores(reference, mine.scores, session=mine.session, span=window.span)
    if one is not None:
        yield _index(window, SCORE_PSI, "", one)


def _index(window: Window, measure: str, name: str, one: Drift) -> Reading:
    bound = None if one.usual is None else max(PSI_BOUND, ROOM * one.usual)
    alarm = bound is not None and one.excess > bound and one.psi > one.noise and not (name and _only_narrower(one))
    return Reading(
        measure, window, one.rows, _index_words(window, name, one, bound, alarm=alarm), subject=name, value=one.excess, bound=bound, alarm=alarm,
        figures={
            "psi": one.psi, "expected": one.expected, "noise": one.noise, "usual": one.usual, "sessions": one.sessions,
            "mean_before": one.mean_before, "mean_now": one.mean_now, "effect": one.effect, "moved": list(one.moved or ()),
        },
    )  # fmt: skip


def _index_words(window: Window, name: str, one: Drift, bound: float | None, *, alarm: bool) -> str:
    what = f"The feature {name.replace('_', ' ')}" if name else "The model's scores"
    like = "are" if not name else "is"
    figures = f"stability index {one.excess:.2f} beyond what chance makes of {one.sessions:,} sessions"
    if bound is None:
        return f"{what}: {figures}. Training had too few {window.span}s to say what is usual, so it is not judged yet."
    if not alarm and name and one.excess > bound and _only_narrower(one):
        return f"{what} {like} spread otherwise than in training, about the same middle: {figures}. That is no alarm. {_moved(name, one)}"
    if not alarm:
        return f"{what} {like} as in training: {figures}, the bound is {bound:.2f}."
    own = f" ({window.span}s of training differed by up to {one.usual:.2f})" if one.usual and one.usual >= 0.01 else ""
    return f"{what} {like} no longer as in training: {figures}, the bound is {bound:.2f}{own}. {_moved(name, one)}"


def _only_narrower(one: Drift) -> bool:
    """Whether numbers changed in spread alone; what went missing has a reading of its own."""
    if one.cliffs_delta is None or one.mean_shift is None:
        return False
    return abs(one.cliffs_delta) < NEGLIGIBLE_DELTA and abs(one.mean_shift) < NEGLIGIBLE_SHIFT


def _moved(name: str, one: Drift) -> str:
    label, before, now = one.moved or ("", 0.0, 0.0)
    words = f"Most of it: {label} went from {before:.1%} to {now:.1%} of the rows"
    if one.mean_before is not None and one.mean_now is not None:
        words += f", the mean from {one.mean_before:.4g} to {one.mean_now:.4g}"
    return words + "."


def _effect(window: Window, name: str, one: Drift) -> Reading:
    title = name.replace("_", " ")
    if one.cliffs_delta is None:
        words = f"{title}: shares of its values are {one.jensen_shannon or 0:.3f} bits apart from training (0 the same, 1 nothing in common)."
    else:
        words = f"{title}: a value of now is larger than one of training {_more(one.cliffs_delta)}."
        if one.mean_shift is not None and one.wasserstein is not None:
            words += f" The mean moved by {one.mean_shift:+.2f} and values by {one.wasserstein:.2f} standard deviations."
    figures = {
        "cliffs_delta": one.cliffs_delta, "mean_shift": one.mean_shift, "wasserstein": one.wasserstein, "jensen_shannon": one.jensen_shannon,
    }  # fmt: skip
    return Reading(FEATURE_SHIFT, window, one.rows, words, subject=name, value=one.effect, figures=figures)


def _more(delta: float) -> str:
    if abs(delta) < 0.01:
        return "as often as smaller"
    return f"{abs(delta):.0%} of the time {'more' if delta > 0 else 'less'} often than smaller"


def _missing(window: Window, name: str, one: Drift) -> Reading:
    change = one.missing_now - one.missing_before
    alarm = abs(change) > MISSING_BOUND and one.psi > one.noise and one.usual is not None and one.excess > ROOM * one.usual
    words = f"{name.replace('_', ' ')} is missing in {one.missing_now:.1%} of the rows, in training {one.missing_before:.1%}."
    if alarm:
        words += " Look at whoever fills it before anything else: see the feature's owner in the schema."
    return Reading(
        FEATURE_MISSING, window, one.rows, words, subject=name, value=change, bound=MISSING_BOUND, alarm=alarm,
        figures={"before": one.missing_before, "now": one.missing_now},
    )  # fmt: skip
