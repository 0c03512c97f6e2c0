"""Reading an experiment: loads what its units did, judges, keeps the figures, and stops it where it does harm or cannot be trusted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import structlog
from django.db import DatabaseError, connection, transaction

from adplatform.audit import system_actor
from adplatform.models import Experiment, ExperimentReading

from . import metrics
from .assignment import Arm, parse_arms
from .guardrails import Guardrail, parse_guardrails
from .services import experiment_stop_by_itself
from .srm import Mismatch, mismatch
from .verdicts import BREACH, MISMATCH, NOT_YET, Arms, Guarded, Look, by_arm, guarded, look

log = structlog.get_logger(__name__)

# The name under which the check of the arms' sizes is kept among the readings.
SAMPLE_RATIO = "sample_ratio"
# Looks within the same one are one look: two workers at once, or a button pressed twice, write the same rows.
LOOK_EVERY = timedelta(minutes=1)
# Of one metric.
LONGEST_SECONDS = 120
_KEPT = ("units", "control_units", "mean", "control_mean", "effect", "low", "high", "variance_left", "figures", "verdict", "words")


class NotReadable(ValueError):
    """The experiment cannot be read now; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Readout:
    """``rows`` as stored; ``stopped`` says that this look stopped the experiment."""

    experiment: Experiment
    rows: tuple[ExperimentReading, ...]
    words: str
    alarm: str
    stopped: bool


def experiment_read(*, experiment: Experiment, now: datetime) -> Readout:
    """One look at every metric and guardrail; safe to run twice at once, and as often as one likes.

    A metric that cannot be read says so in its own row: it must not keep the others from guarding. Raises NotReadable for a draft and
    while another look is being taken.
    """
    if experiment.started_at is None:
        raise NotReadable(f"{experiment.key} has not started; start it first")
    with transaction.atomic():
        _alone(experiment)
        rows, words, alarm = _look(experiment, now)
        Experiment.objects.filter(pk=experiment.pk).update(verdict=words)
        stopped = bool(alarm) and experiment_stop_by_itself(actor=system_actor(), experiment=experiment, alarm=alarm, now=now)
    experiment.refresh_from_db()
    if stopped:
        log.warning("experiment_stopped_by_itself", experiment=experiment.key, alarm=alarm)
    return Readout(experiment, rows, words, alarm, stopped)


def _alone(experiment: Experiment) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"experiment:{experiment.pk}"])
        if not cursor.fetchone()[0]:
            raise NotReadable(f"{experiment.key} is being read at this moment; its figures follow in a few seconds")
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{LONGEST_SECONDS}s"])


def _look(experiment: Experiment, now: datetime) -> tuple[tuple[ExperimentReading, ...], str, str]:
    assert experiment.started_at is not None  # noqa: S101
    since, until = experiment.started_at, min(now, experiment.stopped_at or now)
    at = now - (now - datetime.min.replace(tzinfo=now.tzinfo)) % LOOK_EVERY
    arms, guards = parse_arms(experiment.arms), parse_guardrails(experiment.guardrails)
    counts, twice = metrics.exposed(experiment, since, until)
    sizes = _sizes(experiment, counts, arms)
    rows = [_of_sizes(experiment, at, sizes, arms, twice)]
    alarms = [rows[0].words] if sizes.alarm else []
    biased = metrics.interference(experiment, since, until)
    for name in wanted(experiment, guards):
        try:
            metric = metrics.metric_of(name)
            # In a savepoint of its own: what was read before survives it.
            with transaction.atomic():
                measured = by_arm(metric.load(experiment, since, until), len(arms))
        except (metrics.UnknownMetric, DatabaseError) as error:
            log.warning("experiment_metric_not_read", experiment=experiment.key, metric=name, reason=str(error))
            rows += _unread(experiment, at, name, arms, error)
            continue
        guard = dict(_guarded(experiment, measured, metric, guards, arms))
        alarms += [f"{arms[arm].name}: {one.words}" for arm, one in guard.items() if one.words and not sizes.alarm]
        rows += _of_metric(experiment, at, metric, measured, arms, sizes, guard, biased)
    ExperimentReading.objects.bulk_create(rows, update_conflicts=True, unique_fields=["experiment", "at", "metric", "arm"], update_fields=list(_KEPT))
    return tuple(rows), _words(experiment, rows, twice), "; ".join(alarms)


def _unread(experiment: Experiment, at: datetime, name: str, arms: Sequence[Arm], error: Exception) -> Iterator[ExperimentReading]:
    late = f"it took longer than {LONGEST_SECONDS} s; read it at a quieter time, or over fewer days"
    why = late if "statement timeout" in str(error) else str(error).strip()
    for arm in arms[1:]:
        words = f"not read: {why}"
        yield ExperimentReading(
            experiment=experiment, at=at, metric=name, arm=arm.name, units=0, control_units=0, figures={}, verdict="not_read", words=words
        )


def wanted(experiment: Experiment, guards: Sequence[Guardrail]) -> tuple[str, ...]:
    """Every metric once, the deciding one first."""
    return tuple(dict.fromkeys(name for name in (experiment.metric, *experiment.metrics, *(guard.metric for guard in guards)) if name))


def _sizes(experiment: Experiment, counts: Sequence[int], arms: Sequence[Arm]) -> Mismatch:
    """An alarm once raised stays: at a later look chance may hide what was found."""
    found = mismatch(counts, [arm.share for arm in arms])
    before = ExperimentReading.objects.filter(experiment=experiment, metric=SAMPLE_RATIO, verdict=MISMATCH).exists()
    return Mismatch(found.alarm or before, found.p, found.counts, found.expected)


def _of_sizes(experiment: Experiment, at: datetime, sizes: Mismatch, arms: Sequence[Arm], twice: int) -> ExperimentReading:
    words = sizes.words([arm.name for arm in arms])
    if twice:
        words += f" {twice:,} units were in more than one arm and are left out."
    return ExperimentReading(
        experiment=experiment, at=at, metric=SAMPLE_RATIO, arm="", units=sum(sizes.counts), control_units=sizes.counts[0],
        figures={"p": sizes.p, "counts": list(sizes.counts), "expected": list(sizes.expected), "in_two_arms": twice},
        verdict=MISMATCH if sizes.alarm else "fine", words=words,
    )  # fmt: skip


def _guarded(
    experiment: Experiment, measured: Arms, metric: metrics.Metric, guards: Sequence[Guardrail], arms: Sequence[Arm]
) -> Iterator[tuple[int, Guarded]]:
    """Each arm where this metric guards. All guardrails together stop a harmless experiment with chance alpha."""
    for guard in guards:
        if guard.metric != metric.name:
            continue
        for arm in range(1, len(arms)):
            yield arm, guarded(measured, arm, metric=metric, worst=guard.worst, alpha=experiment.alpha / (len(guards) * (len(arms) - 1)))


def _of_metric(
    experiment: Experiment,
    at: datetime,
    metric: metrics.Metric,
    measured: Arms,
    arms: Sequence[Arm],
    sizes: Mismatch,
    guard: dict[int, Guarded],
    biased: str,
) -> Iterator[ExperimentReading]:
    """Several arms share the experiment's alpha; each metric has it to itself, and one of them decides."""
    for arm in range(1, len(arms)):
        seen = look(measured, arm, metric=metric, alpha=experiment.alpha / (len(arms) - 1))
        yield _row(experiment, at, metric, arms[arm].name, seen, sizes, guard.get(arm), biased if metric.competes else "")


def _row(
    experiment: Experiment, at: datetime, metric: metrics.Metric, arm: str, seen: Look, sizes: Mismatch, guard: Guarded | None, biased: str
) -> ExperimentReading:
    row = ExperimentReading(
        experiment=experiment, at=at, metric=metric.name, arm=arm, units=seen.units, control_units=seen.control_units,
        variance_left=seen.variance_left, figures=seen.figures, verdict=seen.verdict, words=seen.words,
    )  # fmt: skip
    if sizes.alarm:
        row.figures, row.verdict, row.words = {}, MISMATCH, "not to be read: the arms do not have the units their shares promise"
        return row
    row.mean, row.control_mean = seen.mean, seen.control_mean
    if seen.interval is not None:
        row.effect, row.low, row.high = asdict(seen.interval).values()
    if guard is not None:
        row.figures = {**row.figures, "guard": guard.figures}
    if guard is not None and guard.words:
        row.verdict, row.words = BREACH, f"{seen.words}; {arm}: {guard.words}"
    if biased:
        row.figures = {**row.figures, "interference": biased}
        row.words += f". {biased}"
    return row


def _words(experiment: Experiment, rows: Sequence[ExperimentReading], twice: int) -> str:
    """The deciding metric of each arm, or why there is nothing to decide."""
    if rows[0].verdict == MISMATCH:
        return rows[0].words
    decided = [f"{row.arm}: {row.words}" for row in rows[1:] if row.metric == experiment.metric]
    left_out = f"{twice:,} units were in more than one arm and are left out" if twice else ""
    return "\n".join([*(decided or [f"{NOT_YET.replace('_', ' ')}: it has no metric that decides it; name one"]), *([left_out] if left_out else [])])
