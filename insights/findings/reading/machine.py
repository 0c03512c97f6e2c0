"""Alarms of models, looks at experiments, and events that could not be stored. Seven queries in all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Q

from adplatform.experiments import metrics
from adplatform.experiments.guardrails import parse_guardrails
from adplatform.learning.monitoring.latest import STALE
from adplatform.learning.monitoring.readings import DAY, HOUR
from adplatform.learning.monitoring.watch import of_hours
from adplatform.models import DeadEvent, Experiment, ExperimentReading, ModelReading, ModelVersion, TrainingRun
from insights.findings.detectors.deadletters import Dead
from insights.findings.detectors.drift import Alarm, Champion
from insights.findings.detectors.experiment import Look, Trial

# What has stopped is still told of for so long.
STOPPED_DAYS = 14
# A look is taken every ten minutes while an experiment runs.
LOOKED = timedelta(days=1)
Alias = ModelVersion.Alias


def alarms(now: datetime) -> list[tuple[Champion, Alarm]]:
    """The last reading of each figure of each champion, where it is an alarm. Four queries."""
    champions = {row.pk: row for row in ModelVersion.objects.filter(alias=Alias.CHAMPION)}
    previous = set(ModelVersion.objects.filter(alias=Alias.PREVIOUS).values_list("kind", flat=True))
    waiting = TrainingRun.objects.filter(state__in=[TrainingRun.State.QUEUED, TrainingRun.State.RUNNING])
    training = set(waiting.values_list("kind", flat=True))
    told = {
        key: Champion(row.kind, row.number, row.pk, row.kind in previous, row.kind in training, row.synthetic_share) for key, row in champions.items()
    }
    rows = _latest(champions, now)
    return [(told[row.version_id], _alarm(row)) for row in rows if row.alarm]


def _latest(versions: Iterable[int], now: datetime) -> list[ModelReading]:
    watched = ModelReading.objects.filter(version__in=list(versions), window_to__lte=now)
    once = ("version_id", "measure", "subject")
    hours = watched.filter(of_hours(), window_to__gt=now - STALE[HOUR]).order_by(*once, "-window_to").distinct(*once)
    days = watched.filter(~of_hours(), window_to__gt=now - STALE[DAY]).order_by(*once, "-window_to").distinct(*once)
    return [*hours, *days]


def _alarm(row: ModelReading) -> Alarm:
    return Alarm(row.measure, row.subject, row.words, row.rows, row.value, row.bound, row.low, row.high, row.window_from, row.window_to)


def trials(now: datetime) -> list[Trial]:
    """Experiments that run or stopped lately, each with its last look. Two queries."""
    lately = Q(state=Experiment.State.STOPPED, stopped_at__gt=now - timedelta(days=STOPPED_DAYS))
    experiments = list(Experiment.objects.filter(Q(state=Experiment.State.RUNNING) | lately, started_at__isnull=False).order_by("key"))
    once = ("experiment_id", "metric", "arm")
    rows = ExperimentReading.objects.filter(experiment__in=experiments, at__lte=now).order_by(*once, "-at").distinct(*once)
    looks: dict[int, list[ExperimentReading]] = defaultdict(list)
    for row in rows:
        looks[row.experiment_id].append(row)
    return [_trial(one, looks[one.pk], now) for one in experiments]


def _trial(one: Experiment, rows: list[ExperimentReading], now: datetime) -> Trial:
    assert one.started_at is not None  # noqa: S101 (filtered)
    days = max(1.0, ((one.stopped_at or now) - one.started_at) / timedelta(days=1))
    decided = [row.figures for row in rows if row.metric == one.metric]
    sessions = sum(figures.get("sessions", 0) for figures in decided) + max((figures.get("control_sessions", 0) for figures in decided), default=0)
    return Trial(
        id=one.pk, key=one.key, state=one.state, metric=one.metric, worst={guard.metric: guard.worst for guard in parse_guardrails(one.guardrails)},
        alarm=one.alarm, rolled_out=one.rolled_out, started_at=one.started_at, sessions=sessions / days, looks=[_look(row) for row in rows],
    )  # fmt: skip


def _look(row: ExperimentReading) -> Look:
    metric = metrics.registered().get(row.metric)
    change, low, high = (row.figures.get(name) for name in ("change", "change_low", "change_high"))
    return Look(
        metric=row.metric, title=metric.title if metric else row.metric.replace("_", " "), arm=row.arm, verdict=row.verdict, words=row.words,
        higher_is_better=metric is None or metric.better == "higher", units=row.units + row.control_units, at=row.at, change=change, low=low,
        high=high, effect=row.effect, effect_low=row.low, effect_high=row.high,
    )  # fmt: skip


def dead() -> Dead | None:
    """Two queries."""
    rows = DeadEvent.objects.aggregate(count=Count("pk"), first=Min("received_at"), last=Max("received_at"))
    if not rows["count"]:
        return None
    reason, count = DeadEvent.objects.values_list("reason").annotate(times=Count("pk")).order_by("-times", "reason")[0]
    return Dead(rows["count"], rows["first"], rows["last"], reason, count)
