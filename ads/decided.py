"""What the consumer does with decisions: store each once, and count breaks, slots won, seconds left empty and why ads did not serve."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from adplatform.eventlog import ids, tables
from adplatform.eventlog.envelope import Event
from adplatform.eventlog.rollup import truncate

from .ctr.rollout import with_shadow
from .effects import Fact
from .facts import Facts
from .rollups import BREAKS, FUNNEL, UNFILLED, delivery

DECISION_COLUMNS = (
    "id", "day", "decided_at", "session", "viewer", "title", "break_id", "request", "state", "slots", "explanation", "model_version",
    "completion_version", "model_arm", "inventory_version", "seed", "milliseconds", "control", "synthetic",
)  # fmt: skip
NO_SESSION = uuid.UUID(int=0)
# Of decisions stored before breaks told why they stayed empty.
UNTOLD = "untold"


def store(cursor: Any, decisions: Sequence[Event], facts: Facts) -> list[Fact]:
    """Store ``decisions`` (without repeated ids); returns what they add to the delivery figures, which the caller folds with the rest."""
    slots = with_shadow(event.data["slots"] for event in decisions)
    new = tables.insert_once(cursor, "ads_decision", DECISION_COLUMNS, map(_row, decisions, slots))
    fresh = [event for event in decisions if event.id in new]
    BREAKS.add(cursor, (_break(event, facts) for event in fresh))
    UNFILLED.add(cursor, (fact for event in fresh for fact in _unfilled(event, facts)))
    FUNNEL.add(cursor, _funnel(cursor, fresh, facts))
    return [fact for event in fresh for fact in _won(event, facts)]


def _row(event: Event, slots: list[dict[str, Any]]) -> tuple[Any, ...]:
    data = event.data
    return (
        event.id, ids.day_of(event.id), event.occurred_at, event.session or NO_SESSION, event.viewer, event.title, data["break_id"],
        data["request"], data["state"], slots, data["explanation"], data["model_version"],
        data.get("completion_version"), data.get("model_arm", ""), data["inventory_version"], data["seed"],
        data["milliseconds"], data.get("control", False), event.synthetic,
    )  # fmt: skip


def _break(event: Event, facts: Facts) -> Fact:
    request, slots = event.data["request"], event.data["slots"]
    unfilled = max(0.0, request["duration"] - sum(slot["duration"] for slot in slots))
    measures = (1, int(bool(slots)), request["max_ads"], len(slots), round(unfilled * 1000), round(event.data["milliseconds"] * 1000))
    return event.occurred_at, facts.context(event.id, event).key(synthetic=event.synthetic), measures


def _won(event: Event, facts: Facts) -> Iterator[Fact]:
    context = facts.context(event.id, event)
    for slot in event.data["slots"]:
        keys = (slot["advertiser"], slot["campaign"], slot["flight"], slot["ad"], *context.key(synthetic=event.synthetic))
        yield event.occurred_at, keys, delivery(decided=1)


def _unfilled(event: Event, facts: Facts) -> Iterator[Fact]:
    """The seconds that stayed empty, under the reason that the decision gives."""
    explanation = event.data["explanation"]
    left = explanation.get("unfilled")
    if "unfilled" not in explanation:
        empty = event.data["request"]["duration"] - sum(slot["duration"] for slot in event.data["slots"])
        left = {"seconds": empty, "reason": UNTOLD} if empty > 0 else None
    if left is not None:
        *where, synthetic = facts.context(event.id, event).key(synthetic=event.synthetic)
        yield event.occurred_at, (*where, left["reason"], synthetic), (1, round(left["seconds"] * 1000))


def _funnel(cursor: Any, decisions: Sequence[Event], facts: Facts) -> Iterator[Fact]:
    """How often each ad ended where. A thousand ads stand in every decision, so whole lists are counted at once, never ad by ad."""
    ended: defaultdict[tuple[datetime, bool, str], Counter[int]] = defaultdict(Counter)
    for event in decisions:
        explanation, hour = event.data["explanation"], truncate(event.occurred_at, "hour")
        for reason, ads in explanation["others"].items():
            ended[hour, event.synthetic, reason].update(ads)
        for candidate in explanation["candidates"]:
            ended[hour, event.synthetic, candidate["reason"]][candidate["ad"]] += 1
    flight_of = facts.flights_of(cursor, set().union(*ended.values())) if ended else {}
    for (hour, synthetic, reason), counts in ended.items():
        for ad, times in counts.items():
            yield hour, (flight_of.get(ad, 0), ad, reason, synthetic), (times,)
