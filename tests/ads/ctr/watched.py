"""A log that goes on after a model was trained: what the model served hour by hour, and what became of it."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from adplatform.eventlog import ids
from adplatform.eventlog.partitions import ensure_partitions
from adplatform.learning import estimators, registry
from adplatform.learning.predictor import load
from adplatform.learning.training.reference import reference
from adplatform.models import ModelVersion
from ads.ctr import dataset, features
from ads.decision.request import AdRequest
from ads.models import AdEvent, Decision

from .world import ADS, World, event

MINUTE = timedelta(minutes=1)


def trained(world: World, *, until: datetime, days: int, sessions: int) -> ModelVersion:
    """A champion that learned from ``days`` of the world with ``sessions`` an hour, served by nobody."""
    serve(world, None, since=until - timedelta(days=days), hours=24 * days, sessions=sessions)
    rows = dataset.load(until)
    later = rows.at > rows.at[len(rows) * 4 // 5]
    fitted = estimators.fit("hashed_logistic", estimators.CLASSIFICATION, rows.features[~later], rows.labels[~later], features.SCHEMA, {})
    path, digest = registry.store_artifact(fitted.artifact, fitted.suffix)
    predictor = load(fitted.artifact, fitted.suffix, expected_sha256=digest)
    version = registry.register(
        kind="ctr", estimator="hashed_logistic", artifact=path, artifact_sha256=digest, trained_at=until,
        card={"reference": reference(features.SCHEMA, predictor, rows.take(~later), rows.take(later))},
    )  # fmt: skip
    registry.promote(version)
    return version


def serve(
    world: World, version: ModelVersion | None, *, since: datetime, hours: int, sessions: int, mobile: float = 0.5, inflated: float = 1.0
) -> None:
    """``sessions`` of one break with two ads, an hour. ``mobile`` is the share of mobile devices, ``inflated`` what the logged score
    is multiplied by."""
    ensure_partitions([(since + timedelta(days=ahead)).date() for ahead in range(hours // 24 + 2)])
    scorer = _Scorer(world, version)
    decisions: list[Decision] = []
    events: list[AdEvent] = []
    for hour in range(hours):
        for minute in np.sort(world.rng.uniform(0, 55, sessions)).tolist():
            at = since + timedelta(hours=hour) + MINUTE * minute
            asked = world.request(uuid.UUID(int=int(world.rng.integers(1 << 62))), 0)
            request = dataclasses.replace(asked, hour=at.hour, weekday=at.weekday(), device="mobile" if world.rng.random() < mobile else "tv")
            slots, scores = scorer.slots(request)
            chosen = world.rng.choice(ADS, 2, replace=False).tolist()
            decision = Decision(
                id=ids.new_id(at), day=at.date(), decided_at=at, session=request.session, break_id="b0", explanation={}, synthetic=True,
                slots=[{"slot": slot, "pctr": float(np.float32(scores[ad] * inflated)), **slots[ad]} for slot, ad in enumerate(chosen)],
                request={"device": request.device}, state={}, model_version=None if version is None else version.number,
            )  # fmt: skip
            decisions.append(decision)
            for slot, ad in enumerate(chosen):
                events.append(event(decision.id, slot, "ad.impression", at + timedelta(seconds=5), ad))
                if world.rng.random() < world.true_rate(request, ad, 0):
                    events.append(event(decision.id, slot, "ad.click", at + timedelta(seconds=6 + world.rng.exponential(60)), ad))
    Decision.objects.bulk_create(decisions, batch_size=2000)
    AdEvent.objects.bulk_create(events, batch_size=4000)


class _Scorer:
    """The rows of a request and what a version says of them; requests that look alike are scored once."""

    def __init__(self, world: World, version: ModelVersion | None) -> None:
        self.world = world
        self.model = None if version is None else registry.load_version(version).predictor
        self.known: dict[Any, tuple[list[dict[str, Any]], Any]] = {}

    def slots(self, request: AdRequest) -> tuple[list[dict[str, Any]], Any]:
        key = (request.device, request.genres, request.consent, request.hour, request.weekday)
        if key not in self.known:
            rows = features.build(request, self.world.candidates())
            scores = np.full(ADS, 0.05) if self.model is None else self.model.predict(rows)
            slots = [
                {
                    "ad": ad + 1,
                    "flight": ad + 11,
                    "features": features.SCHEMA.pack(rows[ad]),
                    "advertiser": ad // 4,
                    "advertiser_name": f"Brand {ad // 4}",
                }
                for ad in range(ADS)
            ]
            self.known[key] = slots, scores
        return self.known[key]
