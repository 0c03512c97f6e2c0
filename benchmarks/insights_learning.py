"""The part of the questions' world that the learning loop leaves: scenes, reach, the Director's decisions, experiments and models."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.db import connection

SCENE_DAYS = 28
REACH_DAYS = 28
DIRECTED = 1_600

STATEMENTS = Path(__file__).with_suffix(".sql")


def fill(*, now: datetime) -> None:
    midnight = now.replace(hour=0, minute=0)
    given: dict[str, Any] = {"midnight": midnight, "today": midnight.date(), "days": SCENE_DAYS, "decisions": DIRECTED}
    with connection.cursor() as cursor:
        for statement in STATEMENTS.read_text(encoding="utf-8").split(";\n\n"):
            cursor.execute(statement, given)
    _reach(midnight)
    _experiments(now)
    _models(now)


def _reach(midnight: datetime) -> None:
    from ads.models import Campaign
    from ads.models.reach import ReachDay
    from catalog.models import Title

    subjects = [("all", 0, 200)]
    subjects += [("campaign", pk, 40 + place) for place, pk in enumerate(Campaign.objects.order_by("name").values_list("pk", flat=True))]
    subjects += [("title", pk, 20 + place) for place, pk in enumerate(Title.objects.order_by("name").values_list("pk", flat=True))]
    rows = []
    for back in range(1, REACH_DAYS + 1):
        for dimension, subject, count in subjects:
            sketch, people = _sketch(range(10 * back, 10 * back + count))
            rows.append(
                ReachDay(
                    day=(midnight - timedelta(days=back)).date(), dimension=dimension, subject=subject, synthetic=True, sketch=sketch, people=people
                )
            )
    ReachDay.objects.bulk_create(rows, batch_size=500)


def _sketch(people: range) -> tuple[bytes, float]:
    from datasketches import hll_sketch

    sketch = hll_sketch(12)
    for person in people:
        sketch.update(f"person {person}")
    return sketch.serialize_compact(), sketch.get_estimate()


def _experiments(now: datetime) -> None:
    from adplatform.models import Experiment, ExperimentReading

    kept: list[dict[str, Any]] = [
        {
            "key": "director",
            "state": "running",
            "arms": [{"name": "as_edited", "share": 0.2}, {"name": "director", "share": 0.8}],
            "metric": "minutes_watched",
        },
        {"key": "care", "state": "running", "arms": [{"name": "control", "share": 0.5}, {"name": "care", "share": 0.5}], "metric": "minutes_watched"},
        {"key": "same", "state": "stopped", "arms": [{"name": "a", "share": 0.5}, {"name": "b", "share": 0.5}], "metric": "minutes_watched"},
    ]
    effects = {"director": (0.42, 0.11, 0.73, "better"), "care": (0.1, -0.2, 0.4, "undecided"), "same": (0.01, -0.3, 0.32, "no_difference")}
    for one in kept:
        experiment = Experiment.objects.create(**one, description=f"Whether {one['key']} helps", started_at=now - timedelta(days=14))
        effect, low, high, verdict = effects[one["key"]]
        for look in range(3):
            for metric, scale in (("minutes_watched", 1.0), ("film_completion", 0.05)):
                wider = 0.1 * (2 - look)
                ExperimentReading.objects.create(
                    experiment=experiment, at=now - timedelta(hours=12 * (2 - look) + 1), metric=metric, arm=one["arms"][1]["name"],
                    units=400 * (look + 1), control_units=100 * (look + 1), mean=(12 + effect) * scale, control_mean=12 * scale,
                    effect=effect * scale, low=(low - wider) * scale, high=(high + wider) * scale, verdict=verdict,
                    words=f"{verdict} at look {look + 1}",
                    figures={"change": effect / 12, "change_low": (low - wider) / 12, "change_high": (high + wider) / 12},
                )  # fmt: skip


def _models(now: datetime) -> None:
    from adplatform.models import ModelReading, ModelVersion

    for kind, loss in (("ctr", 0.166), ("completion", 0.58), ("engagement", 0.61)):
        for number, alias in ((1, ""), (2, "previous"), (3, "champion")):
            version = ModelVersion.objects.create(
                kind=kind, number=number, estimator="random_forest" if number < 3 else "lightgbm", alias=alias, status="promoted",
                trained_at=now - timedelta(days=4 - number), train_rows=10_000 * number, test_rows=2_000 * number,
                metrics={"log_loss": {"value": loss - 0.002 * number, "baseline": loss + 0.02}},
            )  # fmt: skip
        for back in range(3, -1, -1):
            end = now.replace(minute=0) - timedelta(days=back)
            for measure, value in (("log_loss", loss + 0.001 * back), ("calibration", 1.02 + 0.01 * back), ("score_psi", 0.05 + 0.06 * back)):
                ModelReading.objects.create(
                    version=version, measure=measure, window_from=end - timedelta(days=1), window_to=end, rows=5_000, value=value, low=value * 0.9,
                    high=value * 1.1, bound=0.2 if measure == "score_psi" else None, alarm=measure == "score_psi" and value > 0.2, words="",
                )  # fmt: skip
