"""The probability of a click and of a completed view for each candidate of a break."""

from __future__ import annotations

import numpy as np
import structlog

from adplatform.learning import registry
from adplatform.learning.hashed import HashedLogistic, sigmoid
from adplatform.learning.predictor import SHORTLIST, Predictor, TwoStagePredictor
from ads.decision.control import in_control
from ads.decision.packing import single
from ads.decision.request import AdRequest
from ads.decision.state import Candidates, Floats, Ints, Scores

from . import fast, features

log = structlog.get_logger(__name__)

KIND = "ctr"
LEAST, MOST = 1e-6, 1 - 1e-6
_warned: set[int] = set()


def score(request: AdRequest, candidates: Candidates) -> Scores:
    """Scores [n], by the champion, or by the smoothed rates where there is none and for the control slice; the rows they follow from
    are built when asked for.

    Reads no Redis of its own: the counters come with the candidates, from the decision's one round trip.
    """
    smoothed = features.smooth(candidates.lineup, candidates.rates).columns
    pvcr = single(np.clip(smoothed["ad_completion_rate"][candidates.rows], LEAST, MOST))
    clicks = smoothed["ad_click_rate"][candidates.rows]
    champion = _champion() if len(candidates) and not in_control(request) else None
    if champion is not None:
        clicks = _clicks(champion.predictor, request, candidates, clicks, pvcr)
    return Scores(
        pctr=single(np.clip(clicks, LEAST, MOST)),
        pvcr=pvcr,
        rows=lambda places: features.build(request, candidates.take(places)),
        model_version=None if champion is None else champion.version_number,
    )


def _clicks(predictor: Predictor, request: AdRequest, candidates: Candidates, smoothed: Floats, pvcr: Floats) -> Floats:
    """A linear model scores everything. Any other takes too long for that: it ranks the best of what a cheaper score says."""
    if isinstance(predictor, HashedLogistic):
        return sigmoid(fast.logits(predictor, request, candidates))
    if isinstance(predictor, TwoStagePredictor):
        logits = fast.logits(predictor.first, request, candidates)
        clicks = sigmoid(logits)
        best = shortlist(candidates, clicks, pvcr, predictor.shortlist)
        clicks[best] = predictor.refine(features.build(request, candidates.take(best)), logits[best])
        return clicks
    clicks = smoothed
    best = shortlist(candidates, clicks, pvcr, SHORTLIST)
    clicks[best] = predictor.predict(features.build(request, candidates.take(best)))
    return clicks


def shortlist(candidates: Candidates, pctr: Floats, pvcr: Floats, most: int) -> Ints:
    """The places of the candidates whose impression is worth most, ascending; all of them when they are no more than ``most``."""
    if len(candidates) <= most:
        return np.arange(len(candidates), dtype=np.int64)
    lineup, rows = candidates.lineup, candidates.rows
    worth = lineup.worth_shown[rows] + lineup.worth_clicked[rows] * pctr + lineup.worth_completed[rows] * pvcr
    return np.sort(np.argpartition(-worth, most)[:most]).astype(np.int64)


def _champion() -> registry.LoadedModel | None:
    """None also when it was trained on other features than are served."""
    champion = registry.load_champion(KIND)
    if champion is not None and champion.schema_fingerprint != features.SCHEMA.fingerprint():
        _warn_once(champion.version_number)
        return None
    return champion


def _warn_once(version: int) -> None:
    if version not in _warned:
        _warned.add(version)
        log.warning("champion was trained on another feature schema, scoring by smoothed rates until it is retrained", version=version)
