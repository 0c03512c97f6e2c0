"""How the first demo scored engagement, as its paper tells: a constant (the 65 % of its table) that pauses and skips lower and rewinds and
the length of the session raise, with random noise on top.

The paper names the four signals and which way each points ("play/pause patterns", "rewind behavior - shows engagement", "skip actions -
identifies low engagement", "session duration"), not their weights. Only the tenth for a rewind is known; the others are of the same size.
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from adplatform.learning.schema import FeatureSchema, Matrix

CONSTANT = 0.65
PER_REWIND, PER_SKIP, PER_PAUSE = 0.1, -0.1, -0.05
# A session of 23.4 minutes is what it calls a long one.
LONG_MINUTES, FOR_A_LONG_SESSION = 23.4, 0.1
NOISE = 0.05


def engagement_of(features: Matrix, schema: FeatureSchema, rng: Generator) -> NDArray[np.float64]:
    """float64 [n], 0-1, of rows of the engagement model."""

    def column(name: str) -> NDArray[np.float64]:
        return np.nan_to_num(features[:, schema.index[name]].astype(np.float64))

    score = CONSTANT + PER_REWIND * column("rewinds") + PER_SKIP * column("skips") + PER_PAUSE * column("pauses")
    score = score + FOR_A_LONG_SESSION * np.minimum(1.0, column("minutes") / LONG_MINUTES)
    noisy: NDArray[np.float64] = np.clip(score + rng.normal(0, NOISE, len(score)), 0.0, 1.0)
    return noisy
