"""The probability of a click and of a completed view for each candidate of a break."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import structlog

from adplatform.learning import registry
from adplatform.learning.hashed import HashedLogistic, sigmoid
from adplatform.learning.predictor import SHORTLIST, Predictor, TwoStagePredictor
from ads.decision.packing import single
from ads.decision.request import AdRequest
from ads.decision.state import Candidates, Floats, Ints, Scores

from . import fast, features, rollout

log = structlog.get_logger(__name__)

KIND, COMPLETION = "ctr", "completion"
LEAST, MOST = 1e-6, 1 - 1e-6
_warned: set[tuple[str, int]] = set()

# The places of those worth ranking by an expensive model, at most so many, from a cheap model's probabilities [n].
Best = Callable[[Floats, int], Ints]


def score(request: AdRequest, candidates: Candidates) -> Scores:
    """Scores [n], by the champions of clicks and of completed views (a challenger, where the request falls to its canary), or by the
    smoothed rates where there is none and for the control slice; the rows they follow from are built when asked for.

    Reads no Redis of its own: the counters come with the candidates, from the decision's one round trip.
    """
    smoothed = features.smooth(candidates.lineup, candidates.rates).columns
    clicks, completions = (smoothed[name][candidates.rows] for name in ("ad_click_rate", "ad_completion_rate"))
    assigned = rollout.assign(request, (KIND, COMPLETION))
    likely_clicks = clicks
    completing, completions = _answer(
        COMPLETION, assigned, request, candidates, completions, lambda likely, most: shortlist(candidates, likely_clicks, likely, most)
    )
    pvcr = single(np.clip(completions, LEAST, MOST))
    clicking, clicks = _answer(KIND, assigned, request, candidates, clicks, lambda likely, most: shortlist(candidates, likely, pvcr, most))
    return Scores(
        pctr=single(np.clip(clicks, LEAST, MOST)),
        pvcr=pvcr,
        rows=lambda places: features.build(request, candidates.take(places)),
        model_version=clicking,
        completion_version=completing,
        arm=assigned.arm,
    )


def _answer(
    kind: str, assigned: rollout.Assigned, request: AdRequest, candidates: Candidates, smoothed: Floats, best_of: Best
) -> tuple[int | None, Floats]:
    """Who answered, and what. A model that fails is told of, and the next one steps in: the champion, then the smoothed rates."""
    for model in assigned.models[kind] if len(candidates) else ():
        if not _fits(model):
            continue
        try:
            likely = _probabilities(model.predictor, request, candidates, smoothed.copy(), best_of)
            if not np.isfinite(likely).all():
                raise ValueError("it answers with numbers that are none")
        except Exception:  # noqa: BLE001 (each runtime raises its own; whatever it is, the break is decided)
            rollout.failed(kind, model.version_number)
        else:
            return model.version_number, likely
    return None, smoothed


def _probabilities(predictor: Predictor, request: AdRequest, candidates: Candidates, smoothed: Floats, best_of: Best) -> Floats:
    """A linear model scores everything. Any other takes too long for that: it ranks the best of what a cheaper score says."""
    if isinstance(predictor, HashedLogistic):
        return sigmoid(fast.logits(predictor, request, candidates))
    if isinstance(predictor, TwoStagePredictor):
        logits = fast.logits(predictor.first, request, candidates)
        likely = sigmoid(logits)
        best = best_of(likely, predictor.shortlist)
        likely[best] = predictor.refine(features.build(request, candidates.take(best)), logits[best])
        return likely
    best = best_of(smoothed, SHORTLIST)
    smoothed[best] = predictor.predict(features.build(request, candidates.take(best)))
    return smoothed


def shortlist(candidates: Candidates, pctr: Floats, pvcr: Floats, most: int) -> Ints:
    """The places of the candidates whose impression is worth most, ascending; all of them when they are no more than ``most``."""
    if len(candidates) <= most:
        return np.arange(len(candidates), dtype=np.int64)
    lineup, rows = candidates.lineup, candidates.rows
    worth = lineup.worth_shown[rows] + lineup.worth_clicked[rows] * pctr + lineup.worth_completed[rows] * pvcr
    return np.sort(np.argpartition(-worth, most)[:most]).astype(np.int64)


def _fits(model: registry.LoadedModel) -> bool:
    """A model that was trained on other features than are served answers nothing."""
    if model.schema_fingerprint == features.SCHEMA.fingerprint():
        return True
    _warn_once(model.kind, model.version_number)
    return False


def _warn_once(kind: str, version: int) -> None:
    if (kind, version) not in _warned:
        _warned.add((kind, version))
        log.warning("model was trained on another feature schema and answers nothing until it is retrained", kind=kind, version=version)
