"""Opening a playback session: a new one, or one that goes on where the viewer left it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q
from numpy.random import Generator

from adplatform.eventlog import ids, stream, tokens
from adplatform.eventlog.envelope import Event
from adplatform.experiments import assignment
from adplatform.experiments.selectors import measured, running_experiments
from ads.policy import policy_for
from catalog.selectors import WatchableTitle
from engagement.churn import care
from engagement.models import PlaybackSession, Viewer

from . import clips, live
from .live import Around
from .plan import (
    Plan,
    PublishScene,
    first_plan,
    from_json,
    index_at,
    next_epoch,
    next_step,
    position_at,
    publish_scene,
    resume_time,
    time_of_position,
)
from .publishing import State, change_plan, ensure_lead, give_back

REOPEN_WITHIN = timedelta(hours=24)
IDLE_BEFORE_NEW_EPOCH = timedelta(minutes=15)
# A session heard of this recently is being watched: whoever opens the title elsewhere gets a session of their own.
STILL_WATCHED = timedelta(seconds=60)
TOKEN_LIFETIME = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Opened:
    """``resume_at`` is in playlist seconds of the session's current epoch."""

    session: PlaybackSession
    state: State
    token: str
    resume_at: float
    reopened: bool


def session_open(
    *,
    title: WatchableTitle,
    viewer: Viewer | None,
    tab: str,
    device: str,
    hour: int,
    around: Around | None = None,
    restart: bool = False,
    came_from: uuid.UUID | None = None,
    now: datetime,
    rng: Generator | None = None,
    synthetic: bool = False,
) -> Opened:
    """Reopen what this viewer left within a day, else begin a session at the viewer's last position in the film.

    ``around`` is what the browser says of who watches; without it the session keeps what it knew. ``restart`` always begins a
    new session at the opener. ``came_from`` is the Director's decision that suggested the title, as the player says, and kept of new
    sessions alone: whoever counts it must see whether that decision suggested this title to this viewer. A synthetic viewer's
    session is synthetic. Raises LogUnavailable.
    """
    synthetic = synthetic or bool(viewer and viewer.synthetic)
    with transaction.atomic():
        _one_at_a_time(viewer, title, tab)
        left = None if restart else _left_session(viewer, title, tab=tab, now=now)
        begun = None
        if left is None or now - _heard_at(left) > REOPEN_WITHIN:
            earlier = None if restart else _earlier_position(viewer, title)
            begun = _begin(title, viewer, earlier, tab=tab, device=device, hour=hour, came_from=came_from, now=now, synthetic=synthetic)
    if begun is None:
        assert left is not None  # noqa: S101
        return _reopen(left, tab=tab, around=around, now=now, rng=rng)
    session, plan, resume_at = begun
    return _ready(session, State(session.pk, 0, plan), resume_at, around=around, now=now, rng=rng, reopened=False)


def _one_at_a_time(viewer: Viewer | None, title: WatchableTitle, tab: str) -> None:
    """Held to the end of the transaction: of two requests of one tab at once, the second goes on with the session of the first."""
    if viewer is not None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"playback:{viewer.pk}:{title.id}:{tab}"])


def _begin(
    title: WatchableTitle,
    viewer: Viewer | None,
    earlier: tuple[int, float] | None,
    *,
    tab: str,
    device: str,
    hour: int,
    came_from: uuid.UUID | None,
    now: datetime,
    synthetic: bool,
) -> tuple[PlaybackSession, Plan, float]:
    """A stored new session, at the opener or at the position of an earlier one."""
    session, plan = _new_session(title, viewer, tab=tab, device=device, hour=hour, now=now, synthetic=synthetic)
    session.came_from = came_from
    resume_at = 0.0
    if earlier is not None:
        plan, resume_at = next_epoch(plan, scene_id=earlier[0], offset=earlier[1], seen_until=0)
        session.resume_scene, session.resume_offset = earlier  # kept also when nothing is played this time
    elif isinstance(next_step(plan), PublishScene):
        plan = publish_scene(plan)
    session.plan, session.epoch = plan.as_json(), plan.epoch
    session.save(force_insert=True)
    stream.append([_began(session, title, now=now), *exposures(session, now=now)])
    return session, plan, resume_at


def _new_session(
    title: WatchableTitle, viewer: Viewer | None, *, tab: str, device: str, hour: int, now: datetime, synthetic: bool
) -> tuple[PlaybackSession, Plan]:
    session_id, consent = ids.new_id(now), bool(viewer and viewer.ads_consent)
    policy = policy_for(title.id)
    plan = first_plan(clips.film_of(title), change_budget=title.change_budget, pre_roll=policy.pre_roll, post_roll=policy.post_roll)
    session = PlaybackSession(
        id=session_id,
        viewer=viewer,
        title_id=title.id,
        device=device,
        hour=hour,
        tab=tab,
        consent=consent,
        arms=assignment.arms_of(running_experiments(), assignment.unit_of(viewer=viewer.pk if viewer else None, session=session_id, consent=consent)),
        started_at=now,
        last_seen_at=now,
        synthetic=synthetic,
    )
    return session, plan


def exposures(session: PlaybackSession, *, now: datetime) -> list[Event]:
    """An arm takes effect when the session begins: every one changes what is published or shown. One that was rolled out is no exposure,
    and care is a question only for viewers who were ever at risk."""
    unit = assignment.unit_of(viewer=session.viewer_id, session=session.pk, consent=session.consent)
    return [
        assignment.exposure(experiment=key, arm=arm, session=session.pk, unit=unit, now=now, synthetic=session.synthetic)
        for key, arm in measured(session.arms).items()
        if key != care.EXPERIMENT or (session.consent and care.was_at_risk(session.viewer_id, now=now))
    ]


def _began(session: PlaybackSession, title: WatchableTitle, *, now: datetime) -> Event:
    data = {"device": session.device, "hour": session.hour, "consent": session.consent, "genres": list(title.genres), "arms": session.arms}
    return Event(
        id=ids.derived_id(session.pk, "playback.session"),
        type="playback.session",
        occurred_at=now,
        received_at=now,
        session=session.pk,
        viewer=session.viewer_id,
        title=title.id,
        synthetic=session.synthetic,
        data=data,
    )


def _left_session(viewer: Viewer | None, title: WatchableTitle, *, tab: str, now: datetime) -> PlaybackSession | None:
    """The session this tab goes on with: its own, or one that nobody is watching any more."""
    if viewer is None:
        return None
    unfinished = PlaybackSession.objects.filter(viewer=viewer, title_id=title.id, ended_at=None, synthetic=False)
    mine = unfinished.filter(tab=tab).first() if tab else None
    return mine or unfinished.filter(~Q(tab=tab) | Q(tab=""), last_seen_at__lt=now - STILL_WATCHED).order_by("-last_seen_at").first()


def _heard_at(session: PlaybackSession) -> datetime:
    kept = live.read(session.pk)
    if kept is None or kept.heard_at <= session.last_seen_at.timestamp():
        return session.last_seen_at
    return datetime.fromtimestamp(kept.heard_at, tz=session.last_seen_at.tzinfo)


def _earlier_position(viewer: Viewer | None, title: WatchableTitle) -> tuple[int, float] | None:
    if viewer is None:
        return None
    found = PlaybackSession.objects.filter(viewer=viewer, title_id=title.id).defer("plan").order_by("-last_seen_at").first()
    if found is None or found.ended_at is not None or found.resume_scene is None:
        return None
    return found.resume_scene, found.resume_offset


def _reopen(session: PlaybackSession, *, tab: str, around: Around | None, now: datetime, rng: Generator | None) -> Opened:
    kept = live.read(session.pk)
    unseen: dict[uuid.UUID, list[int]] = {}
    with transaction.atomic():
        # Opened several times at once, the first makes the new playlist; the others wait here, and meet a session just seen.
        session = PlaybackSession.objects.select_for_update().get(pk=session.pk)
        plan = from_json(session.plan)
        scene_id, offset = left_at(session, plan, kept)
        state = State(session.pk, session.plan_version, plan)
        if now - _heard_at(session) > IDLE_BEFORE_NEW_EPOCH:
            seen_until = kept.furthest if kept is not None and kept.epoch == plan.epoch else time_of_position(plan, scene_id, offset) or 0.0
            state = change_plan(session.pk, lambda latest: next_epoch(latest, scene_id=scene_id, offset=offset, seen_until=seen_until)[0])
            unseen = unseen_ads(plan, state.plan)
        PlaybackSession.objects.filter(pk=session.pk).update(tab=tab, last_seen_at=now, epoch=state.plan.epoch)
    if unseen:
        give_back(unseen, now=now)
    return _ready(session, state, _goes_on_at(state.plan, kept, (scene_id, offset)), around=around, now=now, rng=rng, reopened=True)


def _goes_on_at(plan: Plan, kept: live.Live | None, left: tuple[int, float]) -> float:
    """The playlist second of where the viewer left; in an ad, the beginning of that one: those before it in its break were seen."""
    if kept is not None and kept.epoch == plan.epoch and plan.published and left == position_at(plan, kept.t):
        item = plan.published[index_at(plan, kept.t)]
        if item.ad is not None:
            return item.t0
    return resume_time(plan, *left) or 0.0


def unseen_ads(before: Plan, after: Plan) -> dict[uuid.UUID, list[int]]:
    """Slots by decision of the ads that the old epoch published and the new one will decide anew."""
    kept = {one.id for one in after.breaks if one.state == "seen"}
    unseen: dict[uuid.UUID, list[int]] = {}
    for item in before.published:
        if item.ad is not None and item.break_id not in kept:
            unseen.setdefault(item.ad.decision, []).append(item.ad.slot)
    return unseen


def left_at(session: PlaybackSession, plan: Plan, kept: live.Live | None) -> tuple[int, float]:
    """(scene, offset) where the viewer left: the socket's last word, or the stored resume point where that is newer."""
    stored = (session.resume_scene, session.resume_offset)
    by_socket = kept is not None and kept.epoch == plan.epoch and kept.at + 5 >= session.last_seen_at.timestamp()
    if stored[0] is not None and not by_socket:
        return stored[0], stored[1]
    found = position_at(plan, kept.t) if kept is not None else None
    return found or (plan.film[0].id, 0.0)


def _ready(
    session: PlaybackSession, state: State, resume_at: float, *, around: Around | None, now: datetime, rng: Generator | None, reopened: bool
) -> Opened:
    """What is known of who watches is kept before anything is published: the first break is asked for with it."""
    kept = live.read(session.pk)
    if kept is None or kept.epoch != state.plan.epoch:
        kept = live.carried(kept, epoch=state.plan.epoch, t=resume_at, now=now)
    kept.t, kept.at, kept.heard_at, kept.playing = resume_at, now.timestamp(), now.timestamp(), True
    kept.around = around or kept.around
    live.keep(session.pk, kept)
    state = ensure_lead(session.pk, resume_at, now=now, rng=rng, state=state)
    return Opened(session, state, token_of(session, now=now), resume_at, reopened)


def token_of(session: PlaybackSession, *, now: datetime) -> str:
    return tokens.sign(
        tokens.SessionToken(
            session=session.pk,
            viewer=session.viewer_id,
            title=session.title_id,
            expires=int((now + TOKEN_LIFETIME).timestamp()),
            synthetic=session.synthetic,
        )
    )
