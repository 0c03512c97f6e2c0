"""What came of a decision is what was watched from the place it was about; judged once, whoever judges it and however often."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from adplatform.eventlog import ids
from adplatform.eventlog.partitions import ensure_partitions
from ads.models import Decision, LedgerEntry
from catalog.models import Title
from engagement.director import outcomes
from engagement.director.features import SceneContext
from engagement.director.outcomes import NOT_REACHED, Outcome, Place, outcome_at, place_of
from engagement.director.signals import FilmScene
from engagement.director.story import Happened, Story, told
from engagement.models import DirectorDecision, DirectorOutcome, PlaybackEvent, PlaybackSession
from engagement.playback.plan import Plan, publish_scene
from tests.ads.inventory import make_ad

from .test_lots import film
from .test_training import make_title

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
AROUND = SceneContext(scenes=5, position=1, mood="", intensity=0.5, device="tv", hour=20)
FILM = {number: FilmScene(number, "calm", 0.5, 10.0, 8.0) for number in range(1, 6)}


class Playback:
    """Events of one session, a scene after the other, told as the player tells them."""

    def __init__(self) -> None:
        self.events: list[Happened] = []
        self.at = 1000.0

    def watch(self, *scenes: int, seconds: float = 10.0, cut: str = "full") -> Playback:
        for scene in scenes:
            length = 8.0 if cut == "tight" else 10.0
            self.say("playback.scene_start", scene, 0.0, cut=cut)
            self.at += min(seconds, length)
            done = {"watched": min(seconds, length), "duration": length, "completed": seconds >= length}
            self.say("playback.scene_end", scene, min(seconds, length), **done)
        return self

    def say(self, kind: str, scene: int | None = None, offset: float = 0.0, **data: Any) -> Playback:
        self.events.append(Happened(self.at, kind, scene, offset, data))
        return self

    def wait(self, seconds: float) -> Playback:
        self.at += seconds
        return self

    def story(self) -> Story:
        return told(self.events, FILM, AROUND)


# Decided while the second scene was on screen, about the third.
PLACE = Place(at=1011.0, scene=3, before=2)


def test_who_watches_on_has_watched_the_place_and_the_next() -> None:
    story = Playback().watch(1, 2, 3, 4, 5).say("playback.end").story()
    assert outcome_at(PLACE, story) == Outcome(True, 1.0, 1.0, 30.0)


def test_who_leaves_in_the_scene_has_watched_a_part_of_it_and_nothing_of_the_next() -> None:
    story = Playback().watch(1, 2).watch(3, seconds=4.0).say("playback.leave", 3, 4.0).story()
    assert outcome_at(PLACE, story) == Outcome(True, 0.4, 0.2, 4.0)


def test_a_tight_cut_is_watched_whole_in_its_own_length() -> None:
    story = Playback().watch(1, 2).watch(3, cut="tight").watch(4, 5).say("playback.end").story()
    assert outcome_at(PLACE, story) == Outcome(True, 1.0, 1.0, 28.0)


def test_who_leaves_in_the_ads_before_the_place_has_come_there_and_watched_nothing() -> None:
    story = Playback().watch(1, 2).say("ad.start").wait(6).say("playback.leave").story()
    assert outcome_at(PLACE, story) == Outcome(True, 0.0, 0.0, 0.0)


def test_who_left_before_the_place_was_never_asked() -> None:
    assert outcome_at(PLACE, Playback().watch(1).watch(2, seconds=6.0).say("playback.leave", 2, 6.0).story()) == NOT_REACHED


def test_what_is_watched_after_a_long_silence_is_another_playback() -> None:
    story = Playback().watch(1).watch(2, seconds=6.0).say("playback.pause", 2, 6.0).wait(1000).watch(3, 4, 5).story()
    assert outcome_at(PLACE, story) == NOT_REACHED


def test_who_rewinds_first_comes_to_the_place_later() -> None:
    story = Playback().watch(1, 2).say("playback.rewind", 2, 10.0).watch(2, seconds=5.0).watch(3, seconds=5.0).say("playback.leave", 3, 5.0).story()
    assert outcome_at(PLACE, story).watched == 0.5


def test_the_plan_knows_what_came_to_play_at_the_place_whatever_was_decided_after() -> None:
    plan: Plan = publish_scene(film())
    assert plan.played == (1, 2, 3)
    assert place_of(5.0, 0, 3, 4, plan) == Place(5.0, 3, 2)
    # In another epoch, or while it is not published, only the decision's own word is there.
    assert place_of(5.0, 1, 3, 4, plan) == Place(5.0, 4, 2)
    assert place_of(5.0, 0, 4, 5, plan) == Place(5.0, 5, 3)
    assert place_of(5.0, 0, 9, 5, plan) == Place(5.0, 5, None)
    assert place_of(5.0, 0, 3, 4, None) == Place(5.0, 4, None)


def stored(title: Title, playback: Playback, *, begins: datetime, **fields: Any) -> PlaybackSession:
    scenes = {number: scene.pk for number, scene in enumerate(title.scenes.order_by("position"), start=1)}
    session = PlaybackSession.objects.create(
        id=ids.new_id(begins), title=title, hour=20, started_at=begins, last_seen_at=begins + timedelta(seconds=playback.at - 1000), **fields
    )
    made = []
    for number, one in enumerate(playback.events, start=1):
        at = begins + timedelta(seconds=one.at - 1000)
        key = ids.new_id(at)
        made.append(
            PlaybackEvent(id=key, day=ids.day_of(key), type=one.kind, occurred_at=at, received_at=at, session=session.pk, seq=number, title=title.pk,
                          scene=scenes.get(one.scene or 0), offset=one.offset, data=dict(one.data))
        )  # fmt: skip
    PlaybackEvent.objects.bulk_create(made)
    return session


def decided(session: PlaybackSession, at: datetime, **fields: Any) -> DirectorDecision:
    return DirectorDecision.objects.create(
        id=ids.new_id(at), session=session.pk, title=session.title_id, decided_at=at, **{"action": "keep", "reason": "", "place": 3} | fields
    )


@pytest.mark.django_db
def test_judging_twice_changes_nothing_and_a_playback_that_may_go_on_waits() -> None:
    ensure_partitions([NOW.date()])
    title, begins = make_title(), NOW - timedelta(hours=1)
    third = title.scenes.get(position=3).pk
    session = stored(title, Playback().watch(1, 2).watch(3, seconds=5.0).say("playback.leave", 3, 5.0), begins=begins)
    decision = decided(session, begins + timedelta(seconds=11), following=third)
    live = stored(title, Playback().watch(1, 2, 3), begins=NOW - timedelta(minutes=5))
    decided(live, NOW - timedelta(minutes=5) + timedelta(seconds=11), following=third)
    assert outcomes.judge_all(now=NOW, since=NOW - timedelta(days=1)) == 1
    before = list(DirectorOutcome.objects.values())
    assert outcomes.judge_all(now=NOW, since=NOW - timedelta(days=1)) == 0
    assert list(DirectorOutcome.objects.values()) == before
    (found,) = before
    assert (found["decision"], found["reached"], found["watched"], found["coming"], found["stayed_seconds"]) == (decision.pk, True, 0.5, 0.25, 5.0)
    # Two at once: the second finds rows that were not there when it began.
    DirectorOutcome.objects.update(watched=0.7)
    waiting = [outcomes._Waiting(decision.pk, session.pk, decision.decided_at, 0, 3, third, None, "{}")]
    DirectorOutcome.objects.bulk_create(outcomes._judged(waiting, NOW), ignore_conflicts=True)
    assert DirectorOutcome.objects.get().watched == 0.7


@pytest.mark.django_db
def test_a_suggestion_that_was_taken_is_judged_by_the_film_it_led_to() -> None:
    ensure_partitions([NOW.date()])
    title, begins = make_title(), NOW - timedelta(hours=1)
    session = stored(title, Playback().watch(1, 2), begins=begins)
    taken = decided(session, begins + timedelta(seconds=11), action="suggest", suggested=title.pk)
    left = decided(session, begins + timedelta(seconds=12), action="suggest", suggested=title.pk)
    forged = decided(session, begins + timedelta(seconds=13), action="suggest", suggested=title.pk + 1)
    stored(title, Playback().watch(1).watch(2, seconds=5.0).say("playback.leave", 2, 5.0), begins=begins + timedelta(seconds=60), came_from=taken.pk)
    stored(title, Playback().watch(1), begins=begins + timedelta(seconds=90), came_from=forged.pk)
    outcomes.judge_all(now=NOW, since=NOW - timedelta(days=1))
    found = {one.decision: one for one in DirectorOutcome.objects.all()}
    assert (found[taken.pk].taken, found[taken.pk].reached, found[taken.pk].coming) == (True, True, 0.75)
    assert [(found[one.pk].taken, found[one.pk].reached) for one in (left, forged)] == [(False, False), (False, False)]


def charge(session: PlaybackSession, at: datetime, micros: int) -> None:
    decision, ad = ids.new_id(at), make_ad()
    Decision.objects.create(
        id=decision, day=ids.day_of(decision), decided_at=at, session=session.pk, break_id="b1", request={}, state={}, slots=[], explanation={}
    )
    LedgerEntry.objects.create(
        decision=decision, slot=0, kind="impression", flight=ad.flight, campaign=ad.flight.campaign, advertiser=ad.flight.campaign.advertiser, ad=ad,
        amount_micros=micros, event=uuid.uuid4(), occurred_at=at, booked_at=at,
    )  # fmt: skip


@pytest.mark.django_db
def test_what_was_charged_after_the_decision_is_its_revenue() -> None:
    ensure_partitions([NOW.date()])
    title, begins = make_title(), NOW - timedelta(hours=1)
    session = stored(title, Playback().watch(1, 2, 3, 4), begins=begins)
    decided(session, begins + timedelta(seconds=11), following=title.scenes.get(position=3).pk)
    for after, micros in ((5, 900), (20, 1200), (30, -200)):
        charge(session, begins + timedelta(seconds=after), micros)
    outcomes.judge_all(now=NOW, since=NOW - timedelta(days=1))
    assert DirectorOutcome.objects.get().revenue_micros == 1000


@pytest.mark.parametrize("days", [-5, 0, 99_999_999])
def test_a_span_that_cannot_be_judged_is_refused_in_words(days: int) -> None:
    with pytest.raises(CommandError, match="--days is 1 to 3,660"):
        call_command("judge_decisions", days=days)
