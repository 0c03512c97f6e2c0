"""What the engagement model is made of."""

from __future__ import annotations

from adplatform.learning.estimators import REGRESSION
from adplatform.learning.training import Recipe

from . import dataset, features, prediction

RECIPE = Recipe(
    kind=prediction.KIND,
    task=REGRESSION,
    schema=features.SCHEMA,
    default_estimator="random_forest",
    load=dataset.load,
    least_rows=500,
    label_seconds=dataset.IDLE.total_seconds(),
)
