"""The plan of one playback session: what is published and can never change, what is still open, and where the breaks are.

Pure. A plan is a frozen value that is stored as JSON; every change returns another plan. Times are seconds on the
session's own playlist, in which ads take their place; a position is (scene, seconds into the full scene) and survives
every change of order, cut and ads.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import msgspec

from ads.placement import break_id, places, position
from catalog import hls, story
from catalog.hls import Cut

from .perfilm import PerFilm

BreakState = Literal["open", "filled", "empty", "left_out", "seeked_over", "seen"]
BreakPosition = Literal["pre", "mid", "post"]
# States of a break in which ads were shown, or will be.
TOOK_PLACE = ("filled", "seen")

# Stands in the bar for a break that is not decided yet.
FORESEEN_BREAK_SECONDS = 20.0
# With less than this ahead of the playhead hls.js can run into the edge of an EVENT playlist and then jumps back.
LEAST_LEAD_CLIPS = 1
LEAST_LEAD_SECONDS = 6.0


@dataclass(frozen=True, slots=True)
class Clip:
    """A packaged clip as it was when it joined the plan: later rebuilding of media cannot change a served playlist."""

    asset: int
    key: str
    init_uri: str
    segments: tuple[tuple[str, float, bool], ...]
    captions: str = ""

    def packaged(self) -> hls.Clip:
        return hls.Clip(self.key, self.init_uri, self.segments)

    def duration(self, cut: Cut = "full") -> float:
        return self.packaged().duration(cut)

    def longest(self) -> float:
        return max(seconds for _, seconds, _ in self.segments)


@dataclass(frozen=True, slots=True)
class PlannedScene:
    """A scene as the author had it when the session began; ``requires`` are ids of scenes that must come before."""

    id: int
    position: int
    name: str
    mood: str
    intensity: float
    clip: Clip
    requires: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    optional: bool = False
    break_after: bool = False


@dataclass(frozen=True, slots=True)
class PlannedAd:
    """One reserved ad of a break, ``n`` of ``of``; ``price_micros`` is what its chargeable event costs."""

    decision: uuid.UUID
    slot: int
    ad: int
    name: str
    flight: int
    campaign: int
    campaign_name: str
    advertiser_name: str
    n: int
    of: int
    skip_after: float | None
    click: str
    token: str
    price_micros: int
    pctr: float
    clip: Clip
    headline: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One published clip on [t0, t1): a scene, or an ad with ``scene`` 0."""

    t0: float
    t1: float
    scene: int = 0
    cut: Cut = "full"
    reason: str = ""
    ad: PlannedAd | None = None
    break_id: str = ""
    change: Change = ""


@dataclass(frozen=True, slots=True)
class Break:
    """A break after so many places of the film: 0 is the pre-roll, all of them the post-roll.

    ``reason`` says in words why it was left out, moved or made shorter, ``code`` is the ad policy's code for it. ``at`` (Unix
    seconds) is when it was decided, ``seconds`` how long its ads are. The Director may let it have ``most_seconds`` and may have
    ``moved`` it by so many places.
    """

    id: str
    after: int
    state: BreakState = "open"
    decision: uuid.UUID | None = None
    reason: str = ""
    code: str = ""
    at: float = 0.0
    seconds: float = 0.0
    most_seconds: float | None = None
    moved: int = 0


Change = Literal["", "tighten", "bring_forward", "move_back", "linger"]


@dataclass(frozen=True, slots=True)
class Note:
    """What the Director did with a scene, and why, in words."""

    scene: int
    reason: str
    change: Change = "bring_forward"


@dataclass(frozen=True, slots=True)
class Plan:
    """``film`` is in the author's order; ``remaining`` holds the ids of the scenes not yet published, in playing order.

    ``optional`` are the ids of optional scenes that do not play as things stand, ``tight`` those of scenes that play their tight
    cut. ``changed_after`` counts the scenes that were published when the Director last changed something; ``decision`` is that
    decision's log event, as JSON, so that whoever finds it here can log it again. A viewer who asked for the film ``as_edited``
    gets no more changes.
    """

    film: tuple[PlannedScene, ...]
    remaining: tuple[int, ...]
    breaks: tuple[Break, ...]
    target_duration: int
    published: tuple[Item, ...] = ()
    epoch: int = 0
    change_budget: int = 0
    changes: int = 0
    changed_after: int | None = None
    notes: tuple[Note, ...] = ()
    ended: bool = False
    optional: tuple[int, ...] = ()
    tight: tuple[int, ...] = ()
    as_edited: bool = False
    decision: str = ""

    def scene(self, scene_id: int) -> PlannedScene:
        """Raises KeyError for a scene that is not in this film."""
        return _scenes(self.film)[scene_id]

    def clip(self, item: Item) -> Clip:
        return item.ad.clip if item.ad else self.scene(item.scene).clip

    @property
    def published_until(self) -> float:
        return self.published[-1].t1 if self.published else 0.0

    @property
    def played(self) -> tuple[int, ...]:
        """Ids of the published scenes in playing order."""
        return tuple(item.scene for item in self.published if item.scene)

    @property
    def ads_seen(self) -> tuple[tuple[int, int, int], ...]:
        return tuple((item.ad.ad, item.ad.flight, item.ad.campaign) for item in self.published if item.ad)

    @property
    def places(self) -> int:
        """How many scenes the film has as it stands."""
        return len(self.played) + len(self.remaining)

    def position_of(self, one: Break) -> BreakPosition:
        return position(one.after, self.places)

    def cut_of(self, scene_id: int) -> Cut:
        return "tight" if scene_id in self.tight else "full"

    def note_of(self, scene_id: int) -> Note | None:
        """The last thing the Director did with a scene."""
        return next((note for note in reversed(self.notes) if note.scene == scene_id), None)

    def film_until(self, place: int) -> float:
        """Seconds of film before a place, in playing order and as cut."""
        shown = [item.t1 - item.t0 for item in self.published if item.scene]
        coming = [self.scene(scene).clip.duration(self.cut_of(scene)) for scene in self.remaining]
        return sum((*shown, *coming)[:place])

    def story_scenes(self) -> list[story.StoryScene]:
        return _story(self.film)

    def may_play(self, order: Sequence[int]) -> bool:
        """Whether the story allows this order of what is open, after what is published."""
        return _orders(self.film).allow((*self.played, *order))

    def as_json(self) -> dict[str, Any]:
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built


_story = PerFilm(lambda film: [story.StoryScene(one.id, one.position, one.name, frozenset(one.requires), one.optional) for one in film])
_orders = PerFilm(lambda film: story.orders_of(_story(film)))
_scenes = PerFilm(lambda film: {scene.id: scene for scene in film})


def from_json(stored: dict[str, Any]) -> Plan:
    """The plan inside a stored JSON object. Raises msgspec.ValidationError when it is none."""
    return msgspec.convert(stored, Plan)


def read(stored: str) -> Plan:
    """As `from_json`, of the text of that object. Raises msgspec.ValidationError."""
    return _decoder.decode(stored)


def written(plan: Plan) -> str:
    """The text of `Plan.as_json`."""
    return _encoder.encode(plan).decode()


_decoder, _encoder = msgspec.json.Decoder(Plan), msgspec.json.Encoder()


# Steps


@dataclass(frozen=True, slots=True)
class PublishScene:
    scene: int


@dataclass(frozen=True, slots=True)
class DecideBreak:
    due: Break


Step = PublishScene | DecideBreak | None


def first_plan(film: Sequence[PlannedScene], *, change_budget: int, pre_roll: bool = False, post_roll: bool = False) -> Plan:
    """The author's order with nothing published: every scene but the optional ones, which play where the Director lingers.

    Raises ValueError for a film without scenes or with a scene without media.
    """
    ordered = tuple(sorted(film, key=lambda scene: scene.position))
    if not ordered or any(not scene.clip.segments for scene in ordered):
        raise ValueError("a film needs scenes, and every scene its packaged clip")
    longest = max(scene.clip.longest() for scene in ordered)
    return Plan(
        film=ordered,
        remaining=tuple(scene.id for scene in ordered if not scene.optional),
        optional=tuple(scene.id for scene in ordered if scene.optional),
        breaks=tuple(Break(id=break_id(place), after=place) for place in places(ordered, pre_roll=pre_roll, post_roll=post_roll)),
        target_duration=max(hls.TARGET_DURATION, math.ceil(longest)),
        change_budget=change_budget,
    )


def next_step(plan: Plan) -> Step:
    """What ``publish_next`` has to do; None when the film is published to its end."""
    if plan.ended:
        return None
    places = len(plan.played)
    for candidate in plan.breaks:
        if candidate.state == "open" and candidate.after <= places:
            return DecideBreak(candidate)
    return PublishScene(plan.remaining[0])


def _over(remaining: Sequence[int], breaks: Iterable[Break]) -> bool:
    """Whether nothing is left to publish; a post-roll comes after the last scene."""
    return not remaining and all(one.state != "open" for one in breaks)


def publish_scene(plan: Plan) -> Plan:
    """Append the next scene; the last one ends the film, unless a post-roll is due."""
    scene = plan.scene(plan.remaining[0])
    note, cut, start = plan.note_of(scene.id), plan.cut_of(scene.id), plan.published_until
    item = Item(
        t0=start, t1=start + scene.clip.duration(cut), scene=scene.id, cut=cut, reason=note.reason if note else "", change=note.change if note else ""
    )
    remaining = plan.remaining[1:]
    return replace(plan, published=(*plan.published, item), remaining=remaining, ended=_over(remaining, plan.breaks))


def fill_break(
    plan: Plan, due: Break, ads: Sequence[PlannedAd], *, decision: uuid.UUID | None, reason: str = "", code: str = "", at: float = 0.0
) -> Plan:
    """Append the ads of a break decided ``at`` (Unix seconds); a break without ads stays empty and keeps the reason. Why the Director
    moved it or made it shorter is kept where nothing more is said."""
    items: list[Item] = []
    start = plan.published_until
    for ad in ads:
        items.append(Item(t0=start, t1=start + ad.clip.duration(), ad=ad, break_id=due.id))
        start = items[-1].t1
    seconds = start - plan.published_until
    settled = replace(due, state="filled" if items else "empty", decision=decision, reason=reason or due.reason, code=code, at=at, seconds=seconds)
    breaks = _with_break(plan.breaks, settled)
    return replace(plan, published=(*plan.published, *items), breaks=breaks, ended=_over(plan.remaining, breaks))


def leave_out(plan: Plan, due: Break, *, code: str, reason: str) -> Plan:
    """The break does not take place: the title's ad policy says so."""
    breaks = _with_break(plan.breaks, replace(due, state="left_out", code=code, reason=reason))
    return replace(plan, breaks=breaks, ended=_over(plan.remaining, breaks))


def _with_break(breaks: Iterable[Break], changed: Break) -> tuple[Break, ...]:
    return tuple(changed if one.id == changed.id else one for one in breaks)


# Where the playhead is


def index_at(plan: Plan, t: float) -> int:
    """Index of the item on screen at ``t``; the last one beyond the published end, -1 when nothing is published."""
    for index, item in enumerate(plan.published):
        if t < item.t1:
            return index
    return len(plan.published) - 1


def film_between(plan: Plan, a: float, b: float) -> float:
    """Seconds of film, ads left out, on [a, b) of the playlist."""
    return sum(max(0.0, min(b, item.t1) - max(a, item.t0)) for item in plan.published if item.scene)


def needs_more(plan: Plan, t: float) -> bool:
    """Whether something must be published now so that a whole clip stays ahead of the playhead at ``t``."""
    if plan.ended:
        return False
    ahead = len(plan.published) - 1 - index_at(plan, t)
    return ahead < LEAST_LEAD_CLIPS or plan.published_until - t < LEAST_LEAD_SECONDS


def time_of_position(plan: Plan, scene_id: int, offset: float) -> float | None:
    """Playlist seconds of a position; None while its scene is not published. ``offset`` counts in the full scene."""
    for item in reversed(plan.published):
        if item.scene == scene_id:
            return item.t0 + _played_offset(plan.scene(scene_id).clip, item.cut, offset)
    return None


def position_at(plan: Plan, t: float) -> tuple[int, float] | None:
    """(scene, seconds into the full scene) at playlist time ``t``; during an ad, the end of the scene before it. None when no
    scene is published. The player counts the same way."""
    scenes = [item for item in plan.published if item.scene]
    item = next((one for one in reversed(scenes) if one.t0 <= t), scenes[0] if scenes else None)
    if item is None:
        return None
    return item.scene, _full_offset(plan.scene(item.scene).clip, item.cut, min(max(0.0, t - item.t0), item.t1 - item.t0))


def _played_offset(clip: Clip, cut: Cut, offset: float) -> float:
    shown = passed = 0.0
    for _, seconds, kept in clip.segments:
        inside = min(max(offset - passed, 0.0), seconds)
        shown += inside if kept or cut == "full" else 0.0
        passed += seconds
    return shown


def _full_offset(clip: Clip, cut: Cut, played: float) -> float:
    full = left = 0.0
    left = played
    for _, seconds, kept in clip.segments:
        if kept or cut == "full":
            if left < seconds:
                return full + left
            left -= seconds
        full += seconds
    return full


# Seeking, silence and new epochs


def seek_over(plan: Plan, scene_id: int) -> Plan:
    """Leave out the open breaks that a seek to ``scene_id`` passes, except the last: only that one will be decided."""
    if scene_id not in plan.remaining:
        return plan
    reached = len(plan.played) + plan.remaining.index(scene_id)
    passed = [one for one in plan.breaks if one.state == "open" and one.after <= reached]
    breaks = plan.breaks
    for one in passed[:-1]:
        breaks = _with_break(breaks, replace(one, state="seeked_over", reason="the viewer sought beyond it"))
    return replace(plan, breaks=breaks)


def next_epoch(plan: Plan, *, scene_id: int, offset: float, seen_until: float) -> tuple[Plan, float]:
    """A new playlist for a session that was left: scenes shown so far keep their order, ads seen are not shown again.

    ``seen_until`` is the furthest playlist second ever reached. Returns the plan, published up to the resume scene, and
    the second on the new playlist where ``(scene_id, offset)`` lies. A scene unknown to the film resumes at its start.
    """
    epoch = plan.epoch + 1
    order = (*plan.played, *plan.remaining)
    target = scene_id if scene_id in order else order[0]
    starts = {item.break_id: item.t0 for item in reversed(plan.published) if item.break_id}
    # A pre-roll stands before the first scene: at its very beginning that is not passed yet.
    passed = order.index(target) - (offset <= 0 and target == order[0])
    breaks = tuple(_carried(one, starts=starts, seen_until=seen_until, passed=passed, epoch=epoch) for one in plan.breaks)
    fresh = replace(plan, published=(), remaining=order, breaks=breaks, epoch=epoch, ended=False)
    if _at_the_opening(fresh, target, offset):
        return fresh, 0.0
    while target in fresh.remaining:
        fresh = publish_scene(fresh)
    return fresh, time_of_position(fresh, target, offset) or 0.0


def _at_the_opening(plan: Plan, scene_id: int, offset: float) -> bool:
    """Whether a pre-roll is still due for a viewer who resumes at the very beginning."""
    return offset <= 0 and scene_id == plan.remaining[0] and any(one.after == 0 and one.state == "open" for one in plan.breaks)


def resume_time(plan: Plan, scene_id: int, offset: float) -> float | None:
    """As `time_of_position`; but who left in the pre-roll goes on with it, not behind it."""
    if offset <= 0 and plan.published and plan.published[0].ad and plan.played[:1] == (scene_id,):
        return 0.0
    return time_of_position(plan, scene_id, offset)


def _carried(one: Break, *, starts: dict[str, float], seen_until: float, passed: int, epoch: int) -> Break:
    if one.state == "filled" and starts.get(one.id, math.inf) < seen_until:
        return replace(one, state="seen")
    if one.state not in ("open", "filled"):
        return one
    if one.after <= passed:
        return replace(one, state="seeked_over", reason="the viewer resumed beyond it")
    return Break(id=break_id(one.after, epoch), after=one.after)
