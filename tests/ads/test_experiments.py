"""What experiments are read by on the ads' side: exposed units alone, once each, with their own past, and the interference of budgets."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
import pytest

from adplatform.eventlog import ids
from adplatform.experiments import metrics
from adplatform.experiments.readout import experiment_read
from adplatform.models import Assignment, Experiment
from ads.models import AdEvent, Decision, FunnelHour, LedgerEntry
from tests.adplatform.experiments.units import NOW, START, expose, running
from tests.ads.inventory import make_ad

pytestmark = pytest.mark.django_db
CLICK, SHOWN, DONE, SKIPPED = "ad.click", "ad.impression", "ad.complete", "ad.skip"


def happened(session: uuid.UUID, viewer: uuid.UUID | None, slots: Sequence[Sequence[str]], at: datetime) -> tuple[Decision, list[AdEvent]]:
    """One break whose slots had these valid events; nothing is stored yet."""
    key = ids.new_id(at)
    decision = Decision(
        id=key, day=ids.day_of(key), decided_at=at, session=session, viewer=viewer, break_id="b1", request={}, state={}, slots=[], explanation={}
    )
    events = [
        AdEvent(
            id=ids.derived_id(key, slot, kind), day=decision.day, type=kind, occurred_at=at, received_at=at, decision=key, slot=slot, session=session,
            viewer=viewer, ad=1, flight=1, campaign=1,
        )
        for slot, kinds in enumerate(slots)
        for kind in kinds
    ]  # fmt: skip
    return decision, events


def store(*breaks: tuple[Decision, list[AdEvent]]) -> None:
    Decision.objects.bulk_create([decision for decision, _ in breaks])
    AdEvent.objects.bulk_create([event for _, events in breaks for event in events])


def load(name: str, experiment: Experiment, until: datetime = NOW) -> metrics.Units:
    return metrics.metric_of(name).load(experiment, START, until)


def after(assignment: Assignment, slots: Sequence[Sequence[str]], minutes: float = 5) -> tuple[Decision, list[AdEvent]]:
    return happened(assignment.session, assignment.unit, slots, assignment.exposed_at + timedelta(minutes=minutes))


def test_clicks_and_impressions_are_counted_per_exposed_unit_from_its_exposure_on() -> None:
    experiment = running()
    one, two = expose(experiment, ["control", "bolder"])
    second = Assignment.objects.create(
        experiment=experiment, session=uuid.uuid4(), unit=one.unit, arm="control", exposed_at=one.exposed_at + timedelta(hours=3)
    )
    store(
        after(one, [[SHOWN, CLICK], [SHOWN]]),
        after(second, [[SHOWN]]),
        after(two, [[SHOWN]]),
        after(one, [[SHOWN, CLICK]], minutes=-10),  # before its exposure
        happened(uuid.uuid4(), None, [[SHOWN, CLICK]], START + timedelta(hours=1)),  # not exposed
        happened(two.session, two.unit, [[SHOWN, CLICK]], NOW + timedelta(minutes=1)),  # after the look
    )
    AdEvent.objects.filter(decision__in=Decision.objects.filter(session=two.session).values("id"), type=CLICK, occurred_at__lt=NOW).update(
        valid=False
    )
    found = load("click_rate", experiment)
    assert found.arm.tolist() == [0, 1]
    assert found.sessions.tolist() == [2, 1]
    assert found.numerator.tolist() == [1, 0]
    assert found.denominator.tolist() == [3, 1]
    assert found.covariate[0] == 1.0
    assert np.isnan(found.covariate[1])


def test_a_unit_seen_in_two_arms_is_left_out_and_counted() -> None:
    experiment = running()
    one, two, _ = expose(experiment, ["control", "bolder", "bolder"])
    Assignment.objects.create(experiment=experiment, session=uuid.uuid4(), unit=two.unit, arm="control", exposed_at=NOW - timedelta(hours=1))
    store(after(one, [[SHOWN]]), after(two, [[SHOWN]]))
    assert metrics.exposed(experiment, START, NOW) == ((1, 1), 1)
    assert len(load("click_rate", experiment).arm) == 2
    # At a look before the second exposure nobody could know.
    assert metrics.exposed(experiment, START, NOW - timedelta(hours=2)) == ((1, 2), 0)


def test_once_players_tell_what_could_be_seen_only_that_is_an_impression_for_clicks() -> None:
    experiment = running()
    one, two = expose(experiment, ["control", "bolder"])
    store(after(one, [[SHOWN, "ad.viewable"], [SHOWN], [SHOWN, CLICK]]), after(two, [[SHOWN]]))
    found = load("click_rate", experiment)
    assert (found.numerator.tolist(), found.denominator.tolist()) == ([1, 0], [2, 0])


def test_without_consent_each_session_is_a_unit_without_a_past() -> None:
    experiment = running()
    (one,) = expose(experiment, ["bolder"], anonymous=True)
    store(happened(one.session, None, [[SHOWN]], one.exposed_at), happened(uuid.uuid4(), None, [[SHOWN, CLICK]], START - timedelta(days=1)))
    found = load("click_rate", experiment)
    assert found.denominator.tolist() == [1]
    assert np.isnan(found.covariate).all()


def test_completed_ads_and_those_left_are_told_apart() -> None:
    experiment = running()
    (one,) = expose(experiment, ["control"])
    store(after(one, [[SHOWN, DONE], [SHOWN, SKIPPED], [SHOWN], [DONE]]))
    completed, left = load("ad_completion", experiment), load("ads_leave_rate", experiment)
    assert (completed.numerator.tolist(), completed.denominator.tolist()) == ([2], [3])
    assert (left.numerator.tolist(), left.denominator.tolist()) == ([1], [3])


def test_revenue_is_the_ledgers_per_session_with_sessions_that_brought_nothing() -> None:
    experiment, flight = running(), make_ad().flight
    one, _ = expose(experiment, ["control", "bolder"])
    made = after(one, [[SHOWN]])
    store(made)
    for kind, micros in (("impression", 2_500_000), ("reversal", -500_000)):
        LedgerEntry.objects.create(
            decision=made[0].id, slot=0, kind=kind, flight=flight, campaign=flight.campaign, advertiser=flight.campaign.advertiser,
            ad=flight.ads.get(), amount_micros=micros, event=uuid.uuid4(), occurred_at=made[0].decided_at, booked_at=made[0].decided_at,
        )  # fmt: skip
    found = load("revenue_per_session", experiment)
    assert (found.numerator.tolist(), found.denominator.tolist()) == ([2.0, 0.0], [1.0, 1.0])


def spend(experiment: Experiment, arms: Sequence[str]) -> int:
    """Each arm's session spends a million micros of one flight; the flight's id."""
    ad = make_ad()
    for one in expose(experiment, arms):
        made = after(one, [[SHOWN]])
        store(made)
        LedgerEntry.objects.create(
            decision=made[0].id, slot=0, kind="impression", flight=ad.flight, campaign=ad.flight.campaign, advertiser=ad.flight.campaign.advertiser,
            ad=ad, amount_micros=1_000_000, event=uuid.uuid4(), occurred_at=made[0].decided_at, booked_at=made[0].decided_at,
        )  # fmt: skip
    return ad.flight.pk


def test_arms_that_spend_one_budget_are_told_and_the_share_that_ran_out() -> None:
    experiment = running()
    flight = spend(experiment, ["control", "bolder"])
    words = metrics.interference(experiment, START, NOW)
    assert "Interference: arms spend the same budgets (1 flight), but none" in words
    FunnelHour.objects.create(bucket=START + timedelta(hours=1), flight_id=flight, ad_id=1, reason="budget_spent", decisions=3)
    assert "100 % of what was spent came from 1 of them" in metrics.interference(experiment, START, NOW)
    rows = {row.metric: row for row in experiment_read(experiment=experiment, now=NOW).rows}
    assert "Interference" in rows["click_rate"].words
    assert "Interference" not in rows["sample_ratio"].words


def test_arms_that_spend_budgets_of_their_own_do_not_interfere() -> None:
    experiment = running()
    spend(experiment, ["control", "control"])
    assert metrics.interference(experiment, START, NOW) == ""


def test_a_much_higher_click_rate_is_found_and_the_past_narrows_it() -> None:
    experiment, rng = running(metrics=["ad_completion"]), np.random.default_rng(11)
    breaks = []
    for number, one in enumerate(expose(experiment, ["control", "bolder"] * 130)):
        appetite = rng.beta(1, 4)
        rate = min(1.0, appetite * 4) if number % 2 else appetite
        before = [[SHOWN, CLICK] if rng.random() < appetite else [SHOWN] for _ in range(4)]
        since = [[SHOWN, CLICK] if rng.random() < rate else [SHOWN] for _ in range(4)]
        breaks += [happened(uuid.uuid4(), one.unit, before, START - timedelta(days=2)), after(one, since)]
    store(*breaks)
    rows = {row.metric: row for row in experiment_read(experiment=experiment, now=NOW).rows}
    assert rows["click_rate"].verdict == "better"
    assert rows["click_rate"].words.startswith("better by ")
    assert rows["click_rate"].variance_left < 0.9
    assert rows["click_rate"].figures["with_history"] == 1.0
    assert rows["ad_completion"].verdict == "not_yet"
