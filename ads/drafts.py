"""From a pure decision to what is stored and served: the draft before the reservation, the event and the answer after it."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from adplatform.eventlog import tokens
from adplatform.eventlog.envelope import Event, decode
from adplatform.learning.schema import Matrix

from .ctr import contests
from .ctr.features import SCHEMA
from .decision.explanation import REASONS
from .decision.inventory import Inventory
from .decision.pacing import SPENT
from .decision.packing import packed, packed_rows
from .decision.pod import TOLERANCE_SECONDS
from .decision.request import AdRequest
from .decision.state import Alternate, Decision, DeliveryState, Seen, Slot
from .reservation import Taken

# Of `DeliveryState`, in the order in which they are stored.
COUNTERS = ("booked", "held", "day_booked", "delivered", "held_count", "day_delivered")
REQUEST_FIELDS = tuple(field.name for field in fields(AdRequest))
# As long as the edge takes events: a viewer may pause a whole evening in front of an ad.
TOKEN_LIFETIME = timedelta(hours=24)
# Rules that the reservation alone knows: no race, another try would end the same. Whatever else it refuses was open a moment before.
REFUSALS = frozenset({"holds_full", "address_quota"})
POD_CONFLICT = "pod_conflict"
_pack = msgspec.msgpack.Encoder().encode


class Draft(msgspec.Struct, frozen=True):
    """All that the decision event and the answer need, before it is known which alternates were reserved.

    ``state`` is encoded already. An alternate's features are raw float32 until it has won. While it waits in Redis it is the
    event as it would be if every first alternate were reserved, and its `alternates`; `restored` reads it back.
    """

    id: uuid.UUID
    decided_at: datetime
    request: dict[str, Any]
    state: msgspec.Raw
    slots: list[list[dict[str, Any]]]
    explanation: dict[str, Any]
    model_version: int | None
    completion_version: int | None
    model_arm: str
    inventory_version: int
    seed: int
    control: bool
    milliseconds: float


def draft(
    decision_id: uuid.UUID, request: AdRequest, state: DeliveryState, inventory: Inventory, decision: Decision, *, seed: int, now: datetime, ms: float
) -> Draft:
    rows = _feature_rows(decision)
    stored = stored_state(inventory, state, decision) | {"contest": contests.stored(inventory, decision, rows)}
    return Draft(
        id=decision_id,
        decided_at=now,
        request={name: getattr(request, name) for name in REQUEST_FIELDS},
        state=msgspec.Raw(_pack(stored)),
        slots=[[_alternate(inventory, slot, alternate, rows[alternate.row].tobytes()) for alternate in slot.alternates] for slot in decision.slots],
        explanation=decision.explanation,
        model_version=decision.scores.model_version,
        completion_version=decision.scores.completion_version,
        model_arm=decision.scores.arm,
        inventory_version=decision.inventory_version,
        seed=seed,
        control=decision.control,
        milliseconds=ms,
    )


def stored_state(inventory: Inventory, state: DeliveryState, decision: Decision) -> dict[str, Any]:
    """What a replay needs, exact to the bit: who had nothing left, what was seen, scores and pass rates. The counters are kept of
    the flights that the explanation tells of in full."""
    told = sorted({inventory.flight_row[candidate["flight"]] for candidate in decision.explanation["candidates"]})
    counters = np.stack([getattr(state, name)[told] for name in COUNTERS], axis=1)
    spent = np.flatnonzero(decision.spent).tolist()
    scores = decision.scores
    return {
        "flights": dict(zip(map(str, inventory.flight_id[told].tolist()), counters.tolist(), strict=True)),
        "spent": {str(inventory.flights[row].id): SPENT[decision.spent[row] - 1] for row in spent},
        "seen": [_entry(entry) for entry in state.seen],
        "stream": [_entry(entry) for entry in state.stream],
        "lifetime": state.lifetime,
        "scored": packed_rows(decision.scored, len(inventory.ads)),
        "pctr": packed(scores.pctr),
        "pvcr": packed(scores.pvcr),
        "quality": None if scores.quality is None else packed(scores.quality),
        "pacing": decision.pacing,
    }


def _entry(seen: Seen) -> list[Any]:
    return [seen.at, seen.ad, seen.flight, seen.campaign, seen.advertiser, seen.category]


def _feature_rows(decision: Decision) -> dict[int, Matrix]:
    """For each ad that may win or could have won the randomised slot, by its row in the inventory, its features as served, float32.
    Built together, for building one row costs nearly as much as building fifty."""
    standing = {alternate.row for slot in decision.slots for alternate in slot.alternates}
    if decision.contest is not None:
        standing.update(decision.contest.rows.tolist())
    wanted = sorted(standing)
    features = decision.scores.rows(np.searchsorted(decision.scored, wanted)) if wanted else ()
    return dict(zip(wanted, features, strict=True))


def _alternate(inventory: Inventory, slot: Slot, alternate: Alternate, features: bytes) -> dict[str, Any]:
    ad, flight = inventory.ads[alternate.row], inventory.flights[inventory.ad_flight[alternate.row]]
    return {
        "slot": slot.index,
        "randomised": slot.randomised,
        "ad": ad.id,
        "name": ad.name,
        "flight": flight.id,
        "campaign": flight.campaign,
        "campaign_name": flight.campaign_name,
        "advertiser": flight.advertiser,
        "advertiser_name": flight.advertiser_name,
        "category": ad.category,
        "asset": ad.asset,
        "duration": ad.duration,
        "skip_after": ad.skip_after,
        "click_through": ad.click_through,
        "headline": ad.headline,
        "pricing": flight.pricing,
        "value_micros": alternate.value_micros,
        "price_micros": alternate.price_micros,
        "event_price_micros": alternate.event_price_micros,
        "hold_micros": alternate.hold_micros,
        "pctr": alternate.pctr,
        "pvcr": alternate.pvcr,
        "propensity": alternate.propensity,
        "explored": alternate.explored,
        "features": features,
    }


def alternates(made: Draft) -> bytes:
    return _pack(made.slots)


def restored(kept: Taken) -> Draft:
    """The draft of a break that was reserved before. Its explanation is the one of what was hoped for: `explained` corrects it."""
    event = decode(kept.draft or b"")
    data = event.data
    return Draft(
        id=event.id,
        decided_at=event.occurred_at,
        request=data["request"],
        state=msgspec.Raw(_pack(data["state"])),
        slots=msgspec.msgpack.decode(kept.alternates or b""),
        explanation=data["explanation"],
        model_version=data["model_version"],
        completion_version=data["completion_version"],
        model_arm=data["model_arm"],
        inventory_version=data["inventory_version"],
        seed=data["seed"],
        control=data["control"],
        milliseconds=data["milliseconds"],
    )


# After the reservation


def hoped(made: Draft) -> Taken:
    """The reservation as it nearly always is: of every slot's first alternate."""
    return Taken(places=(0,) * len(made.slots), reasons=((),) * len(made.slots))


def won(made: Draft, taken: Taken) -> list[dict[str, Any]]:
    """The slots as reserved. Where an alternate stepped in, chance had no part: the slot no longer counts as randomised."""
    slots = []
    for alternates, place in zip(made.slots, taken.places, strict=True):
        if place is not None:
            given = alternates[place]
            features = SCHEMA.pack(np.frombuffer(given["features"], dtype=np.float32))
            slots.append({**given, "features": features, "place": place, "randomised": given["randomised"] and place == 0})
    return slots


def explained(made: Draft, taken: Taken, slots: list[dict[str, Any]]) -> dict[str, Any]:
    """The decision's explanation, corrected by what the reservation gave."""
    lost = {
        alternates[place]["ad"]: why
        for alternates, reasons in zip(made.slots, taken.reasons, strict=True)
        for place, why in enumerate(reasons)
        if why != POD_CONFLICT
    }
    served = {slot["ad"]: slot for slot in slots}
    candidates = [_corrected(candidate, served, lost) for candidate in made.explanation["candidates"]]
    unfilled = _unfilled(made, taken, slots)
    codes = {candidate["reason"] for candidate in candidates} | set(made.explanation["others"]) | ({unfilled["reason"]} if unfilled else set())
    return {
        **made.explanation,
        "candidates": candidates,
        "unfilled": unfilled,
        "words": {code: REASONS[code] for code in sorted(codes)},
        "model_version": made.model_version,
        "inventory_version": made.inventory_version,
        "milliseconds": made.milliseconds,
    }


def _unfilled(made: Draft, taken: Taken, slots: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The seconds that stay empty now that it is known who was reserved, and the reason; None when there are none."""
    seconds = made.request["duration"] - sum(slot["duration"] for slot in slots)
    if seconds <= TOLERANCE_SECONDS:
        return None
    found = made.explanation["unfilled"]
    empty = [reasons for place, reasons in zip(taken.places, taken.reasons, strict=True) if place is None]
    if found is not None and not empty:
        return {"seconds": round(seconds, 3), "reason": found["reason"]}
    # Nobody is missing but a longer ad: what kept the first choices away left the seconds empty.
    lost = empty or [reasons for place, reasons in zip(taken.places, taken.reasons, strict=True) if place]
    return {"seconds": round(seconds, 3), "reason": _why_lost(lost)}


def _why_lost(slots: list[tuple[str, ...]]) -> str:
    """The reason of most slots, of each what kept its first choice away; those that fell out beside another ad only follow."""
    first = [next((why for why in reasons if why != POD_CONFLICT), POD_CONFLICT) for reasons in slots]
    codes = Counter(why if why in REFUSALS or why == POD_CONFLICT else "reservation_lost" for why in first)
    return codes.most_common(1)[0][0] if codes else "reservation_lost"


def _corrected(candidate: dict[str, Any], served: dict[int, dict[str, Any]], lost: dict[int, str]) -> dict[str, Any]:
    ad = candidate["ad"]
    if ad in served:
        slot = served[ad]
        reason = "explored" if slot["explored"] else "won"
        return {**candidate, "reason": reason, "words": REASONS[reason], "slot": slot["slot"], "price_micros": slot["price_micros"]}
    if ad in lost:
        why = lost[ad]
        told = {"reason": why, "words": REASONS[why]} if why in REFUSALS else {"reason": "reservation_lost", "words": _race(why)}
        return {**candidate, **told, "lost_to": why, "slot": None, "price_micros": None}
    if candidate["slot"] is not None:
        # An alternate stepped in beside which it may not stand.
        return {**candidate, "reason": POD_CONFLICT, "words": REASONS[POD_CONFLICT], "slot": None, "price_micros": None}
    return candidate


def _race(why: str) -> str:
    """In words, what was still open when the break was decided and taken when it was reserved."""
    cause = REASONS[why]
    return f"{REASONS['reservation_lost']}: {cause[0].lower()}{cause[1:]}"


def event(made: Draft, slots: list[dict[str, Any]], explanation: msgspec.Raw) -> Event:
    """The `ad.decision` event, to be encoded: its data holds every column of the Decision row."""
    request = made.request
    return Event(
        id=made.id,
        type="ad.decision",
        occurred_at=made.decided_at,
        received_at=made.decided_at,
        session=uuid.UUID(str(request["session"])),
        viewer=viewer(request),
        title=request["title"],
        decision=made.id,
        synthetic=request["synthetic"],
        data={
            "break_id": request["break_id"],
            "request": {key: str(value) if isinstance(value, uuid.UUID) else value for key, value in request.items()},
            "state": made.state,
            "slots": slots,
            "explanation": explanation,
            "model_version": made.model_version,
            "completion_version": made.completion_version,
            "model_arm": made.model_arm,
            "inventory_version": made.inventory_version,
            "seed": made.seed,
            "control": made.control,
            "milliseconds": made.milliseconds,
        },
    )


def viewer(request: dict[str, Any]) -> uuid.UUID | None:
    """Who saw the ads, with consent alone: without it nothing that leaves this floor names a viewer."""
    return uuid.UUID(str(request["viewer"])) if request["viewer"] and request["consent"] else None


def expired(made: Draft) -> Draft:
    """The same, made so long ago that its tokens are over."""
    return msgspec.structs.replace(made, decided_at=made.decided_at - 2 * TOKEN_LIFETIME)


def token(made: Draft, slot: dict[str, Any]) -> str:
    return tokens.sign(
        tokens.TrackingToken(
            decision=made.id,
            slot=slot["slot"],
            ad=slot["ad"],
            flight=slot["flight"],
            price_micros=slot["event_price_micros"],
            expires=int((made.decided_at + TOKEN_LIFETIME).timestamp()),
            session=uuid.UUID(str(made.request["session"])),
            viewer=viewer(made.request),
            title=made.request["title"],
            synthetic=made.request["synthetic"],
        )
    )
