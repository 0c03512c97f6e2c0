"""One training run, the same for every kind of model: load, split by time and session, fit, export, judge, promote or refuse."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import structlog
from django.db import transaction
from django.db.models import Max, Q

from adplatform.models import ModelVersion

from .. import estimators, gates, metrics, predictor, registry, stages
from ..engines import Engine
from ..gates import Gate, Profile
from ..schema import SchemaMismatch
from . import judging
from .checkpoint import Checkpoint, NothingKept
from .dataset import Dataset, NotEnoughData, split, split_returning
from .lineage import lineage
from .lock import one_at_a_time
from .recipes import Recipe, recipe_for
from .update import Base, CannotUpdate, base_for

log = structlog.get_logger(__name__)

STATE_SUFFIX = ".state"
Status = ModelVersion.Status
HERE = Engine()


class Progress(Protocol):
    def __call__(self, percent: int, words: str) -> None: ...


@dataclass(frozen=True)
class Report:
    """What a run came to. ``status`` is promoted, refused or failed; ``number`` None when no version was made."""

    kind: str
    estimator: str
    status: str
    verdict: str
    number: int | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    gates: list[dict[str, Any]] = field(default_factory=list)
    train_rows: int = 0
    test_rows: int = 0
    data_from: str | None = None
    data_to: str | None = None
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def _silent(percent: int, words: str) -> None:
    """Progress that nobody watches."""


def train(
    kind: str,
    *,
    estimator: str | None = None,
    as_of: datetime | None = None,
    parameters: Mapping[str, Any] | None = None,
    progress: Progress = _silent,
    update: bool = False,
) -> Report:
    """Train one candidate on what was known at ``as_of`` (default: now) and let the gates decide. An ``update`` learns only what is
    new since the version that it goes on from, see `update`; without anything to learn it is refused and makes no version.

    Safe to run twice: the second run makes another version of the same rows. Raises UnknownKind, UnknownEstimator,
    AlreadyTraining; too little data is a report with status ``refused``, an error while training marks the version failed
    and is raised.
    """
    recipe = recipe_for(kind)
    estimators.find(estimator or recipe.default_estimator, recipe.task)
    with one_at_a_time(kind):
        return train_under_lock(kind, estimator=estimator, as_of=as_of, parameters=parameters, progress=progress, update=update)


def train_under_lock(
    kind: str,
    *,
    estimator: str | None = None,
    as_of: datetime | None = None,
    parameters: Mapping[str, Any] | None = None,
    progress: Progress = _silent,
    checkpoint: Checkpoint | None = None,
    update: bool = False,
    engine: Engine = HERE,
) -> Report:
    """As `train`, for who holds the kind's lock already. What ``checkpoint`` kept of an earlier attempt is not made again.

    Raises EngineUnavailable.
    """
    recipe = recipe_for(kind)
    name = estimator or recipe.default_estimator
    estimators.find(name, recipe.task)
    as_of, checkpoint = as_of or datetime.now(UTC), checkpoint or NothingKept()
    if not update:
        return _Run(recipe, name, as_of, dict(parameters or {}), progress, checkpoint, engine=engine).report()
    try:
        base = base_for(recipe)
    except CannotUpdate as error:
        return Report(kind, name, Status.REFUSED, f"Not updated: {error}")
    return _Run(recipe, base.version.estimator, as_of, {}, progress, checkpoint, base).report()


class _Run:
    """The steps of one run, in order; each step reads what the ones before it left."""

    def __init__(
        self,
        recipe: Recipe,
        estimator: str,
        as_of: datetime,
        parameters: dict[str, Any],
        progress: Progress,
        checkpoint: Checkpoint,
        base: Base | None = None,
        engine: Engine = HERE,
    ) -> None:
        self.recipe, self.estimator, self.as_of, self.parameters, self.progress = recipe, estimator, as_of, parameters, progress
        self.checkpoint, self.base, self.engine = checkpoint, base, engine
        self.started = time.perf_counter()
        self.version: ModelVersion | None = None

    def report(self) -> Report:
        _bury_the_dead(self.recipe.kind)
        self.progress(0, "reading the log")
        try:
            dataset = self.checkpoint.dataset(lambda: self.recipe.load(self.as_of))
            earlier, later, cut = self._divide(dataset)
        except NotEnoughData as error:
            return self._not_enough(str(error)) if self.base is None else self._not_updated(str(error))
        except SchemaMismatch as error:
            return self._refused(Gate("data", gates.FAIL, f"the log holds rows of another schema: {error}"))
        self.version = self.checkpoint.version(lambda: self._registered(dataset, earlier, later))
        try:
            return self._candidate(self.version, earlier, later, cut)
        except BaseException as error:
            ModelVersion.objects.filter(pk=self.version.pk).update(status=Status.FAILED, verdict=f"Failed: {type(error).__name__}: {error}")
            raise

    def _registered(self, dataset: Dataset, earlier: Dataset, later: Dataset) -> ModelVersion:
        return registry.register(
            kind=self.recipe.kind, estimator=self.estimator, verdict="Training", feature_schema=self.recipe.schema.as_json(),
            data_from=_moment(dataset.at[0]), data_to=_moment(dataset.at[-1]), train_rows=len(earlier), test_rows=len(later),
            synthetic_share=float(dataset.synthetic.mean()), parent=self.base and self.base.version,
            engine=self.engine.name,
        )  # fmt: skip

    def _divide(self, dataset: Dataset) -> tuple[Dataset, Dataset, float]:
        if self.base is not None:
            return self.base.divide(dataset, self.as_of)
        least, positives = self.recipe.least_rows, int(dataset.labels.sum()) if self.recipe.least_positives else 0
        if len(dataset) < least:
            raise NotEnoughData(f"{len(dataset):,} rows in the log, at least {least:,} are needed")
        if positives < self.recipe.least_positives:
            raise NotEnoughData(f"{positives:,} positive outcomes in {len(dataset):,} rows, at least {self.recipe.least_positives:,} are needed")
        divide = split_returning if self.recipe.returning else split
        earlier, later, cut = divide(dataset, label_seconds=self.recipe.label_seconds)
        for part, words in ((earlier, "to learn from"), (later, "to judge by")):
            if len(part) < max(1, least // 10) or part.labels.min() == part.labels.max():
                raise NotEnoughData(f"the {len(part):,} rows {words} are too few or all of one outcome")
        return earlier, later, cut

    def _not_enough(self, reason: str) -> Report:
        return self._refused(Gate("data", gates.NOT_ENOUGH, reason), f"Refused: not enough data: {reason}")

    def _refused(self, gate: Gate, verdict: str = "") -> Report:
        """Before there was anything to fit. One row an estimator says so; its next run that gets no further writes over it."""
        verdict = verdict or gates.refused([gate]).words
        of_kind, nothing = ModelVersion.objects.filter(kind=self.recipe.kind), Q(status=Status.REFUSED, artifact="", train_rows=0)
        learned = of_kind.exclude(nothing).aggregate(last=Max("number"))["last"] or 0
        version = of_kind.filter(nothing, number__gt=learned, estimator=self.estimator).order_by("-number").first()
        if version is not None:
            of_kind.filter(pk=version.pk).update(verdict=verdict, trained_at=self.as_of)
        else:
            version = registry.register(
                kind=self.recipe.kind, estimator=self.estimator, status=Status.REFUSED, verdict=verdict, trained_at=self.as_of
            )
        ModelVersion.objects.filter(pk=version.pk).update(gates=[gate.as_json()])
        self.progress(100, verdict)
        return Report(self.recipe.kind, self.estimator, Status.REFUSED, verdict, version.number, gates=[gate.as_json()], seconds=self._seconds())

    def _not_updated(self, reason: str) -> Report:
        self.progress(100, reason)
        return Report(self.recipe.kind, self.estimator, Status.REFUSED, f"Not updated: {reason}", seconds=self._seconds())

    def _fitted(self, earlier: Dataset, later: Dataset) -> estimators.Fitted:
        if self.base is not None:
            self._say(20, f"learning {len(later):,} new rows on top of {self.base.version}")
            return self.base.learned(later)
        self._say(20, f"fitting {self.estimator} on {len(earlier):,} rows")
        return self.checkpoint.fitted(
            lambda: self.engine.fit(self.estimator, self.recipe.task, earlier, self.recipe.schema, self.parameters),
            later.features,
        )

    def _candidate(self, version: ModelVersion, earlier: Dataset, later: Dataset, cut: float) -> Report:
        """What cannot be fitted, stored or read is refused there and then, by the gate that found it."""
        opponent = judging.opponent_of(self.recipe)
        self._say(10, f"checking {len(earlier) + len(later):,} rows")
        checked, profile = judging.check_rows(self.recipe, earlier, later, opponent)
        fields: dict[str, Any] = {"trained_at": self.as_of, "lineage": self._lineage(earlier, later, opponent, profile)}
        if checked.verdict == gates.FAIL:
            return self._placed(version, [checked], gates.refused([checked]), fields)
        fitted = self._fitted(earlier, later)
        self._say(60, "storing and loading the artifact")
        path, digest = registry.store_artifact(fitted.artifact, fitted.suffix)
        fields |= {"artifact": path, "artifact_sha256": digest, **_state(fitted)}
        try:
            model = predictor.load(registry.read_artifact(path, digest, of=str(version)), fitted.suffix, expected_sha256=digest)
            answers = model.predict(later.features)
        except Exception as error:  # noqa: BLE001 (each runtime raises its own; whatever it is, this artifact must not serve)
            broken = gates.unreadable(f"{type(error).__name__}: {error}")
            return self._placed(version, [checked, broken], gates.refused([broken]), {**fields, "artifact": "", "artifact_sha256": ""})
        # An update has learned its later rows by now: it is judged by what it said of each before.
        predictions = answers if self.base is None or fitted.foretold is None else fitted.foretold
        native, updated = fitted.native(later.features), self.base is not None
        candidate = judging.Candidate(self.estimator, model, predictions, native, answers, fitted.notes, updated)
        choices = None if self.recipe.choices is None or updated else self.recipe.choices(_moment(cut), self.as_of)
        found = judging.judge(self.recipe, candidate, earlier, later, opponent, checked=checked, choices=choices, say=self._say)
        kept = self._kept(fitted, earlier, bootstrap=found.verdict.bootstrap, cut=cut)
        if self.recipe.task == estimators.REGRESSION:
            kept["interval"] = judging.residual_bands(later.labels, predictions)
        else:
            kept["interval"] = judging.rate_bands(later.labels, predictions, later.session)
        fields |= {"metrics": metrics.describe(found.metrics), "parameters": kept, "card": found.card}
        return self._placed(version, found.gates, found.verdict, fields)

    def _placed(self, version: ModelVersion, judged: list[Gate], verdict: gates.Verdict, fields: dict[str, Any]) -> Report:
        """Everything about the version and its place, or nothing."""
        fields |= {"gates": [gate.as_json() for gate in judged], "verdict": verdict.words}
        with transaction.atomic():
            ModelVersion.objects.filter(pk=version.pk).update(status=Status.REFUSED, **fields)
            version.refresh_from_db()
            if verdict.promote:
                stages.admit(version, bootstrap=verdict.bootstrap, now=datetime.now(UTC))
        self.progress(100, version.verdict)
        log.info("model trained", kind=self.recipe.kind, number=version.number, status=version.status, seconds=self._seconds())
        return Report(
            self.recipe.kind, self.estimator, version.status, version.verdict, version.number, version.metrics, fields["gates"], version.train_rows,
            version.test_rows, version.data_from.isoformat() if version.data_from else None, version.data_to.isoformat() if version.data_to else None,
            self._seconds(),
        )  # fmt: skip

    def _lineage(self, earlier: Dataset, later: Dataset, opponent: judging.Opponent | None, profile: Profile | None) -> dict[str, Any]:
        compared = opponent.name if opponent is not None else judging.prior_of(self.recipe)
        return lineage(earlier, later, as_of=self.as_of, parameters=self.parameters, compared_with=compared, profile=profile)

    def _kept(self, fitted: estimators.Fitted, earlier: Dataset, *, bootstrap: bool, cut: float) -> dict[str, Any]:
        """What serving, the next run and the admin need to know of a version beside its artifact."""
        importance = {name: round(share, 5) for name, share in sorted(fitted.importance.items(), key=lambda item: -item[1])}
        schema = self.recipe.schema.fingerprint()
        return {
            "schema_fingerprint": schema,
            "bootstrap": bootstrap,
            "trained_to": cut,
            "settings": self.parameters,
            "importance": importance,
            "notes": dict(fitted.notes),
            **(self.recipe.notes(earlier) if self.recipe.notes else {}),
        }

    def _say(self, percent: int, words: str) -> None:
        self.progress(percent, words)
        if self.version is not None:
            ModelVersion.objects.filter(pk=self.version.pk).update(verdict=f"Training, {percent} %: {words}")

    def _seconds(self) -> float:
        return round(time.perf_counter() - self.started, 2)


def _state(fitted: estimators.Fitted) -> dict[str, str]:
    """What learning on needs, stored beside the artifact."""
    if not fitted.state:
        return {}
    path, digest = registry.store_artifact(fitted.state, STATE_SUFFIX)
    return {"state_artifact": path, "state_sha256": digest}


def _bury_the_dead(kind: str) -> None:
    """Under the training lock nobody else can be training, so whatever still says so died on the way."""
    ModelVersion.objects.filter(kind=kind, status=Status.TRAINING).update(status=Status.FAILED, verdict="Failed: the process that trained it ended")


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), tz=UTC)
