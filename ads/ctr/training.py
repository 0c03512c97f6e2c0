"""What the click model is made of."""

from __future__ import annotations

from adplatform.learning.estimators import CLASSIFICATION
from adplatform.learning.training import Recipe

from . import dataset, features, scorer

RECIPE = Recipe(
    kind=scorer.KIND,
    task=CLASSIFICATION,
    schema=features.SCHEMA,
    default_estimator="random_forest",
    load=dataset.load,
    least_rows=500,
    least_positives=20,
    label_seconds=dataset.CLICK_WINDOW.total_seconds(),
)
