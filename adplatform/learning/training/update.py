"""Going on from a version that learns online: only the rows that matured since, each foretold before it is learned from.

What was foretold is an honest test of the update, so all of the new rows are for learning and for judging alike. It begins at the
champion, or, where another kind of model serves, at the newest version that was trained afresh and can learn on. An update that
the gates do not promote changes nothing: the next one begins at the same version, with more rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from adplatform.models import ModelVersion

from .. import estimators, registry
from ..estimators import linear
from ..predictor import ArtifactRefused
from .dataset import Dataset, NotEnoughData
from .recipes import Recipe

# A try that the gates refused is made again when this many times its rows are there: asked every hour, gates pass by chance in the end.
MORE_ROWS = 1.25
# One for the row to be shown, one for its label.
LABEL_WINDOWS = 2
Alias, Status = ModelVersion.Alias, ModelVersion.Status


class CannotUpdate(NotEnoughData):
    """There is nothing to go on from, or nothing new to learn; the message says which, and what to do."""


@dataclass(frozen=True)
class Base:
    """Where an update begins: a version, its learner's state, and the time up to which it has learned, Unix seconds."""

    recipe: Recipe
    version: ModelVersion
    state: bytes
    learned_to: float

    def divide(self, dataset: Dataset, as_of: datetime) -> tuple[Dataset, Dataset, float]:
        """(rows already learned, new rows, time up to which all are learned then). Raises CannotUpdate.

        Ads are shown some time after they were decided: what was decided just now waits, else an update would pass over those that
        are shown last, and no later one would go back for them.
        """
        if as_of.timestamp() < self.learned_to:
            known = datetime.fromtimestamp(self.learned_to, tz=UTC)
            raise CannotUpdate(
                f"{self.version} has learned the rows until {known:%Y-%m-%d %H:%M}, and as of {as_of:%Y-%m-%d %H:%M} there is nothing later"
            )
        is_new = (dataset.at >= self.learned_to) & (dataset.at < as_of.timestamp() - LABEL_WINDOWS * self.recipe.label_seconds)
        before, new = dataset.take(dataset.at < self.learned_to), dataset.take(is_new)
        if not len(new):
            raise CannotUpdate(f"no rows have matured since {self.version} learned its last: nothing to learn")
        if not len(before):
            raise CannotUpdate(f"none of the rows that {self.version} has learned are in the log any more; train afresh")
        clicks, least = int(min(new.labels.sum(), (1 - new.labels).sum())), max(1, self.recipe.least_positives)
        if clicks < least:
            raise CannotUpdate(f"{len(new):,} rows with {clicks:,} of the rarer outcome since {self.version}; an update waits for {least:,}")
        self._not_tried_already(len(new))
        return before, new, float(np.nextafter(new.at.max(), np.inf))

    def learned(self, new: Dataset) -> estimators.Fitted:
        """Raises ArtifactRefused."""
        return linear.go_on(self.state, new.features, new.labels, new.at, self.recipe.label_seconds)

    def _not_tried_already(self, rows: int) -> None:
        tries = ModelVersion.objects.filter(parent=self.version).exclude(status__in=[Status.FAILED, Status.TRAINING])
        last = tries.order_by("-number").first()
        if last is not None and rows < last.test_rows * MORE_ROWS:
            needed = int(np.ceil(last.test_rows * MORE_ROWS))
            raise CannotUpdate(
                f"v{last.number} has tried {last.test_rows:,} of the {rows:,} rows since {self.version} and is {last.get_status_display().lower()}; "
                f"the next try waits for {needed:,}"
            )


def base_for(recipe: Recipe) -> Base:
    """Raises CannotUpdate."""
    if recipe.task != estimators.CLASSIFICATION:
        raise CannotUpdate(f"{recipe.kind} models do not learn on, for they predict a number; train afresh: manage.py train {recipe.kind}")
    challenger = registry.challenger_row(recipe.kind)
    if challenger is not None:
        raise CannotUpdate(f"{challenger} is on trial as challenger; the update waits until that is decided")
    version = _version(recipe)
    try:
        state = registry.read_artifact(version.state_artifact, version.state_sha256, of=f"the learner of {version}")
    except ArtifactRefused as error:
        raise CannotUpdate(f"{error}; train afresh") from error
    return Base(recipe, version, state, float(version.parameters["trained_to"]))


def _version(recipe: Recipe) -> ModelVersion:
    fingerprint = recipe.schema.fingerprint()
    stateful = ModelVersion.objects.filter(kind=recipe.kind).exclude(state_artifact="")
    version = stateful.filter(alias=Alias.CHAMPION).first() or stateful.filter(parent=None).order_by("-number").first()
    if version is None:
        raise CannotUpdate(
            f"no {recipe.kind} model that learns on is there yet; train one: manage.py train {recipe.kind} --estimator hashed_logistic"
        )
    if version.parameters.get("schema_fingerprint") != fingerprint:
        raise CannotUpdate(f"{version} was trained on another feature schema than is logged now; train afresh")
    return version
