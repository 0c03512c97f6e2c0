"""What the ad load rules need to know when a break is due: film watched, breaks so far, ads of the last hour.

The session's own part follows from its plan and its live state. What a consenting viewer met in other playbacks is kept in
Redis for the hour that counts; without Redis only this playback is known.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import redis

from adplatform.eventlog import stream
from ads.decision.load import HOUR_SECONDS, History
from engagement.models import PlaybackSession

from .plan import TOOK_PLACE, Break, Plan, film_between

# Memory only: nothing reads this as an expiry.
KEPT_SECONDS = 2 * round(HOUR_SECONDS)


def history(
    plan: Plan,
    *,
    film_seconds: float,
    shown: Mapping[str, float],
    playhead: float | None,
    elsewhere: Sequence[tuple[float, float]],
    now: datetime,
) -> History:
    """What has happened when the break after everything published is due. Pure.

    ``film_seconds`` were watched in this playback, ``shown`` says when a break was last on screen, ``playhead`` is in playlist
    seconds and None for a viewer who seeks beyond what is published. ``elsewhere`` are ads of other playbacks.
    """
    earlier = [one for one in plan.breaks if one.state in TOOK_PLACE]
    ahead = film_between(plan, playhead, plan.published_until) if playhead is not None else 0.0
    here = plan.film_until(len(plan.played))
    return History(
        film_seconds=film_seconds + ahead,
        film_since_break=here - max(plan.film_until(one.after) for one in earlier) if earlier else None,
        breaks=len(earlier),
        ads=(*((_met_at(plan, one, shown, playhead, now), one.seconds) for one in earlier), *elsewhere),
    )


def _met_at(plan: Plan, one: Break, shown: Mapping[str, float], playhead: float | None, now: datetime) -> float:
    """When the viewer met a break, at the latest: a paused player meets it long after it was decided."""
    ends = max((item.t1 for item in plan.published if item.break_id == one.id), default=0.0)
    if playhead is not None and ends > playhead:
        return now.timestamp()
    return max(one.at, shown.get(one.id, 0.0))


# Across playbacks, with consent


def shared(session: PlaybackSession) -> uuid.UUID | None:
    """The viewer whose playbacks may be counted together; None without consent, or once it was withdrawn."""
    return session.viewer_id if session.consent and session.viewer and session.viewer.ads_consent else None


def elsewhere(viewer: uuid.UUID | None, session: uuid.UUID, *, now: datetime) -> tuple[tuple[float, float], ...]:
    """(Unix time, seconds) of the last hour's breaks in this viewer's other playbacks."""
    if viewer is None:
        return ()
    try:
        entries: Any = stream.client().zrangebyscore(_key(viewer), f"({now.timestamp() - HOUR_SECONDS:.3f}", "+inf", withscores=True)
    except redis.exceptions.RedisError:
        return ()
    split = [(*member.decode().split("|"), at) for member, at in entries]
    return tuple((at, float(seconds)) for of, _, seconds, at in split if of != str(session))


def note(viewer: uuid.UUID | None, session: uuid.UUID, one: Break, *, at: float) -> None:
    """Remember, or move to a later moment, that this break is met ``at`` (Unix seconds)."""
    if viewer is None or not one.seconds:
        return
    with contextlib.suppress(redis.exceptions.RedisError), stream.client().pipeline(transaction=False) as pipeline:
        pipeline.zadd(_key(viewer), {f"{session}|{one.id}|{one.seconds:.3f}": round(at, 3)}, gt=True)
        pipeline.zremrangebyscore(_key(viewer), "-inf", f"{at - HOUR_SECONDS:.3f}")
        pipeline.expire(_key(viewer), KEPT_SECONDS)
        pipeline.execute()


def _key(viewer: uuid.UUID) -> str:
    return f"load:v:{viewer}"
