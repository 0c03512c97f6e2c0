"""The page of features says what the code says."""

from __future__ import annotations

from django.conf import settings

from adplatform.learning import describe, training
from adplatform.management.commands.describe_features import PAGE

OWNERS = {"ads", "catalog", "engagement"}


def test_the_page_of_features_is_what_the_code_declares() -> None:
    assert (settings.BASE_DIR / PAGE).read_text() == describe.page(), "run: manage.py describe_features --write"


def test_every_feature_has_an_owner_and_a_privacy_class_and_stands_on_the_page() -> None:
    page = describe.page()
    features = [one for kind in training.kinds() for one in training.recipe_for(kind).schema.features]
    assert {one.owner for one in features} <= OWNERS
    assert {one.privacy for one in features} == {"context", "consent"}
    assert all(f"| `{one.name}` | {one.owner} | {one.privacy} |" in page for one in features)
