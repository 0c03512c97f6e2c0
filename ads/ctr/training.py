"""What the click model and the completion model are made of: the same rows, two outcomes."""

from __future__ import annotations

from dataclasses import replace

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from adplatform.learning import estimators
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


def chosen(setting: str) -> list[str]:
    """The estimators that a setting names. Raises ImproperlyConfigured: a name that is none stops the start, and says which there are."""
    names = [name.strip() for name in getattr(settings, setting) if name.strip()]
    if not names:
        raise ImproperlyConfigured(f"{setting} names no estimator; unset it, or choose from: {', '.join(estimators.of_task(CLASSIFICATION))}")
    for name in names:
        try:
            estimators.find(name, CLASSIFICATION)
        except estimators.UnknownEstimator as error:
            raise ImproperlyConfigured(f"{setting}={','.join(names)}: {error}") from error
    return names


ESTIMATORS: dict[str, list[str]] = {scorer.KIND: chosen("CTR_ESTIMATORS"), scorer.COMPLETION: chosen("COMPLETION_ESTIMATORS")}

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
