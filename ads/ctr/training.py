"""What the click model and the completion model are made of: the same rows, two outcomes."""

from __future__ import annotations

from dataclasses import replace

from adplatform.learning.chosen import chosen
from adplatform.learning.estimators import CLASSIFICATION
from adplatform.learning.schema import FeatureSchema
from adplatform.learning.training import Recipe

from . import choices, dataset, features, scorer

# A completed view is told by how often the ad was seen to its end before, and by whatever tells a click.
COMPLETION_SCHEMA = FeatureSchema(
    name="completion",
    version=features.SCHEMA.version,
    features=tuple(replace(one, linear="logit") if one.name == "ad_completion_rate" else one for one in features.SCHEMA.features),
    prior="ad_completion_rate",
    terms=features.SCHEMA.terms,
    logged_as=features.SCHEMA,
)


ESTIMATORS: dict[str, list[str]] = {
    scorer.KIND: chosen("CTR_ESTIMATORS", CLASSIFICATION),
    scorer.COMPLETION: chosen("COMPLETION_ESTIMATORS", CLASSIFICATION),
}

RECIPES = (
    Recipe(
        kind=scorer.KIND,
        task=CLASSIFICATION,
        schema=features.SCHEMA,
        default_estimator=ESTIMATORS[scorer.KIND][0],
        load=dataset.load,
        least_rows=500,
        least_positives=20,
        label_seconds=dataset.CLICK_WINDOW.total_seconds(),
        choices=choices.of_clicks,
    ),
    Recipe(
        kind=scorer.COMPLETION,
        task=CLASSIFICATION,
        schema=COMPLETION_SCHEMA,
        default_estimator=ESTIMATORS[scorer.COMPLETION][0],
        load=dataset.load_completion,
        least_rows=500,
        least_positives=20,
        label_seconds=dataset.COMPLETION_WINDOW.total_seconds(),
        choices=choices.of_completions,
    ),
)
