"""One boundary decided, from what is known of the playback to what is logged. Pure but for the models of this process.

`decide` is the whole decision: the live Director and the synthetic audience call the same. It reads neither database nor Redis; prices come
with the call, and models from the registry's memory.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime

import msgspec

from adplatform.eventlog import ids
from adplatform.eventlog.envelope import Event, Position
from engagement.models import CHANGES_THE_PLAN
from engagement.playback.edits import EditRefused
from engagement.playback.plan import Plan

from . import options as possible
from . import value
from .exploration import Draw, draw
from .features import SceneContext, SessionSignals, in_scene, on_screen
from .film import film_of
from .guards import may_change
from .lots import Lot, lot
from .options import Option
from .policy import Choice, Rules, Sight, Trigger, Valued, choose
from .prediction import Engagement
from .worth import Prices, seconds_due, worths_of

EXPERIMENT = "director"
CONTROL = "control"
TYPE = "director.decision"
STALL_WINDOW = 60.0

Attend = Callable[[Lot, Sequence[Option]], Valued | None]


@dataclass(frozen=True, slots=True)
class Suggested:
    """A title that may be suggested to this viewer. ``card`` is the address of its picture, empty without one."""

    id: int
    slug: str
    name: str
    card: str = ""


@dataclass(frozen=True, slots=True)
class Watching:
    """What does not change while a session lasts. ``around`` still wants its scene; ``break_share`` of each ad break is left to a viewer
    who gets a lighter ad load; ``suggestion`` is None where nothing is to be suggested, or was already."""

    session: uuid.UUID
    viewer: uuid.UUID | None
    title: int
    arms: Mapping[str, str]
    around: SceneContext
    synthetic: bool = False
    break_share: float = 1.0
    suggestion: Suggested | None = None

    @property
    def directed(self) -> bool:
        return self.arms.get(EXPERIMENT) != CONTROL


@dataclass(frozen=True, slots=True)
class Moment:
    """A boundary: ``scene`` is on screen, ``signals`` are folded up to it; ``usual`` is the share 0-1 that is watched at such moments."""

    who: Watching
    plan: Plan
    signals: SessionSignals
    scene: int
    trigger: Trigger
    now: datetime
    engagement: Engagement | None = None
    usual: float | None = None

    @property
    def boundary(self) -> uuid.UUID:
        """The id of its decision: whoever decides it again, the log keeps one."""
        return ids.derived_id(self.who.session, TYPE, self.plan.epoch, self.scene, self.trigger)


@dataclass(frozen=True, slots=True)
class Decided:
    """``option`` was taken; ``seen`` is what the model was asked; ``milliseconds`` is what the decision took."""

    moment: Moment
    choice: Choice
    option: Option
    policy_version: int | None
    milliseconds: float
    seen: Lot

    @property
    def takes_effect(self) -> bool:
        return self.option.action != "keep"


def serving(seen: Lot, options: Sequence[Option]) -> Valued | None:
    """What the model that serves expects; None while none does."""
    return value.attention(seen)


def decide(moment: Moment, *, prices: Prices, rules: Rules, attend: Attend = serving, chance: Draw | None = None) -> Decided:
    """Choose among what the story allows at ``moment``; the plan must still have open scenes.

    ``prices`` are `market.prices` or made by hand; ``attend`` says what attention each option gets, else the model that serves.
    ``chance`` replaces the draw that follows from the rules' salt: for a simulation whose sessions have no lasting ids.

    To play it in process: ``edited(plan, event)`` is the plan with it, ``event_of(decided, applied=...)`` what is to be logged. Raises
    ValueError for a plan that is published to its end.
    """
    started = time.perf_counter()
    who, plan, now = moment.who, moment.plan, moment.now.timestamp()
    # What would be done with a film that must not be changed is decided as if it might.
    open_plan = replace(plan, as_edited=False) if plan.as_edited else plan
    expected = seconds_due(open_plan, prices, now=now)
    ways = possible.ways(open_plan, break_seconds=expected, suggestion=who.suggestion.id if who.suggestion else 0)
    given = [way.option for way in ways]
    seen = lot(moment.signals, context_of(who, plan, moment.signals, moment.scene, now=moment.now), open_plan, given, now=moment.now)
    valued = attend(seen, given) if len(given) > 1 else None
    sight = Sight(
        plan=plan,
        scene=moment.scene,
        trigger=moment.trigger,
        options=given,
        worths=worths_of([way.plan for way in ways], prices, now=now),
        valued=valued,
        draw=chance or draw(rules.salt, who.session, plan.epoch, moment.scene, moment.trigger),
        rules=rules,
        engagement=moment.engagement.value if moment.engagement else None,
        usual=moment.usual,
        stalled_seconds=sum(seconds for at, seconds in moment.signals.stalls if at > now - STALL_WINDOW),
        control=not who.directed,
    )
    choice = choose(sight)
    version = valued.version if valued is not None else None
    return Decided(moment, choice, given[choice.index], version, (time.perf_counter() - started) * 1000, seen)


def context_of(who: Watching, plan: Plan, signals: SessionSignals, scene_id: int, *, now: datetime) -> SceneContext:
    """The surroundings with a scene in them: the one on screen as it stands, another one as if it began now."""
    film = film_of(plan)
    here = on_screen(signals, who.around, film, now.timestamp()) if signals.scene == scene_id else None
    return here or in_scene(who.around, film, scene_id)


def event_of(decided: Decided, *, applied: bool) -> Event:
    """What is logged. ``applied``: it took effect, as a change of the plan or a suggestion that was made."""
    moment, choice, option = decided.moment, decided.choice, decided.option
    who, plan, engagement, judged = moment.who, moment.plan, moment.engagement, choice.judged
    intended = choice.alternatives[choice.intended]
    data = {
        "action": option.action,
        "applied": applied,
        "reason": choice.reason,
        "trigger": moment.trigger,
        "scene": moment.scene,
        "epoch": plan.epoch,
        "place": len(plan.played) + 1,
        "following": option.scene,
        "moved": option.moved,
        "intended": intended["action"],
        "arm": who.arms.get(EXPERIMENT, ""),
        "explored": choice.explored,
        "suggested": option.title or None,
        "suggestion": asdict(who.suggestion) if option.title and who.suggestion else None,
        "engagement": moment.engagement.value if moment.engagement else None,
        "usual": moment.usual,
        "leave_risk": engagement.leave if engagement else None,
        "gain": None if judged is None else float(judged.gain[choice.intended]),
        "gain_low": None if judged is None else float(judged.low[choice.intended]),
        "alternatives": [{**one, "features": own} for one, own in zip(choice.alternatives, decided.seen.options, strict=True)],
        "features": decided.seen.session,
        "propensity": choice.propensity,
        "model_version": engagement.model_version if engagement else None,
        "policy_version": decided.policy_version,
        "leave_version": engagement.leave_version if engagement else None,
        "milliseconds": round(decided.milliseconds, 3),
    }
    return Event(
        id=moment.boundary, type=TYPE, occurred_at=moment.now, received_at=moment.now, session=who.session, viewer=who.viewer, title=who.title,
        position=Position(moment.scene), synthetic=who.synthetic, data=data,
    )  # fmt: skip


def taken_of(event: Event) -> Option:
    """The option that a logged decision took."""
    one = next(one for one in event.data["alternatives"] if one["taken"])
    return Option(
        one["action"], one["scene"], one["cut"], moved=one["moved"], break_id=one["break_id"], break_seconds=one["break_seconds"], title=one["title"]
    )


def edited(plan: Plan, event: Event) -> Plan:
    """The plan with a decision in it, and the decision's event beside it; as it was where it came too late to be made."""
    data = event.data
    if data["action"] not in CHANGES_THE_PLAN or (plan.epoch, len(plan.played) + 1) != (data["epoch"], data["place"]) or not may_change(plan):
        return plan
    try:
        changed = possible.applied(plan, taken_of(event), reason=data["reason"])
    except EditRefused:
        return plan
    return replace(changed, decision=packed(event))


def packed(event: Event) -> str:
    """An event as a plan keeps it."""
    return msgspec.json.encode(event).decode()


def unpacked(decision: str) -> Event | None:
    """The event in `Plan.decision`; None where there is none."""
    return msgspec.json.decode(decision, type=Event) if decision else None
