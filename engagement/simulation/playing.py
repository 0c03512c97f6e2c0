"""The stage of written history: what a playback meets there is the product's own ad server, policies and Director, on the walk's clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from adplatform.eventlog import tokens
from adplatform.eventlog.envelope import Event
from adplatform.eventlog.hashing import daily_hash
from ads.policy import policy_for
from ads.reservation import Operation
from catalog.selectors import WatchableTitle
from engagement.director.story import GRID_SECONDS
from engagement.models import PlaybackSession
from engagement.playback import adload
from engagement.playback.live import Around
from engagement.playback.plan import Break, Item, Plan, PlannedAd, first_plan
from engagement.playback.publishing import decide_break
from engagement.playback.sessions import exposures

from . import behaviour, expected, invalid, reporting
from .behaviour import Watched
from .expected import Coming
from .people import Person
from .reporting import Reporter
from .scenes import Picture
from .truth import CLICK, COMPLETE, ENGAGEMENT, LEAVE, STAY, moment
from .walk import Suggested, Walk

if TYPE_CHECKING:
    from .history import History


class Playback:
    """One session of ``run``; ``kind`` is that of invalid traffic, empty for an honest one."""

    def __init__(self, run: History, person: Person, title: WatchableTitle, session: PlaybackSession, kind: str) -> None:
        self.run, self.person, self.title, self.session, self.kind = run, person, title, session, kind
        self.viewer = adload.shared(session)
        self.who = run.directing.watching(session)

    def play(self, start: datetime) -> Walk:
        run, person, title = self.run, self.person, self.title
        self.around = Around(
            zone=person.zone,
            ip_hash=daily_hash(str(person.id), now=start),
            ua_hash=daily_hash(person.browser, now=start),
            day=start.date().isoformat(),
        )
        policy = policy_for(title.id)
        plan = first_plan(run.films[title.id], change_budget=title.change_budget, pre_roll=policy.pre_roll, post_roll=policy.post_roll)
        reporter = Reporter(self.session.pk, person.id, title.id, ip_hash=self.around.ip_hash, ua_hash=self.around.ua_hash)
        self.log([reporter.event("playback.session", start, **self._described()), *exposures(self.session, now=start)])
        poor = run.rng.random() < run.audience.network.poor
        walk = Walk(self, run.audience, person, title.genres, reporter, plan, start, run.rng, poor=poor, honest=self.kind != "burst")
        walk.run()
        return walk

    def _described(self) -> dict[str, Any]:
        session = self.session
        return {
            "device": session.device,
            "hour": session.hour,
            "consent": session.consent,
            "genres": list(self.title.genres),
            "arms": session.arms,
        }

    # What the walk asks

    def log(self, events: Sequence[Event]) -> None:
        self.run.waiting.extend(events)

    def fill(self, walk: Walk, due: Break) -> Plan:
        met = adload.history(
            walk.plan,
            film_seconds=walk.sitting.film_seconds,
            shown={},
            playhead=walk.playhead(),
            elsewhere=adload.elsewhere(self.viewer, self.session.pk, now=walk.clock),
            now=walk.clock,
        )
        plan, _ = decide_break(self.session, walk.plan, due, met=met, around=self.around, now=walk.clock, rng=self.run.rng)
        decided = next(one for one in plan.breaks if one.id == due.id)
        adload.note(self.viewer, self.session.pk, decided, at=decided.at)
        self.run.report.breaks += 1
        return plan

    def direct(self, walk: Walk, scene: int) -> tuple[Plan, Suggested | None]:
        plan, suggested, self.who = self.run.directing.directed(self.who, walk, scene)
        return plan, suggested

    def about_to_watch(self, walk: Walk, coming: Coming, arrives: Picture) -> None:
        told = expected.expectation(self.run.audience, self.person, walk.sitting, coming, arrives)
        place, truth, session = coming.scene.index + 1, self.run.truth, self.session.pk
        truth.add(STAY, session, place, told.stay)
        truth.add(ENGAGEMENT, session, moment(place), told.engagement)
        for step, leave in enumerate(told.leave):
            truth.add(LEAVE, session, moment(place, step * GRID_SECONDS), leave)

    def watch_ad(self, walk: Walk, item: Item, place: int) -> Watched:
        assert item.ad is not None  # noqa: S101
        run, view = self.run, self._ad_view(walk, item.ad, item.t1 - item.t0, place)
        watched = invalid.played(self.kind, behaviour.watch_ad(run.audience, self.person, view, rng=run.rng), duration=view.duration)
        token = tokens.read(item.ad.token, tokens.TrackingToken, now=None)
        sent = reporting.ad_events(walk.reporter, token, watched, began=walk.clock)
        walk.log(list(invalid.disguised(self.kind, sent, now=walk.clock)))
        honest = self.kind in invalid.HONEST_BEHAVIOUR
        # What was not watched honestly may be judged not to count: its hold ends by itself then, and the caps forget it.
        run.keep([Operation("confirm" if honest else "extend", token.decision, token.slot)], walk.clock)
        if honest:
            run.truth.add(CLICK, token.decision, token.slot, watched.truth)
            run.truth.add(COMPLETE, token.decision, token.slot, behaviour.completion_probability(run.audience, self.person, view))
            run.views.add(self.person.id, item.ad.campaign, now=walk.clock)
        run.report.ads += 1
        run.report.invalid += self.kind != ""
        run.report.clicks += any(action.type == "ad.click" for action in watched.actions)
        return watched

    def _ad_view(self, walk: Walk, ad: PlannedAd, duration: float, place: int) -> behaviour.AdView:
        creative = self.run.place.creatives[ad.ad]
        return behaviour.AdView(
            key=creative.key,
            category=creative.category,
            duration=duration,
            skip_after=ad.skip_after,
            place=place,
            seen_before=self.run.views.recent(self.person.id, ad.campaign, now=walk.clock),
            genres=self.title.genres,
            hour=self.person.local(walk.clock).hour,
            device=self.session.device,
        )
