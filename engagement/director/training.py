"""What the models of watching are made of: the same rows of features, two outcomes."""

from __future__ import annotations

from adplatform.learning.chosen import chosen
from adplatform.learning.estimators import CLASSIFICATION, REGRESSION
from adplatform.learning.training import Recipe

from . import dataset, features, prediction

ESTIMATORS: dict[str, list[str]] = {
    prediction.KIND: chosen("ENGAGEMENT_ESTIMATORS", REGRESSION),
    prediction.LEAVE: chosen("LEAVE_ESTIMATORS", CLASSIFICATION),
}

RECIPE = Recipe(
    kind=prediction.KIND,
    task=REGRESSION,
    schema=features.SCHEMA,
    default_estimator=ESTIMATORS[prediction.KIND][0],
    load=dataset.load,
    least_rows=500,
    label_seconds=dataset.IDLE.total_seconds(),
)

LEAVE_RECIPE = Recipe(
    kind=prediction.LEAVE,
    task=CLASSIFICATION,
    schema=features.LEAVE_SCHEMA,
    default_estimator=ESTIMATORS[prediction.LEAVE][0],
    load=dataset.load_leaving,
    least_rows=500,
    least_positives=30,
    label_seconds=dataset.LEAVE_LABEL_SECONDS,
)
