"""Publishing: the one place where a session's plan grows. Web processes, sockets and polls all call ``publish_next``.

Every change is a compare-and-set on the session's ``plan_version``, so of any number of callers exactly one wins, and the
others go on from what it wrote. A break is decided before the compare-and-set and keyed (session, break): whoever loses
got the same decision, so nothing is reserved twice.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import redis
import structlog
from django.db import connection
from django.db.models import TextField
from django.db.models.functions import Cast
from numpy.random import Generator

from adplatform.eventlog import stream
from adplatform.eventlog.stream import LogUnavailable
from ads import serving
from ads.decision import load as load_rules
from ads.decision.explanation import REASONS
from ads.policy import policy_for
from ads.reservation import release_all_unpublished
from engagement.churn import care
from engagement.models import PlaybackSession

from . import adload, clips, live, why
from .asking import ad_request
from .plan import (
    Break,
    DecideBreak,
    Plan,
    PlannedAd,
    PublishScene,
    fill_break,
    leave_out,
    needs_more,
    next_step,
    publish_scene,
    read,
    seek_over,
    written,
)

log = structlog.get_logger(__name__)
MOST_RACES = 50


class UnknownSession(LookupError):
    """No playback session has this id."""


@dataclass(frozen=True, slots=True)
class State:
    """A session's plan as stored, and its version."""

    session: uuid.UUID
    version: int
    plan: Plan
    won: bool = False


def load(session_id: uuid.UUID) -> State:
    """Raises UnknownSession."""
    row = PlaybackSession.objects.filter(pk=session_id).values_list("plan_version", Cast("plan", TextField())).first()
    if row is None:
        raise UnknownSession(str(session_id))
    return State(session_id, row[0], read(row[1]))


def publish_next(
    session_id: uuid.UUID, *, expected_version: int, now: datetime, rng: Generator | None = None, playhead: float | None = None
) -> State:
    """Publish the next scene, or decide the break that is next, if the plan still has ``expected_version``.

    ``playhead`` (playlist seconds) is where the viewer is, None where a seek leads beyond what is published. Returns the plan
    as it now is; ``won`` is true for the caller whose step it was. Raises UnknownSession.
    """
    state = load(session_id)
    return state if state.version != expected_version else _published(state, now=now, rng=rng, playhead=playhead)


def _published(state: State, *, now: datetime, rng: Generator | None, playhead: float | None) -> State:
    """One step on from ``state``; what somebody else made of the plan where it is not the newest."""
    step = next_step(state.plan)
    if isinstance(step, PublishScene):
        return _store(state, publish_scene(state.plan))
    if isinstance(step, DecideBreak):
        return _store(state, _decided(state, step.due, now=now, rng=rng, playhead=playhead))
    return state


def ensure_lead(session_id: uuid.UUID, playhead: float, *, now: datetime, rng: Generator | None = None, state: State | None = None) -> State:
    """Publish until a whole clip lies ahead of ``playhead`` (playlist seconds). Raises UnknownSession."""
    return _publish_while(state or load(session_id), lambda plan: needs_more(plan, playhead), now=now, rng=rng, playhead=playhead)


def publish_to(session_id: uuid.UUID, scene_id: int, *, now: datetime, rng: Generator | None = None) -> State:
    """Publish up to and including ``scene_id`` for a viewer who seeks there: of the breaks on the way only the last is
    decided. Nothing happens for a scene that is published or not in this film. Raises UnknownSession."""
    state = change_plan(session_id, lambda plan: seek_over(plan, scene_id))
    return _publish_while(state, lambda plan: scene_id in plan.remaining, now=now, rng=rng, playhead=None)


def change_plan(session_id: uuid.UUID, edit: Callable[[Plan], Plan]) -> State:
    """Apply a pure edit to the part of the plan that is still open; repeated on the newer plan when somebody was faster.

    Raises UnknownSession, and whatever ``edit`` raises.
    """
    for _ in range(MOST_RACES):
        state = load(session_id)
        edited = edit(state.plan)
        if edited == state.plan:
            return state
        stored = _store(state, edited)
        if stored.won:
            return stored
    raise RuntimeError(f"the plan of {session_id} changed {MOST_RACES} times under one edit")


def _publish_while(state: State, wanted: Callable[[Plan], bool], *, now: datetime, rng: Generator | None, playhead: float | None) -> State:
    for _ in range(MOST_RACES):
        if not wanted(state.plan):
            return state
        if isinstance(next_step(state.plan), DecideBreak):
            # Once decided a break stays so: an old plan might ask for more than the Director has left of it.
            state = publish_next(state.session, expected_version=state.version, now=now, rng=rng, playhead=playhead)
        else:
            state = _published(state, now=now, rng=rng, playhead=playhead)
    raise RuntimeError(f"the plan of {state.session} did not settle in {MOST_RACES} steps")


def _store(state: State, plan: Plan) -> State:
    with connection.cursor() as cursor:
        # With every clip of every live session: the ORM would take the plan apart, only to have it put together again.
        cursor.execute(
            "UPDATE engagement_playbacksession SET plan = %s::jsonb, plan_version = %s WHERE id = %s AND plan_version = %s",
            [written(plan), state.version + 1, state.session, state.version],
        )
        won = cursor.rowcount == 1
    return State(state.session, state.version + 1, plan, won=True) if won else load(state.session)


def _decided(state: State, due: Break, *, now: datetime, rng: Generator | None, playhead: float | None) -> Plan:
    """The plan with this break filled, or left out with the reason. A film never waits for an ad."""
    session = PlaybackSession.objects.select_related("viewer", "title").get(pk=state.session)
    known, viewer = live.read(state.session), adload.shared(session)
    met = adload.history(
        state.plan,
        film_seconds=known.film if known is not None else 0.0,
        shown=known.shown if known is not None else {},
        playhead=playhead,
        elsewhere=adload.elsewhere(viewer, state.session, now=now),
        now=now,
    )
    around = known.around if known is not None else live.Around()
    plan, served = decide_break(session, state.plan, due, met=met, around=around, now=now, rng=rng)
    if served is not None:
        why.keep(served)
    decided = next(one for one in plan.breaks if one.id == due.id)
    adload.note(viewer, state.session, decided, at=decided.at)
    return plan


def decide_break(
    session: PlaybackSession, plan: Plan, due: Break, *, met: load_rules.History, around: live.Around, now: datetime, rng: Generator | None
) -> tuple[Plan, serving.ServedBreak | None]:
    """The plan with this break decided: left out or shortened where the title's ad policy or care for the viewer says so, else as the ad
    server fills it."""
    policy = policy_for(session.title_id)
    allowed = load_rules.allowance(policy, met, plan.position_of(due), now=now.timestamp())
    allowed = care.lightened(session, allowed, now=now)
    if not allowed.seconds:
        return leave_out(plan, due, code=allowed.reason, reason=REASONS[allowed.reason]), None
    if due.most_seconds is not None and due.most_seconds < allowed.seconds:
        allowed = load_rules.Allowance(due.most_seconds, allowed.ads, "director_shortened")
    request = ad_request(session, plan, due, policy=policy, allowed=allowed, around=around, now=now)
    try:
        served = serving.serve_break(request, now=now, rng=rng)
    except LogUnavailable as problem:
        log.warning("break_left_out", session=str(session.pk), break_id=due.id, problem=str(problem))
        return fill_break(plan, due, (), decision=None, reason="the ad server could not be reached"), None
    ads = playable(served, target_duration=plan.target_duration)
    give_back({served.decision: [ad.slot for ad in served.ads if ad.slot not in {one.slot for one in ads}]}, now=now)
    code = allowed.reason if ads else (served.explanation.get("unfilled") or {}).get("reason", "no_candidate")
    return fill_break(plan, due, ads, decision=served.decision, reason=REASONS.get(code, ""), code=code, at=now.timestamp()), served


def playable(served: serving.ServedBreak, *, target_duration: int) -> list[PlannedAd]:
    """The served ads whose clips exist and fit the playlist, numbered as the viewer will count them."""
    packaged = [(ad, clips.of_ad(ad.asset)) for ad in served.ads]
    fitting = [(ad, clip) for ad, clip in packaged if clip is not None and clip.longest() < target_duration + 0.5]
    return [
        PlannedAd(
            decision=served.decision, slot=ad.slot, ad=ad.ad, name=ad.name, flight=ad.flight, campaign=ad.campaign, campaign_name=ad.campaign_name,
            advertiser_name=ad.advertiser_name, n=n, of=len(fitting), skip_after=ad.skip_after, click=ad.click_through, token=ad.token,
            price_micros=ad.price_micros, pctr=ad.pctr, clip=clip, headline=ad.headline,
        )
        for n, (ad, clip) in enumerate(fitting, start=1)
    ]  # fmt: skip


def give_back(slots: Mapping[uuid.UUID, Sequence[int]], *, now: datetime) -> None:
    """Release the holds of ads that nobody will see, by decision. Without Redis they expire by themselves."""
    with contextlib.suppress(redis.exceptions.RedisError):
        for decision, unseen in slots.items():
            release_all_unpublished(stream.client(), decision, unseen, now=now)
