"""The Director in written history: the live decision, on the sessions' clock and in process.

No model of those days is there, and today's has seen what came after. So it keeps the plan, and explores at the installation's share with
the propensities logged: what a first policy can be learned from. Prices and suggestions are as of the last midnight written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from adplatform.experiments import assignment
from adplatform.experiments.selectors import running_experiments
from adplatform.models import Experiment
from ads import breakvalue
from engagement import suggestions
from engagement.churn.care import care_of
from engagement.director import history, market
from engagement.director.act import rules
from engagement.director.dataset import surroundings
from engagement.director.deciding import Moment, Suggested, Watching, decide, edited, event_of
from engagement.models import CHANGES_THE_PLAN, PlaybackSession, Viewer
from engagement.playback.plan import Plan

from . import walk
from .walk import Walk


@dataclass(slots=True)
class _Seen:
    """What a viewer watched in this history so far: playbacks, their progress summed, when the last one began."""

    playbacks: int = 0
    progress: float = 0.0
    last: datetime | None = None


class Directing:
    """What the Director knows beside the playback it directs."""

    def __init__(self, genres: Mapping[int, frozenset[str]]) -> None:
        self.genres, self.rules = genres, rules()
        self.begun = dict(Experiment.objects.values_list("key", "started_at"))
        self.seen: dict[Any, _Seen] = {}

    def midnight(self, now: datetime) -> None:
        """What is read of the tables once a day of the history."""
        breakvalue.refresh(now=now)
        market.forget()
        suggestions.forget()
        market.keep_fresh(now=now)

    def arms(self, session: PlaybackSession, now: datetime) -> dict[str, str]:
        """Those of the experiments that ran then already."""
        unit = assignment.unit_of(viewer=session.viewer_id, session=session.pk, consent=session.consent)
        ran = [one for one in running_experiments() if (begun := self.begun.get(one.key)) is not None and begun <= now]
        return assignment.arms_of(ran, unit)

    def watching(self, session: PlaybackSession) -> Watching:
        care = care_of(session, now=session.started_at)
        found = care.suggestion
        return Watching(
            session=session.pk,
            viewer=session.viewer_id,
            title=session.title_id,
            arms=session.arms,
            around=surroundings(session, self._facts(session)),
            synthetic=True,
            break_share=care.break_share,
            suggestion=Suggested(found.title, found.slug, found.name) if found else None,
        )

    def _facts(self, session: PlaybackSession) -> history.ViewerFacts:
        viewer: Viewer | None = session.viewer
        if viewer is None or not session.consent:
            return history.NOTHING
        seen, genres = self.seen.get(viewer.pk, _Seen()), self.genres[session.title_id]
        liked = {genre.slug for genre in viewer.favourite_genres.all()}
        return history.ViewerFacts(
            earlier_sessions=seen.playbacks,
            earlier_progress=seen.progress / seen.playbacks if seen.playbacks else None,
            days_since_last=(session.started_at - seen.last) / timedelta(days=1) if seen.last else None,
            monthly_hours=viewer.monthly_hours,
            genre_match=len(genres & liked) / len(genres) if genres else None,
        )

    def watched(self, session: PlaybackSession, played: Walk) -> None:
        """A playback is over: the next one of this viewer knows of it."""
        seen = self.seen.setdefault(session.viewer_id, _Seen())
        scenes = sum(not scene.optional for scene in played.plan.film)
        seen.playbacks, seen.last = seen.playbacks + 1, session.started_at
        seen.progress += min(1.0, played.sitting.whole / max(1, scenes))

    def directed(self, who: Watching, playing: Walk, scene: int) -> tuple[Plan, walk.Suggested | None, Watching]:
        """The plan with the decision in it, which is logged, and who watches as the next decision meets them."""
        plan = playing.plan
        moment = Moment(who, plan, playing.signals, scene, "scene_start", playing.clock)
        prices = market.prices(who.title, who.around.device, now=playing.clock, break_share=who.break_share)
        decided = decide(moment, prices=prices, rules=self.rules, attend=lambda seen, options: None)
        applied = decided.takes_effect and who.directed
        event = event_of(decided, applied=applied)
        playing.stage.log([event])
        if applied and decided.option.action in CHANGES_THE_PLAN:
            return edited(plan, event), None, who
        if applied and who.suggestion is not None:
            told = walk.Suggested(who.suggestion.id, tuple(sorted(self.genres[who.suggestion.id])), str(event.id))
            return plan, told, replace(who, suggestion=None)
        return plan, None, who
