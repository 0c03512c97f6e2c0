"""A small log of decisions and outcomes with a known truth, written through the real tables."""

from __future__ import annotations

import dataclasses
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from adplatform.eventlog import ids
from adplatform.eventlog.partitions import ensure_partitions
from ads.ctr import features
from ads.decision.request import AdRequest
from ads.decision.state import Candidates, Lineup
from ads.models import AdEvent, Decision

ADS = 8
CATEGORIES = ("travel", "retail", "gaming")


@dataclass
class World:
    """Each ad has an appeal; on mobile, and where the genre fits the category, people click more. Slots further back less. On TV, and
    where the genre fits, people see more of them to the end."""

    rng: np.random.Generator
    staying: np.random.Generator
    counts: np.ndarray
    appeal: np.ndarray

    @classmethod
    def of(cls, seed: int) -> World:
        rng = np.random.default_rng(seed)
        return cls(rng, np.random.default_rng(seed + 1), np.zeros((ADS, 5)), np.exp(rng.normal(-2.6, 0.9, ADS)))

    def candidates(self) -> Candidates:
        ad = np.arange(ADS, dtype=np.int64)
        lineup = Lineup(
            ad=ad + 1, flight=ad + 11, campaign=ad // 2 + 21, advertiser=ad // 4 + 31, category=ad % 3, categories=CATEGORIES,
            duration=np.full(ADS, 15.0), worth_shown=np.zeros(ADS), worth_clicked=np.ones(ADS), worth_completed=np.zeros(ADS),
        )  # fmt: skip
        return Candidates(
            lineup=lineup, rows=ad, seen_ad=np.zeros(ADS, dtype=np.int64), seen_campaign=np.zeros(ADS, dtype=np.int64),
            rates={"ad": self.counts.copy(), "all": self.counts.sum(axis=0, keepdims=True)},
        )  # fmt: skip

    def true_rate(self, request: AdRequest, ad: int, slot: int) -> float:
        rate = self.appeal[ad] * (1.8 if request.device == "mobile" else 0.8) * (0.8**slot)
        return float(min(0.6, rate * (2.0 if (request.genres[0] == "drama") == (ad % 3 == 0) else 0.7)))

    def true_completion(self, request: AdRequest, ad: int) -> float:
        fits = (request.genres[0] == "drama") == (ad % 3 == 0)
        return 0.45 + 0.05 * (ad % 4) + (0.2 if request.device == "tv" else 0.0) + (0.15 if fits else 0.0)

    def request(self, session: uuid.UUID, number: int) -> AdRequest:
        choose = self.rng.choice
        return AdRequest(
            session=session, break_id=f"b{number}", break_position="mid", break_index=number, duration=30.0, max_ads=2,
            device=str(choose(["tv", "mobile"])), hour=int(self.rng.integers(24)), weekday=2, title=1, genres=(str(choose(["drama", "comedy"])),),
            mood="calm", consent=bool(self.rng.random() < 0.5), age_band="25-34", gender="female", tier="ads", monthly_hours=10.0,
            favourite_genres=("drama",),
        )  # fmt: skip


def write_log(*, decisions: int, until: datetime, days: float = 5, seed: int = 1) -> World:
    """Write ``decisions`` breaks of two slots, three breaks a session, over ``days`` up to ``until``."""
    world = World.of(seed)
    ensure_partitions([(until - timedelta(days=back)).date() for back in range(int(days) + 2)])
    rows, events = [], []
    step = timedelta(days=days) / decisions
    for number in range(decisions):
        if number % 3 == 0:
            session = uuid.UUID(int=world.rng.integers(1 << 62).item())
        at = until - timedelta(days=days) + step * number
        decision, made = _decide(world, session, number % 3, at)
        rows.append(decision)
        events += made
    Decision.objects.bulk_create(rows, batch_size=1000)
    AdEvent.objects.bulk_create(events, batch_size=1000)
    return world


def _decide(world: World, session: uuid.UUID, number: int, at: datetime) -> tuple[Decision, list[AdEvent]]:
    request = world.request(session, number)
    rows = features.build(request, world.candidates())
    key = ids.new_id(at)
    slots, events = [], []
    for slot, ad in enumerate(world.rng.choice(ADS, 2, replace=False).tolist()):
        scores = {"pctr": 0.01 * (ad + 1), "pvcr": 0.1 * (ad + 1), "advertiser": ad // 4 + 31, "advertiser_name": f"Advertiser {ad // 4}"}
        slots.append({"slot": slot, "ad": ad + 1, "flight": ad + 11, "features": features.SCHEMA.pack(rows[ad]), **scores})
        clicked = bool(world.rng.random() < world.true_rate(request, ad, slot))
        completed = bool(world.staying.random() < world.true_completion(request, ad))
        world.counts[ad] += (1, clicked, completed, 0, 0)
        kinds = ["ad.impression", *(["ad.click"] if clicked else []), *(["ad.complete"] if completed else [])]
        events += [event(key, slot, kind, at + timedelta(seconds=5 + 3 * place), ad) for place, kind in enumerate(kinds)]
    request_json = {name: str(value) for name, value in dataclasses.asdict(request).items()}
    decision = Decision(
        id=key, day=at.date(), decided_at=at, session=session, break_id=request.break_id, request=request_json, state={}, slots=slots,
        explanation={}, synthetic=True,
    )  # fmt: skip
    return decision, events


def event(decision: uuid.UUID, slot: int, kind: str, at: datetime, ad: int) -> AdEvent:
    return AdEvent(
        id=ids.derived_id(decision, slot, kind), day=ids.day_of(decision), type=kind, occurred_at=at, received_at=at + timedelta(seconds=1),
        decision=decision, slot=slot, session=uuid.UUID(int=1), ad=ad + 1, flight=ad + 11, campaign=ad // 2 + 21, synthetic=True,
    )  # fmt: skip
