"""A served slot can be taken apart: what each column added sums to what the model says."""

from __future__ import annotations

import numpy as np
import pytest

from adplatform.eventlog import consumer
from adplatform.learning.card.explain import CannotExplain, explain
from adplatform.models import ModelVersion
from ads.ctr import features
from ads.ctr.logged import logged_row
from ads.models import Decision
from ads.serving import serve_break
from tests.ads.inventory import NOW, make_ad, make_request

from .test_scorer import promote

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def decision() -> Decision:
    for _ in range(3):
        make_ad()
    serve_break(make_request(), now=NOW)
    consumer.drain(now=NOW)
    return Decision.objects.get()


def test_the_row_of_a_slot_is_the_one_that_was_served(decision: Decision) -> None:
    slot = decision.slots[-1]
    logged = logged_row(f"{decision.pk}/{slot['slot'] + 1}")
    assert np.array_equal(logged.row, np.array(features.SCHEMA.unpack(slot["features"]), dtype=np.float32), equal_nan=True)
    assert slot["name"] in logged.words


@pytest.mark.parametrize("slot", ["99", "0"])
def test_a_slot_that_was_not_filled_is_said_so(decision: Decision, slot: str) -> None:
    with pytest.raises(CannotExplain, match=f"has no slot {slot}"):
        logged_row(f"{decision.pk}/{slot}")


def test_a_model_that_cannot_say_what_a_column_added_is_said_so(decision: Decision) -> None:
    promote("prior")
    with pytest.raises(CannotExplain, match="prior cannot say"):
        explain(ModelVersion.objects.get(), str(decision.pk))


def test_a_row_of_other_features_is_not_taken_apart(decision: Decision) -> None:
    promote("prior")
    ModelVersion.objects.update(parameters={"schema_fingerprint": "another"})
    with pytest.raises(CannotExplain, match="other features"):
        explain(ModelVersion.objects.get(), str(decision.pk))
