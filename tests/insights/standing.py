"""The rest of the small business: how flights stand, where ads fell out, who was reached, scenes, the Director, experiments and models.

Figures follow rules, as those of `business` do, and can be added up by hand.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from datasketches import hll_sketch, tgt_hll_type

from adplatform.models import Experiment, ExperimentReading, ModelReading, ModelVersion
from ads.models import Flight, FlightBalance, FlightForecast, FunnelDay, FunnelHour, ReachDay
from catalog.models import Scene, Title
from engagement.models import DirectorDecision, DirectorOutcome, PlaybackDay, SceneDay

TABLES = (
    "ads_flightbalance", "ads_flightforecast", "ads_funnelday", "ads_funnelhour", "ads_reachday", "catalog_scene", "engagement_sceneday",
    "engagement_directordecision", "engagement_directoroutcome", "adplatform_experiment", "adplatform_experimentreading",
    "adplatform_modelversion", "adplatform_modelreading",
)  # fmt: skip
DAYS = 20
# Goal events expected at the end of each flight, of a goal of 1,000. The second flight is a house flight and has no goal to miss.
EXPECTED = (1000.0, 400.0, 500.0, 990.0, 970.0)
REASONS = ("won", "explored", "runner_up", "paced", "frequency_cap", "device_not_targeted", "share_of_voice")


def stand(*, now: datetime, today: datetime) -> None:
    flights = list(Flight.objects.order_by("pk"))
    Flight.objects.update(state=Flight.State.LIVE)
    Flight.objects.filter(pk=flights[1].pk).update(tier=Flight.Tier.HOUSE)
    _flights(flights, now)
    _funnel(flights, today)
    _reach(flights, today)
    _watching(today)
    _director(today)
    _experiments(now)
    _models(now)


def _flights(flights: list[Flight], now: datetime) -> None:
    for number, flight in enumerate(flights):
        FlightBalance.objects.filter(flight=flight).update(
            booked_micros=(number + 1) * 10_000_000, impressions=300 + number, completed_views=200, clicks=20
        )
    FlightForecast.objects.bulk_create(
        FlightForecast(
            flight=flight, computed_at=now - timedelta(hours=1), requests=5000, expected_delivery=EXPECTED[number],
            events_per_win=0.9 if number == 2 else 0, micros_per_win=9000 if number == 2 else 0,
        )
        for number, flight in enumerate(flights)
    )  # fmt: skip


def _funnel(flights: list[Flight], today: datetime) -> None:
    rows: list[dict[str, Any]] = [
        {"bucket": today - timedelta(days=back), "flight_id": flight.pk, "ad_id": flight.ads.get().pk, "reason": reason, "synthetic": number == 0,
         "decisions": (number + 1) * (place + 1) + back}
        for back in range(1, DAYS + 1) for number, flight in enumerate(flights) for place, reason in enumerate(REASONS)
    ]  # fmt: skip
    FunnelDay.objects.bulk_create(FunnelDay(**row) for row in rows)
    FunnelHour.objects.bulk_create(FunnelHour(**row | {"bucket": row["bucket"] + timedelta(hours=20)}) for row in rows)


def _reach(flights: list[Flight], today: datetime) -> None:
    """On each day a flight reaches 30 people: 20 of them the same every day, 10 of that day alone. No flights share any."""
    rows = []
    for back in range(1, DAYS + 1):
        for number, flight in enumerate(flights):
            people = [f"{number}-{person}" for person in range(20)] + [f"{number}-{back}-{person}" for person in range(10)]
            sketch = hll_sketch(12, tgt_hll_type.HLL_4)
            for person in people:
                sketch.update(person)
            shared = {
                "day": (today - timedelta(days=back)).date(), "synthetic": number == 0, "sketch": sketch.serialize_compact(),
                "people": sketch.get_estimate(),
            }  # fmt: skip
            rows += [
                ReachDay(dimension="campaign", subject=flight.campaign_id, **shared),
                ReachDay(dimension="flight", subject=flight.pk, **shared),
            ]
            if number < 2:
                rows.append(ReachDay(dimension="title", subject=Title.objects.order_by("pk")[number].pk, **shared))
    ReachDay.objects.bulk_create(rows)


def _watching(today: datetime) -> None:
    titles = list(Title.objects.order_by("pk"))
    scenes = [
        Scene.objects.create(title=title, position=place, name=f"{name} of {title.name}", mood="calm", intensity=0.5)
        for title in titles for place, name in enumerate(("Opening", "Storm"), start=1)
    ]  # fmt: skip
    SceneDay.objects.bulk_create(
        SceneDay(
            day=(today - timedelta(days=back)).date(), title_id=title, scene_id=scene, device=device, starts=40 + back, completed=30, skipped=3,
            rewound=2, left=5 + number % 2, left_after=1, tightened=4, complaints=number % 2, as_edited=1, seen_milliseconds=360_000,
            offered_milliseconds=480_000,
        )
        for back in range(1, DAYS + 1) for number, (title, scene, device) in enumerate(
            [(scene.title_id, scene.pk, "tv") for scene in scenes] + [(title.pk, 0, "tv") for title in titles]
        )
    )  # fmt: skip
    PlaybackDay.objects.filter(device="tv").update(ratings=10, rating_stars=42, pauses=3)
    PlaybackDay.objects.filter(device="mobile").update(ratings=1, rating_stars=2)


def _director(today: datetime) -> None:
    titles = list(Title.objects.order_by("pk"))
    decisions, outcomes = [], []
    for back in range(1, DAYS + 1):
        for number, action in enumerate(("keep", "keep", "tighten", "linger", "suggest")):
            key = uuid.UUID(int=back * 100 + number)
            at = today - timedelta(days=back) + timedelta(hours=10 + number)
            decisions.append(
                DirectorDecision(
                    id=key, session=uuid.UUID(int=1), viewer=uuid.UUID(int=2), title=titles[number % 2].pk, decided_at=at, action=action,
                    intended="tighten" if number == 1 else action, explored=number == 3, applied=action not in ("keep", "suggest"),
                    trigger="drop" if number == 2 else "scene_start", reason="", suggested=titles[0].pk if action == "suggest" else None,
                )
            )  # fmt: skip
            outcomes.append(
                DirectorOutcome(
                    decision=key,
                    decided_at=at,
                    session=uuid.UUID(int=1),
                    reached=number != 0,
                    watched=0.5 + 0.1 * number,
                    taken=number == 4,
                    judged_at=at + timedelta(hours=1),
                )
            )
    DirectorDecision.objects.bulk_create(decisions)
    DirectorOutcome.objects.bulk_create(outcomes)


def _experiments(now: datetime) -> None:
    arms = [{"name": "control", "share": 0.5}, {"name": "director", "share": 0.5}]
    made = Experiment.objects.create(
        key="director", arms=arms, state="running", metric="engagement", metrics=["minutes_watched"], guardrails=[{"metric": "rebuffering", "worst": 0.2}],
        started_at=now - timedelta(days=10),
    )  # fmt: skip
    Experiment.objects.create(key="care", arms=arms, state="draft", metric="return_7_days")
    for age, scale in ((2, 0.5), (1, 1.0)):
        for metric, change, verdict in (
            ("engagement", 0.08, "better"),
            ("minutes_watched", 0.02, "not_yet"),
            ("rebuffering", -0.01, "no_difference"),
        ):
            ExperimentReading.objects.create(
                experiment=made, at=now - timedelta(hours=age), metric=metric, arm="director", units=1000, control_units=1010, mean=0.5 + change * scale,
                control_mean=0.5, effect=change * scale, low=change * scale - 0.03, high=change * scale + 0.03, verdict=verdict if scale == 1 else "not_yet",
                figures={"change": 2 * change * scale, "change_low": 2 * change * scale - 0.06, "change_high": 2 * change * scale + 0.06},
                words=f"{verdict} at age {age}",
            )  # fmt: skip
        ExperimentReading.objects.create(
            experiment=made, at=now - timedelta(hours=age), metric="sample_ratio", arm="director", units=1000, control_units=1010, verdict="fine"
        )


def _models(now: datetime) -> None:
    def figure(value: float, baseline: float) -> dict[str, float]:
        return {"value": value, "baseline": baseline, "ci_low": value - 0.1, "ci_high": value + 0.1}

    click = ModelVersion.objects.create(
        kind="ctr", number=3, estimator="random_forest", alias="champion", status="promoted", train_rows=5000, test_rows=1000,
        trained_at=now - timedelta(days=1),
        metrics={"log_loss": figure(0.18, 0.2), "auc": figure(0.7, 0.5), "calibration": figure(1.05, 1.0)},
    )  # fmt: skip
    ModelVersion.objects.create(
        kind="engagement", number=2, estimator="lightgbm", alias="champion", status="promoted", train_rows=8000, test_rows=2000,
        trained_at=now - timedelta(days=2), metrics={"mse": figure(0.06, 0.08)},
    )  # fmt: skip
    ModelVersion.objects.create(kind="ctr", number=4, estimator="lightgbm", alias="", status="refused", metrics={"log_loss": figure(0.3, 0.2)})
    for age, drift in ((2, 0.9), (0, 0.3)):
        window = now.replace(hour=0, minute=0) - timedelta(days=age)
        for measure, subject, value, alarm in (
            ("log_loss", "", 0.19, False), ("calibration", "", 1.1, False), ("score_psi", "", drift / 3, False), ("feature_psi", "device", drift, True),
            ("feature_psi", "hour", 0.01, False),
        ):  # fmt: skip
            ModelReading.objects.create(
                version=click, measure=measure, subject=subject, window_from=window - timedelta(days=1), window_to=window, value=value, alarm=alarm
            )
    # A window of an hour is another reading, and not the one that is told.
    ModelReading.objects.create(
        version=click, measure="score_psi", subject="", window_from=now - timedelta(hours=1), window_to=now, value=9.0, alarm=True
    )
