"""Versions, readings and decisions as training, monitoring and the consumer leave them, for tests of the models' page."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

from adplatform.eventlog.ids import day_of, new_id
from adplatform.models import ModelReading, ModelVersion
from ads.ctr.features import SCHEMA
from ads.models import Decision
from engagement.models import DirectorDecision

METRICS = {
    "normalised_entropy": {"value": 0.95, "baseline": 1.0, "ci_low": 0.93, "ci_high": 0.98, "ceiling": 0.9},
    "auc": {"value": 0.66, "baseline": 0.5, "ci_low": 0.6, "ci_high": 0.71, "ceiling": None},
}
GATES = [
    {"name": "data", "verdict": "pass", "words": "900 rows to learn from", "figures": {"positives": 44}},
    {"name": "calibration", "verdict": "not_enough_evidence", "words": "the interval is too wide to judge", "figures": {}},
]
CARD = {
    "calibration": [{"predicted": 0.02, "observed": 0.03, "low": 0.01, "high": 0.05, "rows": 300}],
    "roc": [[0.0, 0.0], [0.4, 0.7], [1.0, 1.0]],
    "pr": [[0.1, 0.4], [1.0, 0.05]],
    "importance": [{"feature": "hour", "loss_rise": 0.001, "low": 0.0005, "high": 0.002}, {"feature": "age_band", "loss_rise": 0.003}],
    "latency": [{"rows": 1, "p50_ms": 0.1, "p99_ms": 0.3}],
    "loss_curve": [0.5, 0.4],
    "truth_known": 0.99,
}


def a_version(kind: str = "ctr", number: int = 1, **fields: Any) -> ModelVersion:
    given: dict[str, Any] = {
        "estimator": "mlp", "status": "promoted", "metrics": METRICS, "gates": GATES, "card": CARD, "verdict": "Promoted: every gate passed.",
        "train_rows": 900, "test_rows": 300, "synthetic_share": 0.75,
        "parameters": {"notes": {"layers": [60, 32, 16, 1], "training_loss_curve": [0.6, 0.3], "loss_curve_unit": "epoch"}},
    }  # fmt: skip
    return ModelVersion.objects.create(kind=kind, number=number, **(given | fields))


def a_reading(version: ModelVersion, measure: str, *, to: datetime, subject: str = "", hours: int = 1, **fields: Any) -> ModelReading:
    return ModelReading.objects.create(
        version=version, measure=measure, subject=subject, window_from=to - timedelta(hours=hours), window_to=to, **({"rows": 500} | fields)
    )


def a_decision(at: datetime, *, milliseconds: float = 3.0, session: uuid.UUID | None = None, flight: int = 7, **fields: Any) -> Decision:
    """One slot won by an ad of ``flight``, its features as the builder packs them."""
    key = new_id(at)
    features = SCHEMA.pack(SCHEMA.row({"device": "tv", "hour": 20, "age_band": "25-34"}, consent=True))
    slot = {
        "slot": 0, "ad": 1, "name": "Harbour", "campaign_name": "Autumn", "advertiser_name": "Volt", "flight": flight, "duration": 10.0, "pricing": "cpm",
        "price_micros": 4000, "event_price_micros": 4000, "value_micros": 5000.0, "pctr": 0.02, "pvcr": 0.7, "propensity": 0.5, "randomised": True,
        "explored": False, "place": 0, "features": features,
    }  # fmt: skip
    candidate = {
        "ad": 1, "name": "Harbour", "campaign": "Autumn", "advertiser": "Volt", "flight": flight, "flight_name": "Nights", "slot": 0, "tier": "house",
        "priority": 5, "pricing": "cpm", "value_micros": 5000.0, "quality": 1.0, "multiplier": 0.9, "score": 4500.0, "price_micros": 4000, "pctr": 0.02,
        "pvcr": 0.7, "propensity": 0.5, "reason": "won", "words": "Won this slot", "pacing": {"signal": 1.0, "words": "As fast as possible"},
    }  # fmt: skip
    given: dict[str, Any] = {
        "viewer": uuid.uuid4(), "title": 1, "break_id": "b1", "state": {}, "slots": [slot], "milliseconds": milliseconds, "model_version": 2,
        "request": {"device": "tv", "break_position": "mid", "max_ads": 2, "consent": True, "age_band": "25-34"},
        "explanation": {"considered": 9, "eligible": 3, "candidates": [candidate], "others": {"paced": [4, 5]}, "unfilled": None},
    }  # fmt: skip
    return Decision.objects.create(id=key, day=day_of(key), decided_at=at, session=session or uuid.uuid4(), **(given | fields))


def a_direction(at: datetime, **fields: Any) -> DirectorDecision:
    option = {"action": "tighten", "name": "Chase", "gain": 120.0, "gain_low": 3.0, "taken": True, "features": {"next_intensity": 0.8}}
    given: dict[str, Any] = {
        "session": uuid.uuid4(), "title": 1, "action": "tighten", "intended": "tighten", "applied": True, "reason": "Attention is low.",
        "milliseconds": 2.0, "features": {"hour": 20.0, "monthly_hours": 33.0, "left_over": 1.0}, "alternatives": [option],
    }  # fmt: skip
    return DirectorDecision.objects.create(id=uuid.uuid4(), decided_at=at, **(given | fields))
