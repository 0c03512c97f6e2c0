"""Two models, trained here on what viewers of a simple mind did: who skips and pauses wants intensity, who watches calmly wants no change.

They are fitted, stored and promoted as any other; only the viewers they learned from are made up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from adplatform.learning import estimators, registry, seats
from adplatform.learning.estimators import REGRESSION, Sample
from adplatform.learning.schema import FeatureSchema, Matrix
from adplatform.models import ModelVersion
from engagement.director import features, lots
from engagement.models import DirectorAction

ROWS, SESSIONS = 3000, 300
ENGAGEMENT, POLICY = "engagement", "director"
# Chance has tried bringing scenes forward, and nothing else: so nothing else is chosen for its worth.
TRIALS = {DirectorAction.BRING_FORWARD: 1000}


def lived(schema: FeatureSchema, **own: Any) -> tuple[Matrix, np.ndarray[Any, Any]]:
    """Rows of viewers of whom half are restless, and which those are."""
    rng = np.random.default_rng(11)
    restless = rng.random(ROWS) < 0.5
    acts = {name: np.where(restless, rng.integers(1, 4, ROWS), 0) for name in ("skips_last_minute", "pauses_last_minute")}
    columns = {"intensity": rng.random(ROWS), "place": rng.integers(1, 6, ROWS), **acts, **own}
    return schema.matrix(columns, ROWS, consent=False), restless


@contextmanager
def directed() -> Iterator[None]:
    """Both models serve, in the site's processes too."""
    rng = np.random.default_rng(12)
    sample = Sample(session=rng.integers(0, SESSIONS, ROWS))
    rows, restless = lived(features.SCHEMA)
    watched = np.where(restless, 0.3, 0.85) + 0.1 * rng.random(ROWS)
    _serve(ENGAGEMENT, "random_forest", features.SCHEMA, rows, watched, sample, interval={"edges": [], "low": [-0.1], "high": [0.1]})

    action, intensity = rng.choice([DirectorAction.KEEP, DirectorAction.BRING_FORWARD], ROWS), rng.random(ROWS)
    rows, restless = lived(lots.SCHEMA, action=action.tolist(), next_intensity=intensity)
    calm = np.where(action == DirectorAction.KEEP, 0.9, 0.6)
    watched = np.where(restless, 0.1 + 0.8 * intensity, calm) + 0.05 * rng.random(ROWS)
    _serve(POLICY, "gradient_boosting", lots.SCHEMA, rows, watched, sample, trials=TRIALS)
    try:
        yield
    finally:
        for kind in (ENGAGEMENT, POLICY):
            ModelVersion.objects.filter(kind=kind).delete()
            seats.announce(kind)
        registry.forget_loaded()


def _serve(kind: str, estimator: str, schema: FeatureSchema, rows: Matrix, labels: np.ndarray[Any, Any], sample: Sample, **parameters: Any) -> None:
    fitted = estimators.fit(estimator, REGRESSION, rows, labels, schema, {}, sample)
    path, digest = registry.store_artifact(fitted.artifact, fitted.suffix)
    given = {"schema_fingerprint": schema.fingerprint(), **parameters}
    registry.promote(registry.register(kind=kind, estimator=estimator, artifact=path, artifact_sha256=digest, parameters=given))
