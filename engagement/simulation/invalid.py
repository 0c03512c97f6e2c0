"""Traffic that should not count, played on purpose: robots, replays and players that lie about what was seen. Pure.

Everything here carries the mark of the synthetic audience. The validity checks do not know this file; they find what it
does by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import msgspec
from numpy.random import Generator

from adplatform.eventlog import agents
from adplatform.eventlog.envelope import Event
from adplatform.eventlog.hashing import daily_hash

from .audience import InvalidTraffic
from .behaviour import Action, Watched

# A robot that names itself, and a browser that is not the one the break was decided for.
CRAWLER_AGENT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
OTHER_AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) IntermissionAudience/1.0 (synthetic, another browser)"
# Playbacks of one burst, one after the other; each clicks on all it is shown, more in a minute than anybody can.
BURST_SESSIONS = 8
BURST_STEP_SECONDS = 2.0
# A beacon that is sent again and again.
REPLAYS, REPLAY_EVERY = 4, timedelta(seconds=20)
REPLAYED = frozenset({"ad.impression", "ad.complete", "ad.click"})
WRONG_CLOCK = timedelta(minutes=10)
# What is watched is watched honestly; only what is sent is not.
HONEST_BEHAVIOUR = frozenset({"", "replay"})
CLICK_EARLY_SECONDS = 2.0
HURRY = 0.05


def draw(rule: InvalidTraffic | None, rng: Generator) -> str:
    """Which kind of invalid traffic the next playback is; empty for an honest one."""
    if rule is None or rng.random() >= rule.share:
        return ""
    kinds = sorted(rule.kinds)
    weights = [rule.kinds[kind] for kind in kinds]
    return str(rng.choice(kinds, p=[weight / sum(weights) for weight in weights]))


def played(kind: str, watched: Watched, *, duration: float) -> Watched:
    """What is reported of one ad instead of what was seen."""
    if kind == "click_first":
        honest = [action for action in watched.actions if action.type != "ad.click"]
        late = [replace(action, at=action.at + CLICK_EARLY_SECONDS) for action in honest]
        return replace(watched, actions=(Action(0.0, "ad.click"), *late), seconds=watched.seconds + CLICK_EARLY_SECONDS)
    if kind == "hurried":
        shares = {"ad.impression": 0.0, "ad.start": 0.0, "ad.first_quartile": 0.25, "ad.midpoint": 0.5, "ad.third_quartile": 0.75, "ad.complete": 1.0}
        actions = tuple(Action(share * HURRY * duration, event) for event, share in shares.items())
        return replace(watched, actions=actions, seconds=HURRY * duration, left=False)
    if kind == "burst":
        return replace(watched, actions=(Action(0.0, "ad.impression"), Action(0.0, "ad.start"), Action(0.05, "ad.click")), seconds=0.1, left=False)
    return watched


def disguised(kind: str, events: Iterable[Event], *, now: datetime) -> Iterator[Event]:
    """The events of one ad as the edge hands them on, when they were sent in this way."""
    for event in events:
        if kind == "crawler":
            yield msgspec.structs.replace(event, invalid=agents.verdict(CRAWLER_AGENT), ua_hash=daily_hash(CRAWLER_AGENT, now=now))
        elif kind == "other_browser":
            yield msgspec.structs.replace(event, ua_hash=daily_hash(OTHER_AGENT, now=now))
        elif kind == "wrong_clock":
            yield msgspec.structs.replace(event, occurred_at=event.occurred_at + WRONG_CLOCK)
        else:
            yield event
        if kind == "replay" and event.type in REPLAYED:
            for again in range(1, REPLAYS):
                yield msgspec.structs.replace(event, received_at=event.received_at + again * REPLAY_EVERY)
