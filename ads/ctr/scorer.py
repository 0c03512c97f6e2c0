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
PRIOR_COLUMN = features.SCHEMA.index["ad_click_rate"]
_warned: set[int] = set()


def score(request: AdRequest, candidates: Candidates) -> Scores:
    """Scores [n] with the feature rows they were made from, by the champion, or by the smoothed rates where there is none.

    Reads no Redis of its own: the counters come with the candidates, from the decision's one round trip.
    """
    completion = features.completion_rate(candidates)
    rows = features.build(request, candidates, completion)
    champion = registry.load_champion(KIND)
    if champion is not None and champion.schema_fingerprint != features.SCHEMA.fingerprint():
        _warn_once(champion.version_number)
        champion = None
    if champion is None or not len(candidates):
        clicks, version = rows[:, PRIOR_COLUMN].astype(np.float64), None
    else:
        clicks, version = champion.predictor.predict(rows), champion.version_number
    return Scores(
        pctr=np.clip(clicks, LEAST, MOST),
        pvcr=np.clip(completion, LEAST, MOST),
        features=rows,
        model_version=version,
    )


def _warn_once(version: int) -> None:
    if version not in _warned:
        _warned.add(version)
        log.warning("champion was trained on another feature schema, scoring by smoothed rates until it is retrained", version=version)
