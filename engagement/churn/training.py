"""What the churn model is made of."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from adplatform.learning.chosen import chosen
from adplatform.learning.estimators import CLASSIFICATION
from adplatform.learning.training import Recipe

from . import dataset, features

KIND = "churn"
ESTIMATORS = chosen("CHURN_ESTIMATORS", CLASSIFICATION)

RECIPE = Recipe(
    kind=KIND,
    task=CLASSIFICATION,
    schema=features.SCHEMA,
    default_estimator=ESTIMATORS[0],
    load=dataset.load,
    least_rows=200,
    least_positives=20,
    label_seconds=timedelta(days=settings.CHURN_HORIZON_DAYS).total_seconds(),
    returning=True,
)
