"""Who could have won a randomised slot is kept with the decision, and ranked again as it was ranked when it was served."""

from __future__ import annotations

import uuid
from datetime import timedelta

import numpy as np
import pytest

from adplatform.eventlog import consumer
from adplatform.learning import registry
from ads.ctr import choices
from ads.ctr.contests import Stored
from ads.models import Decision
from ads.serving import serve_break
from tests.ads.inventory import NOW, make_ad, make_request, track

from .test_scorer import promote

pytestmark = pytest.mark.django_db(transaction=True)
LATER = NOW + timedelta(minutes=30)


def serve(breaks: int) -> None:
    """Breaks of one slot for ads that pay by the click, by the view and by the impression; every other ad is clicked on."""
    for number in range(breaks):
        at = NOW + timedelta(seconds=number)
        request = make_request(session=uuid.UUID(int=number + 1), max_ads=1, hour=number % 24, device=("tv", "mobile")[number % 2])
        served = serve_break(request, now=at, rng=np.random.default_rng(number))
        track(served.ads[0].token, "ad.impression", at=at + timedelta(seconds=2))
        if number % 2:
            track(served.ads[0].token, "ad.click", at=at + timedelta(seconds=5))
    consumer.drain(now=NOW + timedelta(minutes=2))


@pytest.fixture(autouse=True)
def for_sale() -> None:
    for pricing, bid in (("cpc", 300_000), ("cpc", 500_000), ("cpcv", 20_000), ("cpm", 18_000_000), ("cpc", 400_000)):
        make_ad(pricing=pricing, bid_micros=bid, goal_type="clicks" if pricing == "cpc" else "impressions")


def test_the_log_ranks_again_as_it_did_and_gives_the_chances_that_were_drawn_by() -> None:
    serve(40)
    found = choices.of_clicks(NOW, LATER)
    assert found is not None
    decisions = [decision for decision in Decision.objects.order_by("id") if decision.explanation["randomised"]["others"]["ads"]]
    assert len(found) == len(decisions) > 20
    assert found.reward.sum() > 5
    contests = [decision.state["contest"] for decision in decisions]
    predictions = np.concatenate([_pctr(decision) for decision in decisions])
    ads = np.array([ad for contest in contests for ad in contest["ads"]])
    told = [decision.explanation["randomised"] for decision in decisions]
    assert ads[found.best(predictions)].tolist() == [one["best"]["ad"] for one in told]
    assert ads[found.chosen].tolist() == [decision.slots[0]["ad"] for decision in decisions]
    assert found.propensities(predictions)[found.chosen] == pytest.approx(found.propensity)
    assert found.propensity == pytest.approx([decision.slots[0]["propensity"] for decision in decisions])


def _pctr(decision: Decision) -> np.ndarray:
    contest = decision.state["contest"]
    return Stored(**contest).of("pctr")


def test_the_features_of_everybody_who_could_have_won_give_the_scores_they_were_served_with() -> None:
    promote("hashed_logistic")
    serve(20)
    found = choices.of_clicks(NOW, LATER)
    version = registry.champion_row("ctr")
    assert found is not None
    assert version is not None
    replayed = registry.load_version(version).predictor.predict(found.features)
    contested = [decision for decision in Decision.objects.order_by("id") if decision.state["contest"]]
    by_model = np.concatenate([np.full(len(decision.state["contest"]["ads"]), decision.model_version == 1) for decision in contested])
    assert by_model.sum() > 20
    # The others are of the control slice, which the smoothed rates score.
    served = np.concatenate([_pctr(decision) for decision in contested])
    np.testing.assert_allclose(replayed[by_model], served[by_model], atol=1e-6)


def test_completed_views_are_ranked_by_their_own_part_of_the_worth() -> None:
    serve(20)
    found, clicks = choices.of_completions(NOW, LATER), choices.of_clicks(NOW, LATER)
    assert found is not None
    assert clicks is not None
    assert found.reward.sum() == 0
    assert len(found) == len(clicks)
    served = np.concatenate([Stored(**d.state["contest"]).of("pvcr") for d in Decision.objects.order_by("id") if d.state["contest"]])
    clicked = np.concatenate([_pctr(d) for d in Decision.objects.order_by("id") if d.state["contest"]])
    np.testing.assert_allclose(found.fixed + found.slope * served, clicks.fixed + clicks.slope * clicked, rtol=1e-5)


def test_slots_that_chance_did_not_fill_or_that_were_not_seen_are_left_out() -> None:
    serve(20)
    before = choices.of_clicks(NOW, LATER)
    assert before is not None
    lost = next(decision for decision in Decision.objects.order_by("id") if decision.state["contest"])
    Decision.objects.filter(pk=lost.pk).update(slots=[{**lost.slots[0], "randomised": False}])
    after = choices.of_clicks(NOW, LATER)
    assert after is not None
    assert len(after) == len(before) - 1
    assert choices.of_clicks(LATER, LATER) is None
    assert choices.of_clicks(NOW, NOW + timedelta(minutes=1)) is None
