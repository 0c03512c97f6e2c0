"""What the click model is made of."""

from __future__ import annotations

from django.conf import settings

from adplatform.learning import estimators
from adplatform.learning.estimators import CLASSIFICATION
from adplatform.learning.training import Recipe

from . import dataset, features, scorer

# A name that is none stops the start, and says which there are.
ESTIMATORS: list[str] = settings.CTR_ESTIMATORS
for name in ESTIMATORS:
    estimators.find(name, CLASSIFICATION)

RECIPE = Recipe(
    kind=scorer.KIND,
    task=CLASSIFICATION,
    schema=features.SCHEMA,
    default_estimator=ESTIMATORS[0],
    load=dataset.load,
    least_rows=500,
    least_positives=20,
    label_seconds=dataset.CLICK_WINDOW.total_seconds(),
)
