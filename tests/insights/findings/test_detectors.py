"""Each detector speaks where something was planted, with the figures in its words, and is silent below its floor of evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from adplatform.experiments.verdicts import BETTER, BREACH, MISMATCH, NOT_YET, WORSE
from engagement.retention.intervals import Share
from insights.findings.detectors import anomaly, budget, churn, deadletters, drift, experiment, fatigue, pacing, retention, unfilled
from insights.findings.detectors.anomaly import Measure, Series
from insights.findings.detectors.budget import Spending
from insights.findings.detectors.churn import RiskDay
from insights.findings.detectors.deadletters import Dead
from insights.findings.detectors.drift import Alarm, Champion
from insights.findings.detectors.experiment import Look, Trial
from insights.findings.detectors.fatigue import Showings
from insights.findings.detectors.pacing import Outlook
from insights.findings.detectors.retention import SceneLosses
from insights.findings.detectors.unfilled import Breaks
from insights.findings.finding import CRITICAL, NOTE, WARNING, Finding

NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)
DAY = timedelta(days=1)


def only(found: list[Finding]) -> Finding:
    (one,) = found
    return one


# Anomaly

IMPRESSIONS = Series(
    Measure("impressions", "impressions", "count"), "All campaigns", "impressions-all", (200.0, 1.0), [(n, 1.0) for n in (410, 395, 402, 388, 420)],
    "weeks", 1, NOW, "/live/", worth=12_000.0, how="The missing impressions at 12.00 USD a thousand.",
)  # fmt: skip
CTR = Series(
    Measure("ctr", "click rate", "share"), "Ember", "ctr-campaign-1", (5.0, 1000.0), [(40, 1000), (42, 1000), (38, 1000), (41, 1000), (39, 1000), (43, 1000)], "weeks", 6, NOW,
    "/live/?campaign=1",
)  # fmt: skip


def test_an_hour_far_below_its_like_is_told_with_what_was_expected_and_what_it_costs() -> None:
    found = only(anomaly.find([IMPRESSIONS], "USD"))
    assert found.words == "All campaigns: impressions 200 where 403 is usual at this hour (50 % down)"
    assert "the same hour of 5 past weeks make 403 the expectation" in found.detail
    assert found.money.micros == pytest.approx((403 - 200) * 12_000, rel=0.005)
    assert (found.severity, found.since, found.until) == (CRITICAL, NOW - timedelta(hours=1), NOW)


def test_a_click_rate_out_of_its_band_is_told_and_a_rise_costs_nothing() -> None:
    assert "click rate 0.5 % where 4.0 % is usual" in only(anomaly.find([CTR], "USD")).words
    rise = only(anomaly.find([replace(CTR, seen=(90.0, 1000.0))], "USD"))
    assert (rise.severity, rise.money.micros) == (NOTE, None)


@pytest.mark.parametrize(
    "little",
    [
        replace(IMPRESSIONS, past=IMPRESSIONS.past[:3]),
        replace(IMPRESSIONS, past=IMPRESSIONS.past[:4], like="days"),
        replace(IMPRESSIONS, seen=(0.0, 1.0), past=[(9, 1), (10, 1), (9, 1), (10, 1), (9, 1)]),
        replace(CTR, seen=(0.0, 200.0)),
        replace(IMPRESSIONS, seen=(350.0, 1.0)),
    ],
    ids=["three weeks", "four days", "nine expected", "eight clicks expected", "an eighth less"],
)
def test_an_hour_without_enough_like_it_or_hardly_off_is_not_judged(little: Series) -> None:
    assert anomaly.find([little], "USD") == []


def test_money_is_weighed_by_what_one_impression_brings() -> None:
    """The same hours in money: spread by the count of impressions behind it, not by the micros."""
    revenue = replace(IMPRESSIONS, measure=Measure("revenue", "revenue", "money"), seen=(2_000_000.0, 1.0), unit=10_000.0, worth=1.0,
                      past=[(n * 10_000, 1.0) for n, _ in IMPRESSIONS.past])  # fmt: skip
    found = only(anomaly.find([revenue], "USD"))
    assert found.words == "All campaigns: revenue 2.00 USD where 4.03 USD is usual at this hour (50 % down)"
    assert found.money.micros == pytest.approx(2_030_000, rel=0.01)


# Pacing and budgets

SHORT = Outlook(
    flight=7, name="Ember / Reach", campaign=3, goal_type="impressions", goal=10_000, delivered=2_000, expected=6_000.0, price=15_000.0,
    ends=NOW + 10 * DAY, priority=6, logged=800, eligible=20_000.0, win_share=0.3, computed_at=NOW - timedelta(hours=1),
    warning="Expected 6,000 of 10,000 impressions by 30 Nov: flights before it take 70% of the breaks it matches; raise its priority or lower the goal.",
)  # fmt: skip


def test_a_flight_that_falls_short_is_told_with_its_shortfall_times_its_price() -> None:
    found = only(pacing.find([SHORT], now=NOW, currency="USD"))
    assert found.words == "Ember / Reach will deliver 6,000 of 10,000 impressions: 40 % short"
    assert (found.money.micros, found.money.how) == (4_000 * 15_000, "4,000 impressions short, at 0.0150 USD each.")
    assert found.recommend == "Raise its priority or lower the goal."
    assert found.action is not None and found.action.params == {"flight": 7, "from": 6, "to": 3}


def test_only_where_other_flights_take_its_breaks_a_button_raises_its_priority() -> None:
    capped = replace(SHORT, warning="Expected 6,000: its cap leaves 3 of 9 breaks; loosen that cap or lower the goal.")
    assert only(pacing.find([capped], now=NOW, currency="USD")).action is None
    assert only(pacing.find([replace(SHORT, priority=1)], now=NOW, currency="USD")).action is None


@pytest.mark.parametrize(
    "quiet",
    [replace(SHORT, logged=49), replace(SHORT, computed_at=NOW - timedelta(hours=7)), replace(SHORT, expected=9_801.0), replace(SHORT, ends=NOW)],
    ids=["too few requests", "an old forecast", "within two percent", "over"],
)
def test_a_forecast_from_too_little_or_on_target_is_not_told(quiet: Outlook) -> None:
    assert pacing.find([quiet], now=NOW, currency="USD") == []


EARLY = Spending(
    flight=7, name="Ember / Reach", campaign=3, spent=48_000_000, charges=400, hours=48.0, left=72_000_000, budget=500_000_000, goal_left=None,
    ends=NOW + 10 * DAY,
)  # fmt: skip


def test_a_budget_that_runs_out_early_is_told_with_the_hour_and_what_would_still_be_spent() -> None:
    found = only(budget.find([EARLY], now=NOW, currency="USD"))
    assert found.words == "Ember / Reach: its budget runs out about 23 Nov 14:00 UTC, 7.0 days before its end"
    assert "between 23 Nov 07:34 to 23 Nov 21:49 UTC" in found.detail
    assert found.money.micros == 240_000_000 - 72_000_000


@pytest.mark.parametrize(
    "quiet",
    [replace(EARLY, charges=29), replace(EARLY, hours=23.0), replace(EARLY, goal_left=70_000_000.0), replace(EARLY, left=235_000_000)],
    ids=["too few charges", "less than a day", "its goal ends it first", "within what chance makes of its pace"],
)
def test_a_pace_from_too_little_or_a_goal_that_comes_first_is_not_told(quiet: Spending) -> None:
    assert budget.find([quiet], now=NOW, currency="USD") == []


# Breaks without ads

EMPTY = Breaks(3, "Ember Coast", "ember-coast", 12, 60, Share(10, 1000), "No flight that runs now wants this break", 25_000.0, NOW)


def test_a_title_whose_breaks_stay_empty_is_told_with_the_reason() -> None:
    found = only(unfilled.find([EMPTY], "USD"))
    assert found.words == "Ember Coast: 12 of 60 breaks had no ad in 24 hours (20.0 %)"
    assert (
        "[11.8, 31.8] % stayed empty; of all breaks of the week before 1.0 % did. Mainly: no flight that runs now wants this break." in found.detail
    )
    assert found.money.micros == round((12 - 0.6) * 25_000)


@pytest.mark.parametrize(
    "quiet", [replace(EMPTY, asked=19), replace(EMPTY, empty=4), replace(EMPTY, usual=Share(1, 19)), replace(EMPTY, usual=Share(150, 1000))]
)
def test_few_breaks_or_as_many_empty_as_ever_are_not_told(quiet: Breaks) -> None:
    assert unfilled.find([quiet], "USD") == []


# Worn-out ads


def showings(rates: list[float], *, others: list[float] | None = None, shown: int = 120, per_click: float = 500_000.0) -> Showings:
    """Two strata; ``rates`` of clicks by day, exactly."""
    each = np.full((2, len(rates)), float(shown))
    clicked = each * np.array(rates)
    around = np.full((2, len(rates)), 5_000.0)
    return Showings(
        ad=4, name="Trailer", flight=2, campaign=1, shown=each, clicked=clicked, others_shown=around,
        others_clicked=around * np.array(others or [0.05] * len(rates)), per_click=per_click, others_left=1, until=NOW,
    )  # fmt: skip


FALLING = [0.1] * 3 + [0.07] * 3 + [0.03] * 3


def test_an_ad_that_wears_out_is_told_with_its_early_and_late_rate() -> None:
    found = only(fatigue.find([showings(FALLING)], "USD"))
    assert found.words == "Trailer wears out: 3.0 % of its impressions are clicked, 10.0 % were in its first 3 days"
    assert "0.30 times what it was [" in found.detail
    # 720 late impressions at 3 % instead of 10 %.
    assert found.money.micros == pytest.approx(720 * 0.07 * 500_000, rel=0.02)
    assert found.action is not None and found.action.code == "ad_reject"


def test_an_ad_that_is_not_paid_by_the_click_has_no_sum_and_the_last_of_its_flight_no_button() -> None:
    found = only(fatigue.find([replace(showings(FALLING, per_click=0.0), others_left=0)], "USD"))
    assert found.money.micros is None and found.action is None


@pytest.mark.parametrize(
    "quiet",
    [
        showings(FALLING, others=FALLING),
        showings([0.1] * 9),
        showings(FALLING, shown=40),
        showings([0.01] * 3 + [0.007] * 3 + [0.003] * 3),
        showings([0.1, 0.1, 0.03, 0.03, 0.03]),
    ],
    ids=["all others fall alike", "steady", "720 impressions", "too few clicks", "five days"],
)
def test_an_ad_that_falls_with_all_others_or_was_shown_too_little_is_not_told(quiet: Showings) -> None:
    assert fatigue.find([quiet], "USD") == []


# Scenes

DIP = SceneLosses(9, "The long corridor", 3, "ember-coast", "Ember Coast", 0.4, Share(60, 300), Share(50, 1000), 4, 40_000.0, NOW)


def test_a_scene_that_loses_more_than_its_like_is_told_with_the_interval_and_the_ads_still_to_come() -> None:
    found = only(retention.find([DIP], "USD"))
    assert found.words == "Ember Coast: 20.0 % leave in The long corridor, 5.0 % at a like place of other films"
    assert "15.0 % more [10.6, 20.0] than of 1,000 viewings of like scenes in 4 films" in found.detail
    assert found.money.micros == round(0.15 * 300 * 40_000 * 0.6)


@pytest.mark.parametrize(
    "quiet",
    [
        replace(DIP, left=Share(20, 99)),
        replace(DIP, left=Share(9, 100)),
        replace(DIP, usual=Share(9, 199)),
        replace(DIP, titles=1),
        replace(DIP, usual=Share(180, 1000)),
    ],
)
def test_a_scene_with_few_viewings_or_no_like_is_not_told(quiet: SceneLosses) -> None:
    assert retention.find([quiet], "USD") == []


# Models

CHAMPION = Champion("ctr", 3, 11, has_previous=True, is_training=False, synthetic=1.0)
DRIFT = Alarm(
    "feature_psi", "hour", "Hour is no longer as in training: stability index 0.61, the bound is 0.25.", 900, 0.61, 0.25, None, None, NOW - DAY, NOW
)


def test_drift_is_one_finding_a_model_and_asks_for_a_training() -> None:
    found = only(drift.find([(CHAMPION, DRIFT), (CHAMPION, replace(DRIFT, measure="score_psi", words="Scores moved.", value=0.3))]))
    assert found.words == "CTR model v3: Hour is no longer as in training: stability index 0.61, the bound is 0.25 and 1 more"
    assert found.action is not None and found.action.code == "model_train"
    assert only(drift.find([(replace(CHAMPION, is_training=True), DRIFT)])).action is None


def test_a_fault_comes_before_drift_and_asks_for_the_version_before() -> None:
    fault = replace(DRIFT, measure="skew", words="3 of 50 rows are served otherwise than they are learned from.")
    found = only(drift.find([(CHAMPION, DRIFT), (CHAMPION, fault)]))
    assert found.severity == CRITICAL and found.words.startswith("CTR model v3: 3 of 50 rows")
    assert found.action is not None and found.action.code == "model_rollback"
    assert only(drift.find([(replace(CHAMPION, has_previous=False), fault)])).action is None


# Experiments


def look(verdict: str, metric: str = "engagement", arm: str = "bolder", **fields: float | bool) -> Look:
    usual = {"change": 0.03, "low": 0.01, "high": 0.05, "effect": 0.02, "effect_low": 0.01, "effect_high": 0.03, "higher_is_better": True}
    return Look(metric=metric, title="Film watched", arm=arm, verdict=verdict, words="told", units=900, at=NOW, **(usual | fields))  # type: ignore[arg-type]


def trial(*looks: Look, state: str = "running", rolled_out: str = "") -> Trial:
    return Trial(5, "director", state, "engagement", {"complaints": 0.2}, "", rolled_out, NOW - 3 * DAY, 1_000.0, looks)


def test_a_clear_verdict_is_told_with_its_interval_and_asks_for_the_roll_out() -> None:
    found = only(experiment.find([trial(look(BETTER), look(BETTER, "revenue_per_session", effect=0.002))]))
    assert found.words == "director: arm bolder is better than the control by 3.0 % [1.0, 5.0] % on film watched"
    assert found.money.micros == 60_000_000, "0.002 a session, 1,000 sessions a day, 30 days"
    assert found.action is not None and found.action.params == {"experiment": 5, "arm": "bolder"}


def test_a_worse_arm_asks_for_a_stop_and_says_by_how_much() -> None:
    found = only(experiment.find([trial(look(WORSE, change=-0.03, low=-0.05, high=-0.01))]))
    assert "is worse than the control by 3.0 % [1.0, 5.0] %" in found.words
    assert found.action is not None and found.action.code == "experiment_stop"


def test_a_mismatch_of_the_arms_silences_everything_else() -> None:
    found = only(experiment.find([trial(look(MISMATCH, "sample_ratio", arm=""), look(BETTER), look(BREACH, "complaints"))]))
    assert "the arms do not have the viewers their shares promise" in found.words and found.severity == CRITICAL


def test_a_broken_guardrail_is_told_and_one_half_way_to_it_too() -> None:
    assert "film watched broke its guardrail" in only(experiment.find([trial(look(BREACH, "complaints"), state="stopped")])).words
    near = look(NOT_YET, "complaints", change=0.12, low=0.02, high=0.22, higher_is_better=False)
    found = only(experiment.find([trial(near)]))
    assert "12.0 % worse, at most 20.0 % is allowed" in found.words and found.severity == NOTE


def test_what_is_not_clear_or_rolled_out_already_is_not_told() -> None:
    far = look(NOT_YET, "complaints", change=0.09, low=0.02, high=0.22, higher_is_better=False)
    unsure = look(NOT_YET, "complaints", change=0.12, low=-0.01, high=0.22, higher_is_better=False)
    assert experiment.find([trial(look(NOT_YET), far, unsure, look(BETTER, "rating")), trial(look(BETTER), rolled_out="bolder")]) == []


# The event log and viewers at risk


def test_dead_events_are_told_from_the_first_one() -> None:
    found = only(deadletters.find(Dead(1, NOW - DAY, NOW, "no such title", 1)))
    assert found.words == "1 event could not be stored and is in no figure" and found.severity == WARNING
    assert only(deadletters.find(Dead(250, NOW - DAY, NOW, "no such title", 200))).severity == CRITICAL
    assert deadletters.find(None) == []


def days(*shares: tuple[int, int], model: int = 2) -> list[RiskDay]:
    return [RiskDay(date(2026, 11, 10 + place), Share(*share), model) for place, share in enumerate(shares)]


def test_more_viewers_at_risk_than_on_the_days_before_are_told() -> None:
    found = only(churn.find(days((20, 200), (22, 210), (18, 190), (60, 200))))
    assert found.words == "30.0 % of the viewers may not come back, 10.0 % on the days before"
    assert "60 of 200 scored on 13 Nov; 20.0 % more [12.3, 27.5] %" in found.detail


@pytest.mark.parametrize(
    "quiet",
    [
        days((20, 200), (22, 210), (60, 200)),
        days((4, 40), (4, 40), (4, 40), (20, 49)),
        days((20, 200), (22, 210), (18, 190), (26, 200)),
        [*days((20, 200), (22, 210), (18, 190), model=1), *days((60, 200))],
        [],
    ],
    ids=["two days", "49 viewers", "within chance", "another model", "never scored"],
)
def test_few_days_few_viewers_or_another_model_are_not_told(quiet: list[RiskDay]) -> None:
    assert churn.find(quiet) == []
