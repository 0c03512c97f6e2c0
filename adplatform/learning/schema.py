"""Feature schemas: declared once, used to build training rows and to serve, so the two cannot differ by accident."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Feature:
    """One column. ``categories`` makes it an ordinal code (unknown is -1); otherwise a number clipped to [low, high].

    ``privacy`` is ``context`` or ``consent``: a consent feature is NaN without the viewer's consent, in training too.
    """

    name: str
    owner: str
    privacy: str = "context"
    low: float = 0.0
    high: float = 1.0
    categories: tuple[str, ...] | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class FeatureSchema:
    name: str
    version: int
    features: tuple[Feature, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)

    def fingerprint(self) -> str:
        """Changes whenever a model trained on one schema must not be served with the other."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()[:16]

    def as_json(self) -> dict[str, Any]:
        columns = [
            {"name": f.name, "owner": f.owner, "privacy": f.privacy, "low": f.low, "high": f.high, "categories": f.categories} for f in self.features
        ]
        return {"name": self.name, "version": self.version, "features": columns}

    def row(self, values: Mapping[str, Any], *, consent: bool) -> NDArray[np.float32]:
        """One row as float32 [n features]; missing and withheld values are NaN."""
        return np.array([self._encode(feature, values.get(feature.name), consent=consent) for feature in self.features], dtype=np.float32)

    @staticmethod
    def _encode(feature: Feature, value: Any, *, consent: bool) -> float:
        if value is None or (feature.privacy == "consent" and not consent):
            return float("nan")
        if feature.categories is not None:
            return float(feature.categories.index(value)) if value in feature.categories else -1.0
        return float(min(max(float(value), feature.low), feature.high))
