"""One ad request, walked forward: inventory, targeting, caps, score, pacing, auction, exploration, pod, explanation, reservation, tokens."""

from __future__ import annotations

import secrets
import time
import uuid
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import redis
from numpy.random import Generator

from adplatform.eventlog import ids, stream
from adplatform.eventlog.envelope import encode
from adplatform.eventlog.roundtrip import Exchange

from . import drafts, live_inventory, live_plan, online_rates, recovery, reservation
from .ctr.scorer import score
from .decision.decide import decide
from .decision.inventory import Inventory
from .decision.plan import PacingPlan
from .decision.request import AdRequest
from .decision.state import Decision, DeliveryState

# A JavaScript client and PostgreSQL's bigint both hold it.
SEED_BITS = 53
# Losing the counters again and again while one break is decided means Redis is not fit to decide on.
MOST_REBUILDS = 4
LOST_AGAIN = "the delivery counters are lost again and again; check the event log's Redis"


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
    headline: str = ""


@dataclass(frozen=True, slots=True)
class ServedBreak:
    """What a break was filled with. ``explanation`` is the JSON that is also stored on the Decision."""

    decision: uuid.UUID
    ads: tuple[ServedAd, ...]
    unfilled_seconds: float
    explanation: dict[str, Any]
    milliseconds: float


ANSWER_FIELDS = tuple(field.name for field in fields(ServedBreak))
_answers = msgspec.msgpack.Decoder(ServedBreak)
_pack = msgspec.msgpack.Encoder().encode


def serve_break(request: AdRequest, *, now: datetime, rng: Generator | None = None) -> ServedBreak:
    """Decide, reserve, sign and log one break; the same (session, break) always gives the same answer.

    Raises LogUnavailable when the event log's Redis cannot be reached.
    """
    try:
        return _serve(request, now, rng)
    except redis.exceptions.RedisError as error:
        raise stream.LogUnavailable(str(error)) from error


def preview_break(request: AdRequest, *, now: datetime, rng: Generator | None = None) -> ServedBreak:
    """What a break would be filled with now. Nothing is reserved, logged or kept, and the tokens are of yesterday: what is told with them is
    stored as invalid and charged to nobody. Raises LogUnavailable as `serve_break` does."""
    started = time.perf_counter()
    client = stream.client()
    for _attempt in range(MOST_REBUILDS):
        try:
            _, inventory, plan, state = _read(client, request, now)
            _, draft = _decide(request, inventory, plan, state, now, rng, started)
            return _put_together(drafts.expired(draft), drafts.hoped(draft))[0]
        except reservation.CountersLost as lost:
            recovery.restore(client, lost, now=now)
        except redis.exceptions.RedisError as error:
            raise stream.LogUnavailable(str(error)) from error
    raise stream.LogUnavailable(LOST_AGAIN)


def stored_break(session: uuid.UUID, break_id: str) -> ServedBreak | None:
    """The answer already given for a break, None when none was given within the last day."""
    answer: Any = stream.client().hget(f"break:{session}:{break_id}", "answer")
    return _answers.decode(answer) if answer else None


def warm(*, now: datetime) -> None:
    """All that the first decision of a process would wait for: counters, inventory, rates, champion. Reserves and logs nothing."""
    client = stream.client()
    probe = AdRequest(
        session=uuid.UUID(int=0), break_id="warm", break_position="mid", break_index=0, duration=30.0, max_ads=2, device="tv", hour=0, weekday=0
    )
    for _attempt in range(MOST_REBUILDS):
        try:
            _, inventory, plan, state = _read(client, probe, now)
            _decide(probe, inventory, plan, state, now, None, time.perf_counter())
        except reservation.CountersLost as lost:
            recovery.restore(client, lost, now=now)
        else:
            return


def _serve(request: AdRequest, now: datetime, rng: Generator | None) -> ServedBreak:
    started = time.perf_counter()
    client = stream.client()
    for _attempt in range(MOST_REBUILDS):
        try:
            known, inventory, plan, state = _read(client, request, now)
            if isinstance(known, ServedBreak):
                return known
            if known is not None:
                return _answer(client, request, drafts.restored(known), known)
            decision, draft = _decide(request, inventory, plan, state, now, rng, started)
            answer, event, kept = _put_together(draft, drafts.hoped(draft))
            prepared = reservation.Prepared(event, drafts.alternates(draft), kept)
            taken = reservation.reserve(client, request, inventory, decision, draft.id, prepared, now=now)
            if taken is not None and taken.logged:
                return answer
            if taken is not None:
                return _answer(client, request, draft if taken.draft is None else drafts.restored(taken), taken)
        except reservation.CountersLost as lost:
            recovery.restore(client, lost, now=now)
    raise stream.LogUnavailable(LOST_AGAIN)


def _read(
    client: redis.Redis, request: AdRequest, now: datetime
) -> tuple[ServedBreak | reservation.Taken | None, Inventory, PacingPlan, DeliveryState]:
    """Everything a decision needs, in one round trip. Raises CountersLost."""
    inventory = live_inventory.cache.latest() or live_inventory.current(client)
    wanted = online_rates.wanted(request)
    asking = Exchange(client)
    asking.hmget(reservation.break_key(request), ["answer", "draft", "alternates", "chosen"])
    asking.mget(live_inventory.VERSION_KEY, live_plan.VERSION_KEY)
    reservation.queue_state(asking, request, inventory, now.timestamp())
    wanted.queue(asking)
    splits = reservation.splits_of(request, now)
    for split in splits:
        asking.hgetall(split.key)
        asking.hgetall(split.day_key)
    (answer, *kept), (signal, forecast), *replies = asking.execute()
    taken = replies[len(replies) - 2 * len(splits) :]
    replies = replies[: len(replies) - len(taken)]
    inventory = live_inventory.cache.at(signal or live_inventory.begin_version(client))
    plan = live_plan.cache.at(inventory, forecast)
    if answer is not None:
        return _answers.decode(answer), inventory, plan, DeliveryState.empty(0)
    counted, counts = replies[: reservation.STATE_READS], replies[reservation.STATE_READS :]
    rates = online_rates.parse(wanted, counts, request, inventory)
    state = reservation.parse_state(counted, request, inventory, now, rates)
    if splits:
        state = reservation.narrowed(state, inventory, splits, taken)
    return reservation.parse_known(*kept), inventory, plan, state


def _decide(
    request: AdRequest, inventory: Inventory, plan: PacingPlan, state: DeliveryState, now: datetime, rng: Generator | None, started: float
) -> tuple[Decision, drafts.Draft]:
    seed = int(rng.integers(1 << SEED_BITS)) if rng is not None else secrets.randbits(SEED_BITS)
    decision = decide(request, inventory=inventory, state=state, score=score, now=now, rng=np.random.default_rng(seed), plan=plan)
    milliseconds = (time.perf_counter() - started) * 1000
    return decision, drafts.draft(ids.new_id(now), request, state, inventory, decision, seed=seed, now=now, ms=milliseconds)


def _put_together(made: drafts.Draft, taken: reservation.Taken) -> tuple[ServedBreak, bytes, bytes]:
    """The answer of a break whose ads were ``taken``, the event that logs it, and the answer as it is kept."""
    slots = drafts.won(made, taken)
    explanation = drafts.explained(made, taken, slots)
    ads = tuple([_served(made, slot) for slot in slots])
    unfilled = max(0.0, made.request["duration"] - sum(ad.duration for ad in ads))
    answer = ServedBreak(made.id, ads, unfilled, explanation, made.milliseconds)
    # The explanation is most of both, so it is encoded once.
    encoded = msgspec.Raw(_pack(explanation))
    kept = {name: getattr(answer, name) for name in ANSWER_FIELDS} | {"explanation": encoded}
    return answer, encode(drafts.event(made, slots, encoded)), _pack(kept)


def _answer(client: redis.Redis, request: AdRequest, made: drafts.Draft, taken: reservation.Taken) -> ServedBreak:
    """Log the decision and keep the answer, both or neither, where the reservation itself could not: it gave other ads than hoped
    for. A process that dies before leaves the draft, and the next call ends here."""
    answer, event, kept = _put_together(made, taken)
    key = reservation.break_key(request)
    with client.pipeline(transaction=True) as pipeline:
        pipeline.xadd(stream.STREAM, {stream.FIELD: event})
        pipeline.hset(key, "answer", kept)
        pipeline.hdel(key, "draft", "alternates")
        pipeline.execute()
    return answer


def _served(made: drafts.Draft, slot: dict[str, Any]) -> ServedAd:
    return ServedAd(
        slot=slot["slot"],
        ad=slot["ad"],
        name=slot["name"],
        flight=slot["flight"],
        campaign=slot["campaign"],
        campaign_name=slot["campaign_name"],
        advertiser_name=slot["advertiser_name"],
        asset=slot["asset"],
        duration=slot["duration"],
        skip_after=slot["skip_after"],
        click_through=slot["click_through"],
        token=drafts.token(made, slot),
        price_micros=slot["price_micros"],
        pctr=slot["pctr"],
        # Drafts of before there were headlines hold none.
        headline=slot.get("headline", ""),
    )
