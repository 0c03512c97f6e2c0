"""The verdict on an event: on arrival as far as it can be told, and for good when its slot's window has closed."""

from __future__ import annotations

from dataclasses import dataclass

from adplatform.eventlog.envelope import AD_TYPES, Event

from .checks import CHECKS, ORDERED, Check, SlotFacts

_ORDERED = frozenset(ORDERED)
_ON_ARRIVAL: dict[str, tuple[Check, ...]] = {
    kind: tuple(check for check in CHECKS if kind in check.types and not check.corrected) for kind in AD_TYPES
}
_AT_CLOSE: dict[str, tuple[Check, ...]] = {kind: tuple(check for check in CHECKS if kind in check.types and check.waits) for kind in AD_TYPES}


@dataclass(frozen=True, slots=True)
class Verdict:
    """``reason`` is empty when the event counts; ``final`` when nothing that may still arrive can change it."""

    reason: str
    final: bool


def judge(event: Event, facts: SlotFacts) -> Verdict:
    """What is known on arrival. A reason that may pass, and order itself, wait for the closing."""
    if event.invalid:
        return Verdict(event.invalid, final=True)
    for check in _ON_ARRIVAL[event.type]:
        if check.fails(event, facts):
            return Verdict(check.name, final=not check.waits)
    return Verdict("", final=event.type not in _ORDERED)


def judge_for_good(event: Event, facts: SlotFacts) -> str:
    """The reason why an event that only waited does not count, empty when it does; times of event and facts are corrected ones."""
    return next((check.name for check in _AT_CLOSE[event.type] if check.fails(event, facts)), "")
