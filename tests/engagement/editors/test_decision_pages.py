"""The Director's decisions in the admin: found by what was done, told in words, at a cost that does not grow."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from adplatform.eventlog import consumer, stream
from adplatform.eventlog.partitions import days_around, ensure_partitions
from catalog.selectors import title_for_watching
from engagement.director.deciding import Watching, decide, edited, event_of
from engagement.editors import decision_text
from engagement.models import DirectorDecision, DirectorOutcome
from engagement.playback.plan import Plan
from engagement.playback.publishing import change_plan
from engagement.playback.sessions import Opened, session_open
from tests.engagement.director.hand import AROUND, RULES, attends, moment, prices
from tests.media import Films

pytestmark = pytest.mark.django_db
NOW = datetime.now(UTC)
LIST = "/admin/engagement/directordecision/"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def opened(films: Films) -> Opened:
    ensure_partitions(days_around(NOW.date()))
    return session_open(title=title_for_watching("test-pattern"), viewer=None, tab="one", device="tv", hour=20, now=NOW)


def directed(opened: Opened, plan: Plan, *, arm: str = "", after: int = 0) -> Plan:
    """A decision to bring a scene forward, stored as the consumer stores it; in the control group it is only meant."""
    who = Watching(opened.session.pk, None, opened.session.title_id, {"director": arm} if arm else {}, AROUND)
    at = NOW + timedelta(seconds=after)
    wants = attends(lambda option: 0.9 if option.action == "bring_forward" else 0.4)
    decided = decide(replace(moment(plan), who=who, now=at), prices=prices(), rules=RULES, attend=wants)
    event = event_of(decided, applied=arm != "control")
    stream.append([event])
    consumer.drain(now=at)
    return edited(plan, event) if arm != "control" else plan


def page(client: Client, address: str, **asked: Any) -> str:
    response = client.get(address, asked)
    assert response.status_code == 200
    return unescape(response.content.decode())


def test_a_decision_is_told_with_its_alternatives_what_it_went_by_and_what_came_of_it(staff: Client, opened: Opened) -> None:
    directed(opened, opened.state.plan)
    decision = DirectorDecision.objects.get()
    told = page(staff, f"{LIST}{decision.pk}/change/")
    assert "Brought a scene forward." in told
    assert "Not judged yet" in told
    assert "90%" in told
    assert "USD, at least" in told
    assert "seconds since action" in told
    assert "No engagement model served." in told
    assert f"/admin/engagement/playbacksession/{opened.session.pk}/change/" in told
    assert f"/admin/catalog/title/{opened.session.title_id}/story/" in told
    DirectorOutcome.objects.create(
        decision=decision.pk, decided_at=decision.decided_at, session=decision.session, reached=True, watched=0.75, coming=0.5, stayed_seconds=12,
        judged_at=NOW,
    )  # fmt: skip
    assert "watched 75% of the scene there, 50% of it and the next one; 12 s of film" in page(staff, f"{LIST}{decision.pk}/change/")


def test_the_list_is_searched_by_action_arm_title_and_session(staff: Client, opened: Opened) -> None:
    directed(opened, opened.state.plan, arm="control")
    decision = DirectorDecision.objects.get()
    control = str(decision.pk)

    def found(**asked: Any) -> bool:
        return control in page(staff, LIST, **asked)

    assert found(group="control") and not found(group="directed") and not found(group="none")
    assert found(intended__exact="bring_forward") and not found(action__exact="bring_forward")
    assert found(title=str(opened.session.title_id)) and not found(title="999") and found(title="x")
    assert found(q=str(opened.session.pk)) and not found(q="nothing like it")
    assert found(scene=str(decision.scene)) and not found(scene="0")
    told = page(staff, LIST)
    assert "Green" in told and "Test Pattern" in told and "Brought a scene forward" in told


def test_a_session_shows_what_the_director_did_and_its_plan_what_changed(staff: Client, opened: Opened) -> None:
    plan = directed(opened, opened.state.plan)
    change_plan(opened.session.pk, lambda _: plan)
    decision = DirectorDecision.objects.get()
    told = page(staff, f"/admin/engagement/playbacksession/{opened.session.pk}/change/")
    assert f"{LIST}{decision.pk}/change/" in told
    assert "bring forward; " in told


def test_the_pages_cost_as_many_queries_however_many_decisions_there_are(staff: Client, opened: Opened) -> None:
    directed(opened, opened.state.plan)
    first = DirectorDecision.objects.get()
    addresses = (LIST, f"{LIST}{first.pk}/change/", f"/admin/engagement/playbacksession/{opened.session.pk}/change/")

    def costs() -> list[int]:
        counted = []
        for address in addresses:
            with CaptureQueriesContext(connection) as queries:
                page(staff, address)
            counted.append(len(queries))
        return counted

    costs()  # what a process reads once is read
    before = costs()
    DirectorDecision.objects.bulk_create(
        DirectorDecision(**{field.attname: getattr(first, field.attname) for field in DirectorDecision._meta.fields} | {"id": number})
        for number in map(_key, range(30))
    )
    assert costs() == before
    assert before[0] <= 14 and before[1] <= 9 and before[2] <= 12


def _key(number: int) -> UUID:
    return UUID(int=number + 1)


def test_a_decision_of_an_earlier_version_is_told_as_far_as_it_goes(staff: Client, films: Films) -> None:
    old = DirectorDecision.objects.create(
        id=_key(1), session=_key(2), title=films.pattern.pk, scene=None, decided_at=NOW, action="bring_forward", applied=False, reason="Yellow comes next",
        alternatives=[{"action": "keep", "scene": 1, "name": "Blue", "intensity": 0.5, "expected": 0.5}],
    )  # fmt: skip
    told = page(staff, f"{LIST}{old.pk}/change/")
    assert "Brought a scene forward, but too late" in told
    assert "a session that is no longer stored" in told


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"action": "keep"}, "Kept the plan."),
        ({"action": "keep", "intended": "linger"}, "Kept the plan. It would have: lingered on an optional scene."),
        ({"action": "linger", "applied": True, "explored": True, "intended": "keep"}, "drawn by chance to learn what it does. By its own judgement"),
        ({"action": "suggest", "applied": True}, "Suggested another title."),
    ],
)
def test_what_was_done_is_told_beside_what_was_meant(changes: dict[str, Any], words: str) -> None:
    assert words in decision_text.happened(DirectorDecision(**changes))


def test_a_place_that_was_never_reached_made_no_difference() -> None:
    outcome = DirectorOutcome(decision=_key(1), reached=False)
    assert "never came to that place" in decision_text.came_of_it(DirectorDecision(), outcome)
