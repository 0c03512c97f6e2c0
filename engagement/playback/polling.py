"""What a playlist poll does for a session: as long as its socket speaks, nothing; after that the film goes on by the clock."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta

from numpy.random import Generator

from adplatform.eventlog.stream import LogUnavailable

from . import live
from .edits import in_author_order
from .plan import LEAST_LEAD_SECONDS
from .publishing import State, change_plan, ensure_lead

# Heartbeats come every second. Until a few are missed the socket publishes, because the Director decides before it does.
TRUSTED_SILENCE = timedelta(seconds=4)
# About two clips without a word: nobody is left whom the Director could help.
LOST_SILENCE = timedelta(seconds=20)


def polled(state: State, *, now: datetime, rng: Generator | None = None) -> State:
    """Publish what the playhead needs, as far as anybody knows where it is. Raises UnknownSession."""
    if state.plan.ended:
        return state
    known = live.read(state.session)
    if known is None or known.epoch != state.plan.epoch:
        known = _from_the_edge(state, now=now)
    silence = known.silent_for(now)
    if silence > LOST_SILENCE:
        state = change_plan(state.session, in_author_order)
    if silence > TRUSTED_SILENCE:
        return ensure_lead(state.session, known.estimated(now), now=now, rng=rng, state=state)
    if state.plan.published_until - known.estimated(now) > LEAST_LEAD_SECONDS:
        # Its socket publishes once the Director has decided, which may be happening now: a poll must not take the place away.
        return state
    return ensure_lead(state.session, known.t, now=now, rng=rng, state=state)


def _from_the_edge(state: State, *, now: datetime) -> live.Live:
    """Redis lost what it knew of this session: the viewer may be in the last published clip, so publish from there on."""
    edge = state.plan.published[-1].t0 if state.plan.published else 0.0
    begun = live.begun(epoch=state.plan.epoch, t=edge, now=now)
    with contextlib.suppress(LogUnavailable):
        live.keep(state.session, begun)
    return begun
