"""What the models of watching are made of: the same rows of features, two outcomes."""

from __future__ import annotations

from django.conf import settings

from adplatform.learning.chosen import chosen
from adplatform.learning.estimators import CLASSIFICATION, REGRESSION
from adplatform.learning.gates import Terms
from adplatform.learning.training import Policy, Recipe

from . import boundaries, dataset, features, lots, prediction, value

ESTIMATORS: dict[str, list[str]] = {
    prediction.KIND: chosen("ENGAGEMENT_ESTIMATORS", REGRESSION),
    prediction.LEAVE: chosen("LEAVE_ESTIMATORS", CLASSIFICATION),
    value.KIND: chosen("DIRECTOR_ESTIMATORS", REGRESSION),
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

TERMS = Terms(
    many="randomised boundaries",
    none="no boundary had more than one option that chance could take since the rows it learned from",
    alike="it would do the same at every one as",
    share_alike="of the boundaries they decide alike",
    seldom="what it would do was done by chance too seldom",
    one_decides="a single viewer would decide",
    unit=f" {settings.CURRENCY}",
    # From micros for one boundary to the currency for a thousand.
    scale=1000 / 1e6,
    never_worse=True,
    prior="keeping the plan",
    first="keeping the plan always",
)

DIRECTOR_RECIPE = Recipe(
    kind=value.KIND,
    task=REGRESSION,
    schema=lots.SCHEMA,
    default_estimator=ESTIMATORS[value.KIND][0],
    load=boundaries.load,
    least_rows=500,
    label_seconds=dataset.IDLE.total_seconds(),
    choices=boundaries.choices,
    policy=Policy(boundaries.best, TERMS),
    notes=boundaries.notes,
)
