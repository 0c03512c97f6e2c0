"""Randomised slots of the log with everybody who could have won them, and what came of who did.

One slot of a pod is drawn, and in a known share of the breaks a uniform draw from its lot fills it (`ads.decision.exploration`). The
chances hold given who was eligible. What is compared is the rule that decides with the scores of one model or of another. A slot
whose reservation gave an alternate is left out, for chance had no part in that; so is an ad that was not seen, which depends on
what plays before it and not on which ad it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import numpy as np

from adplatform.learning.choices import Choices, together

from .contests import Stored
from .dataset import DECISIONS, EVENTS, labels
from .features import SCHEMA

if TYPE_CHECKING:
    from adplatform.eventlog.days import Day

# What each kind predicts, and what the other one's prediction is then taken from as it was served.
KINDS = {"click": ("clicked", "completed", "pvcr"), "completion": ("completed", "clicked", "pctr")}


class _State(msgspec.Struct):
    contest: Stored | None = None


class _Slot(msgspec.Struct):
    slot: int
    ad: int
    features: dict[str, Any]
    randomised: bool = False
    propensity: float = 1.0


class _Made(NamedTuple):
    """One choice: its place in the lot, what it was rewarded with, and the lot."""

    session: bytes
    slot: _Slot
    contest: Stored
    clicked: float
    completed: float


_state, _slots = msgspec.json.Decoder(_State), msgspec.json.Decoder(list[_Slot])


def of_clicks(since: datetime, as_of: datetime) -> Choices | None:
    """Choices decided from ``since`` on whose click window had closed at ``as_of``; None without any. Raises MissingDay."""
    return _load("click", since, as_of)


def of_completions(since: datetime, as_of: datetime) -> Choices | None:
    return _load("completion", since, as_of)


def _load(outcome: str, since: datetime, as_of: datetime) -> Choices | None:
    # Arrow costs every process that holds it tens of megabytes, and web processes read no rows.
    from adplatform.eventlog.days import days_between, find_days

    days = days_between(since.astimezone(UTC).date(), as_of.astimezone(UTC).date())
    parts = [
        part
        for decisions, events in zip(find_days(DECISIONS, days), find_days(EVENTS, days), strict=True)
        for part in _of_day(decisions, events, outcome, since, as_of)
    ]
    return together(parts) if parts else None


def _of_day(decisions: Day, events: Day, outcome: str, since: datetime, as_of: datetime) -> Iterator[Choices]:
    from adplatform.eventlog.days import read

    from . import rows

    label = labels()
    bounds = rows.Bounds(since=since, as_of=as_of)
    happened = list(read(events, rows.EVENT_COLUMNS, only={"type": [rows.IMPRESSION, rows.VIEWABLE, rows.CLICK, rows.COMPLETE]}))
    clicks, completions = (dict(_outcomes(rows.select(happened, bounds, label[name]))) for name in ("click", "completion"))
    if not clicks:
        return
    for batch in read(decisions, ("id", "decided_at", "session", "state", "slots")):
        inside = rows.decided_within(batch, since, bounds.mature(label[outcome]))
        ids, sessions = rows.uuids(batch.column("id")), rows.uuids(batch.column("session"))
        made = []
        for place in inside.tolist():
            contest = _state.decode(batch.column("state")[place].as_py()).contest
            slot = None if contest is None else _contested(_slots.decode(batch.column("slots")[place].as_py()), contest)
            if contest is None or slot is None:
                continue
            key = (bytes(ids[place]), slot.slot)
            if key in clicks and key in completions:
                made.append(_Made(bytes(sessions[place]), slot, contest, clicks[key], completions[key]))
        if made:
            yield _choices(made, outcome)


def _contested(slots: list[_Slot], contest: Stored) -> _Slot | None:
    """The slot that was drawn for, where the draw stood and its features are those of today."""
    for slot in slots:
        if slot.slot == contest.slot and slot.randomised and slot.ad in contest.ads and slot.features.get("schema") == SCHEMA.fingerprint():
            return slot
    return None


def _outcomes(seen: Any) -> Iterator[tuple[tuple[bytes, int], float]]:
    """((decision, slot), label) of each impression that is a row."""
    for key, label in zip(seen.keys, seen.labels.tolist(), strict=True):
        whole = bytes(key).ljust(18, b"\0")
        yield (whole[:16].rstrip(b"\0"), int.from_bytes(whole[16:], "big")), label


def _choices(made: list[_Made], outcome: str) -> Choices:
    asked, other, served = KINDS[outcome]
    size = np.array([len(one.contest.ads) for one in made])
    starts = np.cumsum(size) - size
    place = np.array([one.contest.ads.index(one.slot.ad) for one in made])

    def of(name: str) -> Any:
        return np.concatenate([one.contest.of(name) for one in made])

    chosen, factor = starts + place, of("factor")
    happened = {"clicked": np.array([one.clicked for one in made]), "completed": np.array([one.completed for one in made])}
    # At the bids of that moment, without what the ranking multiplied them by: what was charged depends on the runner-up, and an
    # explored ad pays the reserve.
    worth = (of("shown")[chosen] + sum(of(name)[chosen] * came for name, came in happened.items())) / np.maximum(factor[chosen], 1e-9)
    return Choices(
        reward=happened[asked],
        worth=worth,
        propensity=np.array([one.slot.propensity for one in made]),
        exploring=np.array([one.contest.exploring for one in made]),
        chosen=chosen,
        session=np.array([one.session for one in made]),
        choice=np.repeat(np.arange(len(made)), size),
        features=np.vstack([one.contest.rows(np.array(SCHEMA.unpack(one.slot.features), dtype=np.float32)) for one in made]),
        level=np.array([level for one in made for level in one.contest.level], dtype=np.int64),
        fixed=of("shown") + of(other) * of(served),
        slope=of(asked),
    )
