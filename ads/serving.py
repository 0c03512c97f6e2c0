"""One ad request, walked forward: inventory, targeting, caps, score, pacing, auction, exploration, pod, explanation, reservation, tokens."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from numpy.random import Generator

from .decision.request import AdRequest


@dataclass(frozen=True, slots=True)
class ServedAd:
    """One ad that was reserved and may be published. Durations in seconds, ``price_micros`` for one impression."""

    slot: int
    ad: int
    name: str
    flight: int
    campaign: int
    campaign_name: str
    advertiser_name: str
    asset: int
    duration: float
    skip_after: float | None
    click_through: str
    token: str
    price_micros: int
    pctr: float


@dataclass(frozen=True, slots=True)
class ServedBreak:
    """What a break was filled with. ``explanation`` is the JSON that is also stored on the Decision."""

    decision: uuid.UUID
    ads: tuple[ServedAd, ...]
    unfilled_seconds: float
    explanation: dict[str, Any]
    milliseconds: float


def serve_break(request: AdRequest, *, now: datetime, rng: Generator | None = None) -> ServedBreak:
    """Decide, reserve, sign and log one break; the same (session, break) always gives the same answer.

    Raises LogUnavailable when the event log's Redis cannot be reached.
    """
    raise NotImplementedError
