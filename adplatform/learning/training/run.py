"""One training run, the same for every kind of model: load, split by time and session, fit, export, judge, promote or refuse."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np
import structlog
from django.db import transaction

from adplatform.models import ModelVersion

from .. import estimators, gates, metrics, predictor, registry
from ..metrics import Floats, Metric, Resampling
from ..schema import Matrix
from .checkpoint import Checkpoint, NothingKept
from .dataset import Dataset, NotEnoughData, split
from .lock import one_at_a_time
from .recipes import Recipe, recipe_for, truth_of
from .reference import reference
from .update import Base, CannotUpdate, base_for

log = structlog.get_logger(__name__)

SEED = 20
INTERVAL_LEVEL = 0.8
INTERVAL_BANDS = 3
STATE_SUFFIX = ".state"
Status = ModelVersion.Status


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
) -> Report:
    """As `train`, for who holds the kind's lock already. What ``checkpoint`` kept of an earlier attempt is not made again."""
    recipe = recipe_for(kind)
    name = estimator or recipe.default_estimator
    estimators.find(name, recipe.task)
    as_of, checkpoint = as_of or datetime.now(UTC), checkpoint or NothingKept()
    if not update:
        return _Run(recipe, name, as_of, dict(parameters or {}), progress, checkpoint).report()
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
    ) -> None:
        self.recipe, self.estimator, self.as_of, self.parameters, self.progress = recipe, estimator, as_of, parameters, progress
        self.checkpoint, self.base = checkpoint, base
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
        )  # fmt: skip

    def _divide(self, dataset: Dataset) -> tuple[Dataset, Dataset, float]:
        if self.base is not None:
            return self.base.divide(dataset, self.as_of)
        least, positives = self.recipe.least_rows, int(dataset.labels.sum()) if self.recipe.least_positives else 0
        if len(dataset) < least:
            raise NotEnoughData(f"{len(dataset):,} rows in the log, at least {least:,} are needed")
        if positives < self.recipe.least_positives:
            raise NotEnoughData(f"{positives:,} positive outcomes in {len(dataset):,} rows, at least {self.recipe.least_positives:,} are needed")
        earlier, later, cut = split(dataset, label_seconds=self.recipe.label_seconds)
        for part, words in ((earlier, "to learn from"), (later, "to judge by")):
            if len(part) < least // 10 or part.labels.min() == part.labels.max():
                raise NotEnoughData(f"the {len(part):,} rows {words} are too few or all of one outcome")
        return earlier, later, cut

    def _not_enough(self, reason: str) -> Report:
        """One row says so; the next run that finds too little overwrites it instead of adding another."""
        verdict = f"Refused: not enough data: {reason}"
        last = ModelVersion.objects.filter(kind=self.recipe.kind).first()
        if last is not None and last.status == Status.REFUSED and not last.artifact:
            version = last
            ModelVersion.objects.filter(pk=version.pk).update(verdict=verdict, estimator=self.estimator, trained_at=self.as_of)
        else:
            version = registry.register(
                kind=self.recipe.kind, estimator=self.estimator, status=Status.REFUSED, verdict=verdict, trained_at=self.as_of
            )
        gate = gates.Gate("data", gates.NOT_ENOUGH, reason).as_json()
        ModelVersion.objects.filter(pk=version.pk).update(gates=[gate])
        self.progress(100, verdict)
        return Report(self.recipe.kind, self.estimator, Status.REFUSED, verdict, version.number, gates=[gate], seconds=self._seconds())

    def _not_updated(self, reason: str) -> Report:
        self.progress(100, reason)
        return Report(self.recipe.kind, self.estimator, Status.REFUSED, f"Not updated: {reason}", seconds=self._seconds())

    def _fitted(self, earlier: Dataset, later: Dataset) -> estimators.Fitted:
        if self.base is not None:
            self._say(20, f"learning {len(later):,} new rows on top of {self.base.version}")
            return self.base.learned(later)
        self._say(20, f"fitting {self.estimator} on {len(earlier):,} rows")
        return self.checkpoint.fitted(
            lambda: estimators.fit(self.estimator, self.recipe.task, earlier.features, earlier.labels, self.recipe.schema, self.parameters),
            later.features,
        )

    def _candidate(self, version: ModelVersion, earlier: Dataset, later: Dataset, cut: float) -> Report:
        recipe = self.recipe
        fitted = self._fitted(earlier, later)
        self._say(60, "storing and loading the artifact")
        path, digest = registry.store_artifact(fitted.artifact, fitted.suffix)
        candidate = predictor.load(fitted.artifact, fitted.suffix, expected_sha256=digest)
        answers = candidate.predict(later.features)
        # An update has learned its later rows by now: it is judged by what it said of each before.
        predictions = answers if self.base is None or fitted.foretold is None else fitted.foretold
        resampling = Resampling.of(later.session, np.random.default_rng(SEED))
        self._say(70, f"measuring on {len(later):,} later rows")
        found = self._metrics(earlier, later, predictions, resampling)
        champion = _champion(recipe)
        self._say(85, "asking the gates")
        judged = [
            gates.data(recipe.schema, *_together(earlier, later), (len(earlier), len(later))),
            gates.parity(fitted.native(later.features), answers),
            self._quality(earlier, later, predictions, champion),
            self._calibration(found, later),
            gates.latency(candidate, champion.predictor if champion else None, later.features, time.perf_counter),
        ]  # fmt: skip
        bootstrap = bool(champion and champion.parameters.get("bootstrap"))
        verdict = gates.judge(judged, first=champion is None, champion_is_bootstrap=bootstrap, prior=self._prior())
        kept = self._kept(fitted, bootstrap=verdict.bootstrap, cut=cut)
        if recipe.task == estimators.REGRESSION:
            kept["interval"] = residual_bands(later.labels, predictions)
        fields: dict[str, Any] = {
            "metrics": metrics.describe(found), "gates": [gate.as_json() for gate in judged], "verdict": verdict.words, "parameters": kept,
            "artifact": path, "artifact_sha256": digest, "trained_at": self.as_of,
            "card": {"reference": reference(recipe.schema, candidate, earlier, later)}, **_state(fitted),
        }  # fmt: skip
        with transaction.atomic():
            ModelVersion.objects.filter(pk=version.pk).update(status=Status.REFUSED, **fields)
            version.refresh_from_db()
            if verdict.promote:
                registry.promote(version)
        self.progress(100, verdict.words)
        log.info("model trained", kind=recipe.kind, number=version.number, status=version.status, seconds=self._seconds())
        return Report(
            recipe.kind, self.estimator, version.status, verdict.words, version.number, fields["metrics"], fields["gates"], len(earlier), len(later),
            version.data_from.isoformat() if version.data_from else None, version.data_to.isoformat() if version.data_to else None, self._seconds(),
        )  # fmt: skip

    def _kept(self, fitted: estimators.Fitted, *, bootstrap: bool, cut: float) -> dict[str, Any]:
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
        }

    def _metrics(self, earlier: Dataset, later: Dataset, predictions: Floats, resampling: Resampling) -> dict[str, Metric]:
        if self.recipe.task == estimators.REGRESSION:
            return metrics.regression(later.labels, predictions, float(earlier.labels.mean()), resampling)
        return metrics.classification(later.labels, predictions, float(earlier.labels.mean()), resampling, truth=self._truth(later))

    def _prior(self) -> str:
        return "the smoothed rates" if self.recipe.schema.prior else "the constant prediction"

    def _truth(self, later: Dataset) -> Floats | None:
        """The true probability of every later row, None unless all of them are known."""
        truth = truth_of(self.recipe.kind)
        if truth is None or later.keys is None or not later.synthetic.all():
            return None
        known = truth(later.keys)
        return None if np.isnan(known).any() else known

    def _quality(self, earlier: Dataset, later: Dataset, predictions: Floats, champion: registry.LoadedModel | None) -> gates.Gate:
        """Against the champion on rows neither has learned from, against the prior where there is no champion.

        Another kind of model than the champion's must be better, not just no worse: else two of them would take turns.
        """
        figure, title = (
            ("normalised_entropy", "normalised entropy") if self.recipe.task == estimators.CLASSIFICATION else ("mse", "mean squared error")
        )
        if champion is None:
            prior = estimators.fit("prior", self.recipe.task, earlier.features, earlier.labels, self.recipe.schema, {})
            opponent, name, unseen = prior.native(later.features), self._prior(), np.ones(len(later), dtype=bool)
        else:
            opponent, name = champion.predictor.predict(later.features), f"champion v{champion.version_number}"
            unseen = later.at >= champion.parameters.get("trained_to", 0.0)
        if len(np.unique(later.labels[unseen])) < 2:
            return gates.Gate("quality", gates.NOT_ENOUGH, f"no rows yet that {name} has not learned from: not enough evidence")
        resampling = Resampling.of(later.session[unseen], np.random.default_rng(SEED))
        allowance = gates.MARGIN if champion is None or champion.estimator == self.estimator else 0.0
        return gates.quality(figure, title, later.labels[unseen], predictions[unseen], opponent[unseen], name, resampling, allowance=allowance)

    def _calibration(self, found: dict[str, Metric], later: Dataset) -> gates.Gate:
        if self.recipe.task == estimators.CLASSIFICATION:
            return gates.calibration(found["calibration"])
        return gates.unbiased(found["bias"], float(later.labels.std()))

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


def residual_bands(labels: Floats, predictions: Floats) -> dict[str, Any]:
    """What the model was off by on later rows, by band of its prediction: 80 % of the outcomes lay within
    ``prediction + low`` and ``prediction + high`` of the band. ``edges`` separate the bands."""
    edges = np.quantile(predictions, np.linspace(0, 1, INTERVAL_BANDS + 1)[1:-1])
    band = np.searchsorted(edges, predictions, side="right")
    tail = (1 - INTERVAL_LEVEL) / 2
    off = [labels[band == number] - predictions[band == number] for number in range(INTERVAL_BANDS)]
    spans = [np.quantile(part if part.size else labels - predictions, [tail, 1 - tail]) for part in off]
    return {"level": INTERVAL_LEVEL, "edges": edges.tolist(), "low": [float(s[0]) for s in spans], "high": [float(s[1]) for s in spans]}


def _together(earlier: Dataset, later: Dataset) -> tuple[Matrix, Floats]:
    return np.vstack([earlier.features, later.features]), np.concatenate([earlier.labels, later.labels])


def _champion(recipe: Recipe) -> registry.LoadedModel | None:
    """None also when the champion cannot answer for this schema or its artifact is gone: then it serves nobody either."""
    version = registry.champion_row(recipe.kind)
    if version is None:
        return None
    try:
        loaded = registry.load_version(version)
    except predictor.ArtifactRefused as error:
        log.error("champion cannot be compared with", kind=recipe.kind, version=version.number, reason=str(error))
        return None
    return loaded if loaded.schema_fingerprint == recipe.schema.fingerprint() else None


def _bury_the_dead(kind: str) -> None:
    """Under the training lock nobody else can be training, so whatever still says so died on the way."""
    ModelVersion.objects.filter(kind=kind, status=Status.TRAINING).update(status=Status.FAILED, verdict="Failed: the process that trained it ended")


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(float(seconds), tz=UTC)
