"""One candidate judged: its figures on later rows, every gate, the verdict, and what its card draws.

The card's JSON (`ModelVersion.card`), every part on rows the model has not learned from:

``calibration``  [{predicted, observed, low, high, rows}], bands of equally many rows from low predictions to high
``groups``       {"device": [{name, ratio, low, high, rows, positives}], ...}, predicted over observed, most rows first
``roc``, ``pr``  [[false positive rate, true positive rate], ...] and [[recall, precision], ...]; classification alone
``importance``   [{feature, loss_rise, low, high}], rise of the loss when the column is shuffled, highest first
``loss_curve``   [loss, ...] pass by pass, where the estimator learns in passes
``latency``      [{rows, p50_ms, p99_ms}]
``truth_known``  share of the rows whose true probability is known, where the ceiling of the figures rests on any
``reference``    what monitoring compares later windows with, see `adplatform.learning.drift`
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import structlog
from numpy.typing import NDArray

from adplatform.models import ModelVersion

from .. import curves, estimators, gates, importance, likelihood, metrics, predictor, registry
from ..choices import Choices
from ..gates import Gate, Profile, Verdict
from ..metrics import Floats, Metric, Resampling
from ..predictor import Predictor
from .dataset import Dataset
from .recipes import Recipe, truth_of
from .reference import reference

log = structlog.get_logger(__name__)

SEED = 20
INTERVAL_LEVEL = 0.8
INTERVAL_BANDS = 3
RATE_LEVEL = 0.95
RATE_BANDS = 8
# Of fewer rows whose true probability is known the ceiling would say little of the rest.
LEAST_TRUTH = 0.8
LOSS_CURVES = ("progressive_log_loss", "loss_curve")


@dataclass(frozen=True)
class Opponent:
    """What serves now, and what its training rows looked like (versions of earlier releases did not keep that)."""

    model: registry.LoadedModel
    profile: Profile | None

    @property
    def name(self) -> str:
        return f"champion v{self.model.version_number}"


@dataclass(frozen=True)
class Candidate:
    """``predictions`` are those it is judged by, float64 [later rows]; ``native`` is what the fitted model says of the same rows, and
    ``answers`` what the exported one does. An ``updated`` one has learned the later rows, each after it was foretold."""

    estimator: str
    model: Predictor
    predictions: Floats
    native: Floats
    answers: Floats
    notes: Mapping[str, Any]
    updated: bool = False


@dataclass(frozen=True)
class Judgement:
    metrics: dict[str, Metric]
    gates: list[Gate]
    verdict: Verdict
    card: dict[str, Any]


def opponent_of(recipe: Recipe) -> Opponent | None:
    """None also when the champion cannot answer for this schema or its artifact is gone: then it serves nobody either."""
    version = registry.champion_row(recipe.kind)
    if version is None:
        return None
    try:
        loaded = registry.load_version(version)
    except predictor.ArtifactRefused as error:
        log.error("champion cannot be compared with", kind=recipe.kind, version=version.number, reason=str(error))
        return None
    return Opponent(loaded, _profile(version)) if loaded.schema_fingerprint == recipe.schema.fingerprint() else None


def prior_of(recipe: Recipe) -> str:
    """What the first version is compared with, in words."""
    return "the smoothed rates" if recipe.schema.prior else "the constant prediction"


def _profile(version: ModelVersion) -> Profile | None:
    return Profile.from_json(version.lineage.get("profile"))


def check_rows(recipe: Recipe, earlier: Dataset, later: Dataset, opponent: Opponent | None) -> tuple[Gate, Profile | None]:
    """The data gate, asked before anything is fitted: what fails it is not worth a fit."""
    features = np.vstack([earlier.features, later.features])
    labels = np.concatenate([earlier.labels, later.labels])
    return gates.data(recipe.schema, features, labels, (len(earlier), len(later)), opponent.profile if opponent else None)


def judge(
    recipe: Recipe,
    candidate: Candidate,
    earlier: Dataset,
    later: Dataset,
    opponent: Opponent | None,
    *,
    checked: Gate,
    choices: Choices | None,
    say: Callable[[int, str], None],
) -> Judgement:
    """Everything that is asked of a candidate that could be fitted and loaded. ``checked`` is what the data gate said, ``choices`` are
    the randomised ones of the later rows' time, where the recipe has any."""
    return _Judging(recipe, candidate, earlier, later, opponent).judgement(checked, choices, say)


class _Judging:
    def __init__(self, recipe: Recipe, candidate: Candidate, earlier: Dataset, later: Dataset, opponent: Opponent | None) -> None:
        self.recipe, self.candidate, self.earlier, self.later, self.opponent = recipe, candidate, earlier, later, opponent
        self.classifies = recipe.task == estimators.CLASSIFICATION
        self.theirs = None if opponent is None else opponent.model.predictor.predict(later.features)

    def judgement(self, checked: Gate, choices: Choices | None, say: Callable[[int, str], None]) -> Judgement:
        say(70, f"measuring on {len(self.later):,} later rows")
        truth, known = self._truth()
        found = self._metrics(truth)
        card = self._drawn(known)
        say(85, "asking the gates")
        opponent = self.opponent.model.predictor if self.opponent else None
        quick, card["latency"] = gates.latency(self.candidate.model, opponent, self.later.features, time.perf_counter, np.random.default_rng(SEED))
        judged = [
            checked,
            gates.parity(self.candidate.native, self.candidate.answers, probabilities=self.classifies),
            self._quality(),
            self._calibration(found),
            *self._groups(card),
            quick,
            *self._value(choices),
        ]
        bootstrap = bool(self.opponent and self.opponent.model.parameters.get("bootstrap"))
        verdict = gates.judge(
            judged, first=self.opponent is None, champion_is_bootstrap=bootstrap, prior=prior_of(self.recipe), tried=self.recipe.policy is None
        )
        return Judgement(found, judged, verdict, card)

    def _metrics(self, truth: Floats | None) -> dict[str, Metric]:
        resampling = Resampling.of(self.later.session, np.random.default_rng(SEED))
        base = float(self.earlier.labels.mean())
        if not self.classifies:
            return metrics.regression(self.later.labels, self.candidate.predictions, base, resampling, truth=truth)
        return metrics.classification(self.later.labels, self.candidate.predictions, base, resampling, truth=truth)

    def _truth(self) -> tuple[Floats | None, float]:
        """The true probability (of a number: the true expectation) of every later row, and the share that is known. The others (live
        viewers among simulated ones, traffic that lies about what it saw) take the candidate's own prediction, so that the ceiling is
        of the same rows as the figure; None where too few are known."""
        truth = truth_of(self.recipe.kind)
        if truth is None or self.later.keys is None:
            return None, 0.0
        values = truth(self.later.keys)
        unknown = np.isnan(values)
        share = 1.0 - float(unknown.mean())
        return (np.where(unknown, self.candidate.predictions, values), share) if share >= LEAST_TRUTH else (None, share)

    def _quality(self) -> Gate:
        """Against the champion on rows neither has learned from, against the prior where there is no champion.

        Another kind of model than the champion's must be better, not just no worse: else two of them would take turns.
        """
        figure, title = ("normalised_entropy", "normalised entropy") if self.classifies else ("mse", "mean squared error")
        later, earlier = self.later, self.earlier
        if self.opponent is None or self.theirs is None:
            prior = estimators.fit("prior", self.recipe.task, earlier.features, earlier.labels, self.recipe.schema, {})
            theirs, name, unseen = prior.native(later.features), prior_of(self.recipe), np.ones(len(later), dtype=bool)
        else:
            theirs, name = self.theirs, self.opponent.name
            unseen = later.at >= self.opponent.model.parameters.get("trained_to", 0.0)
        if len(np.unique(later.labels[unseen])) < 2:
            return Gate("quality", gates.NOT_ENOUGH, f"no rows yet that {name} has not learned from: not enough evidence")
        resampling = Resampling.of(later.session[unseen], np.random.default_rng(SEED))
        allowance = gates.MARGIN if self.opponent is None or self.opponent.model.estimator == self.candidate.estimator else 0.0
        ours = self.candidate.predictions[unseen]
        return gates.quality(figure, title, later.labels[unseen], ours, theirs[unseen], name, resampling, allowance=allowance)

    def _calibration(self, found: dict[str, Metric]) -> Gate:
        if self.classifies:
            return gates.calibration(found["calibration"])
        return gates.unbiased(found["bias"], float(self.later.labels.std()))

    def _groups(self, card: dict[str, Any]) -> list[Gate]:
        """Nothing for rows that belong to no group. A ratio says nothing of labels that may be negative."""
        later = self.later
        if not later.groups or later.labels.min() < 0 or self.candidate.predictions.min() < 0:
            return []
        ours = curves.by_group(later.labels, self.candidate.predictions, later.groups, later.session)
        theirs = None if self.theirs is None else curves.by_group(later.labels, self.theirs, later.groups, later.session)
        card["groups"] = {kind: [one.as_json() for one in members] for kind, members in ours.items()}
        return [gates.calibration_of_groups(ours, theirs)] if self.classifies else []

    def _value(self, choices: Choices | None) -> list[Gate]:
        """Absent for kinds that rank nothing, and for an update: it has learned the outcomes that it would be judged by."""
        if self.recipe.choices is None or self.candidate.updated:
            return []
        terms = self.recipe.policy.terms if self.recipe.policy else gates.SLOTS
        model, kept, name = self._opposite(terms)
        if choices is None:
            return [gates.value(None, np.zeros(0), np.zeros(0), name, terms=terms)]
        ours, theirs = (self._expected(choices, one) for one in (self.candidate.model, model))
        rule = self.recipe.policy.rule if self.recipe.policy else None
        taken = None if rule is None else (rule(choices, self.candidate.model, self._learned()), rule(choices, model, kept))
        return [gates.value(choices, ours, theirs, name, rules=taken, terms=terms)]

    def _opposite(self, terms: gates.Terms) -> tuple[Predictor, Mapping[str, Any], str]:
        """Who else decides with the same choices, what was kept with it, and its name."""
        if self.opponent is not None:
            return self.opponent.model.predictor, self.opponent.model.parameters, self.opponent.name
        prior = estimators.fit("prior", self.recipe.task, self.earlier.features, self.earlier.labels, self.recipe.schema, {})
        model = predictor.load(prior.artifact, prior.suffix, expected_sha256=predictor.sha256(prior.artifact))
        return model, {}, terms.prior or prior_of(self.recipe)

    def _learned(self) -> Mapping[str, Any]:
        return self.recipe.notes(self.earlier) if self.recipe.notes else {}

    def _expected(self, choices: Choices, model: Predictor) -> Floats:
        """The reward of every option, as a model predicts it."""
        said = model.predict(choices.features)
        return said if self.recipe.policy is None else choices.fixed + choices.slope * said

    def _drawn(self, truth_known: float) -> dict[str, Any]:
        later, predictions = self.later, self.candidate.predictions
        loss = metrics.losses if self.classifies else metrics.squares
        rng = np.random.default_rng(SEED)
        card: dict[str, Any] = {
            "calibration": curves.calibration(later.labels, predictions, later.session),
            "importance": importance.permutation(self.candidate.model, self.recipe.schema, later.features, later.labels, loss, rng),
            "loss_curve": next((list(self.candidate.notes[name]) for name in LOSS_CURVES if self.candidate.notes.get(name)), []),
            "reference": reference(self.recipe.schema, self.candidate.model, self.earlier, later),
        }
        if truth_known:
            card["truth_known"] = round(truth_known, 4)
        if self.classifies:
            card |= {"roc": curves.roc(later.labels, predictions), "pr": curves.precision_recall(later.labels, predictions)}
        return card


def residual_bands(labels: Floats, predictions: Floats) -> dict[str, Any]:
    """What the model was off by on later rows, by band of its prediction: 80 % of the outcomes lay within
    ``prediction + low`` and ``prediction + high`` of the band. ``edges`` separate the bands."""
    edges = np.quantile(predictions, np.linspace(0, 1, INTERVAL_BANDS + 1)[1:-1])
    band = np.searchsorted(edges, predictions, side="right")
    tail = (1 - INTERVAL_LEVEL) / 2
    off = [labels[band == number] - predictions[band == number] for number in range(INTERVAL_BANDS)]
    spans = [np.quantile(part if part.size else labels - predictions, [tail, 1 - tail]) for part in off]
    return {"level": INTERVAL_LEVEL, "edges": edges.tolist(), "low": [float(s[0]) for s in spans], "high": [float(s[1]) for s in spans]}


def rate_bands(labels: Floats, predictions: Floats, sessions: NDArray[Any]) -> dict[str, Any]:
    """How often it happened on later rows, by band of the predicted probability: the rate of a band lies, with 95 % confidence over
    sessions, within ``prediction + low`` and ``prediction + high`` of its mean prediction. ``edges`` separate the bands."""
    edges = np.unique(np.quantile(predictions, np.linspace(0, 1, RATE_BANDS + 1)[1:-1]))
    band = np.searchsorted(edges, predictions, side="right")
    low, high = [], []
    for number in range(len(edges) + 1):
        inside = band == number if (band == number).any() else np.ones(len(labels), dtype=bool)
        rate, said = likelihood.mean(labels[inside], sessions[inside], level=RATE_LEVEL), float(predictions[inside].mean())
        low.append(rate.low - said)
        high.append(rate.high - said)
    return {"level": RATE_LEVEL, "edges": edges.tolist(), "low": low, "high": high}
