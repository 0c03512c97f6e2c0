"""Which estimators train is one line of settings; one that makes no sense stops the start in a sentence."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from adplatform.learning.chosen import chosen
from adplatform.learning.estimators import CLASSIFICATION, REGRESSION


def test_blanks_around_a_name_do_not_count() -> None:
    with override_settings(CTR_ESTIMATORS=["xgboost", " lightgbm", ""]):
        assert chosen("CTR_ESTIMATORS", CLASSIFICATION) == ["xgboost", "lightgbm"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([""], "names no estimator; unset it, or choose from: deep, gradient_boosting, hashed_logistic"),
        (["nosuch"], "CTR_ESTIMATORS=nosuch: there is no estimator 'nosuch'"),
    ],
)
def test_what_names_no_estimator_is_refused_with_those_there_are(names: list[str], words: str) -> None:
    with override_settings(CTR_ESTIMATORS=names), pytest.raises(ImproperlyConfigured, match=words):
        chosen("CTR_ESTIMATORS", CLASSIFICATION)


def test_a_number_is_asked_of_estimators_that_can_give_one() -> None:
    with (
        override_settings(ENGAGEMENT_ESTIMATORS=["hashed_logistic"]),
        pytest.raises(ImproperlyConfigured, match=r"for regression; choose one of: .*mlp"),
    ):
        chosen("ENGAGEMENT_ESTIMATORS", REGRESSION)
