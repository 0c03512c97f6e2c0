"""The probability of a click and of a completed view for each candidate of a break."""

from __future__ import annotations

import numpy as np
import structlog

from adplatform.learning import registry
from ads.decision.request import AdRequest
from ads.decision.state import Candidates, Scores

from . import features

log = structlog.get_logger(__name__)

KIND = "ctr"
LEAST, MOST = 1e-6, 1 - 1e-6
_warned: set[int] = set()


def score(request: AdRequest, candidates: Candidates) -> Scores:
    """Scores [n], by the champion, or by the smoothed rates where there is none; the rows they follow from are built when asked for.

    Reads no Redis of its own: the counters come with the candidates, from the decision's one round trip.
    """
    champion = registry.load_champion(KIND)
    if champion is not None and champion.schema_fingerprint != features.SCHEMA.fingerprint():
        _warn_once(champion.version_number)
        champion = None
    if champion is None or not len(candidates):
        clicks, version = features.click_rate(candidates), None
    else:
        clicks, version = champion.predictor.predict(features.build(request, candidates)), champion.version_number
    return Scores(
        pctr=np.clip(clicks, LEAST, MOST),
        pvcr=np.clip(features.completion_rate(candidates), LEAST, MOST),
        rows=lambda places: features.build(request, candidates.take(places)),
        model_version=version,
    )


def _warn_once(version: int) -> None:
    if version not in _warned:
        _warned.add(version)
        log.warning("champion was trained on another feature schema, scoring by smoothed rates until it is retrained", version=version)
