"""Events that could not be stored: facts that no figure counts until they are repaired. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from insights.findings.finding import CRITICAL, WARNING, Action, Finding, Money, many

KIND = "deadletters"
# Each of them is a fact that is missing, so one is enough.
LEAST = 1
GRAVE = 100


@dataclass(frozen=True, slots=True)
class Dead:
    count: int
    first: datetime
    last: datetime
    reason: str
    of_reason: int


def find(dead: Dead | None) -> list[Finding]:
    if dead is None or dead.count < LEAST:
        return []
    return [
        Finding(
            kind=KIND,
            key=KIND,
            subject="Event log",
            words=f"{many(dead.count, 'event')} could not be stored and {'is' if dead.count == 1 else 'are'} in no figure",
            detail=f"Between {dead.first:%d %b %H:%M} and {dead.last:%d %b %H:%M} UTC. {many(dead.of_reason, 'event')} because: {dead.reason}",
            recommend="Repair what stopped them, then send them again; each is counted once, however often it is sent.",
            severity=CRITICAL if dead.count >= GRAVE else WARNING,
            since=dead.first,
            until=dead.last,
            link="/live/insights/",
            rows="adplatform_deadevent",
            money=Money(None, "What they are worth is known once they are stored."),
            action=Action("dead_events_retry", {}),
            evidence={"count": dead.count, "of_reason": dead.of_reason},
        )
    ]
