"""What people do with findings: by their own right, once, audited, and only while it is still so."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission, User
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import connection
from django.test import Client

from adplatform.models import ModelReading, ModelVersion, TrainingRun
from adplatform.permissions import AD_OPS, AD_OPS_LEAD, ADVERTISER_MEMBER, EDITOR, EXECUTIVE, GROUPS, READ_ONLY, VIEWER
from ads.forecast.words import RAISE_PRIORITY
from ads.models import Flight, FlightForecast
from insights.findings.actions import DOINGS
from insights.findings.services import Refused, insight_act, insight_dismiss, insight_restore
from insights.findings.store import insights_refresh
from insights.models import Insight
from tests.ads.inventory import make_ad

State = Insight.State
ACTORS = (EXECUTIVE, AD_OPS, AD_OPS_LEAD, EDITOR, READ_ONLY, ADVERTISER_MEMBER, VIEWER)


def now() -> datetime:
    return datetime.now(UTC)


def a_flight_that_falls_short() -> Insight:
    """Of 10,000 impressions 4,000 are expected, for flights before it take its breaks."""
    today = now()
    flight = make_ad(
        goal_amount=10_000, priority=6, starts_at=today - timedelta(days=2), ends_at=today + timedelta(days=9), bid_micros=8_000_000
    ).flight
    FlightForecast.objects.create(
        flight=flight, computed_at=today, requests=900, eligible=20_000, win_share=0.2, expected_delivery=4_000,
        warning=f"Expected 4,000 of 10,000: flights before it take 80% of the breaks it matches; {RAISE_PRIORITY} or lower the goal.",
    )  # fmt: skip
    insights_refresh(now=today)
    return Insight.objects.get(kind="pacing")


def somebody(*permissions: str, name: str = "somebody") -> User:
    user = User.objects.create_user(name)
    user.user_permissions.set(Permission.objects.filter(codename__in=[one.split(".")[1] for one in permissions]))
    return User.objects.get(pk=user.pk)


@pytest.mark.django_db
def test_doing_what_a_finding_recommends_is_done_by_the_service_and_audited() -> None:
    insight, actor = a_flight_that_falls_short(), somebody("ads.change_flight")
    assert DOINGS[insight.action].says(insight.subject, insight.params).startswith(f"The priority of {insight.subject} is set from 6 to 3 at once")
    done = insight_act(actor=actor, insight=insight, now=now())
    flight = Flight.objects.get()
    assert flight.priority == 3 and flight.history.first().history_user == actor
    assert (done.state, done.acted_by, done.outcome) == (State.DONE, actor, f"Priority of {flight} raised from 6 to 3")
    assert LogEntry.objects.filter(user=actor, object_id=str(insight.pk), change_message__startswith="acted on: Priority").count() == 1


@pytest.mark.django_db
def test_what_was_done_is_left_alone_for_a_day_and_told_again_if_it_did_not_help() -> None:
    insight = a_flight_that_falls_short()
    insight_act(actor=somebody("ads.change_flight"), insight=insight, now=now())
    insights_refresh(now=now())
    insight.refresh_from_db()
    assert insight.state == State.DONE
    FlightForecast.objects.update(computed_at=now() + timedelta(days=1))
    insights_refresh(now=now() + timedelta(days=1, minutes=1))
    insight.refresh_from_db()
    assert insight.state == State.OPEN and insight.params == {"flight": Flight.objects.get().pk, "from": 3, "to": 1}


@pytest.mark.django_db
def test_a_finding_that_is_no_longer_so_refuses_in_a_sentence_and_closes() -> None:
    insight = a_flight_that_falls_short()
    FlightForecast.objects.update(expected_delivery=10_000)
    with pytest.raises(Refused, match="This is no longer so, and nothing was done"):
        insight_act(actor=somebody("ads.change_flight"), insight=insight, now=now())
    insight.refresh_from_db()
    assert insight.state == State.GONE and Flight.objects.get().priority == 6


@pytest.mark.django_db
def test_a_finding_whose_recommendation_changed_meanwhile_is_read_again_first() -> None:
    insight = a_flight_that_falls_short()
    Flight.objects.update(priority=4)
    with pytest.raises(Refused, match="What is recommended has changed meanwhile"):
        insight_act(actor=somebody("ads.change_flight"), insight=insight, now=now())
    assert Flight.objects.get().priority == 4


@pytest.mark.django_db
def test_a_refusal_of_the_service_leaves_the_finding_open() -> None:
    """A rollback has nothing to go back to once the version before is gone."""
    made = ModelVersion.objects.create(kind="ctr", number=2, estimator="mlp", alias="champion", status="promoted", trained_at=now())
    before = ModelVersion.objects.create(
        kind="ctr", number=1, estimator="mlp", alias="previous", status="promoted", trained_at=now(), artifact="lost.onnx"
    )
    since = now() - timedelta(hours=2)
    ModelReading.objects.create(
        version=made, measure="skew", window_from=since, window_to=since + timedelta(hours=1), alarm=True, words="Served otherwise."
    )
    insights_refresh(now=now())
    insight = Insight.objects.get(kind="drift")
    assert insight.action == "model_rollback"
    with pytest.raises(Refused, match="Nothing was done: "):
        insight_act(actor=somebody("adplatform.change_modelversion"), insight=insight, now=now())
    insight.refresh_from_db()
    assert insight.state == State.OPEN and ModelVersion.objects.get(alias="previous") == before


@pytest.mark.django_db
def test_drift_is_answered_by_a_training_and_then_says_that_one_is_under_way() -> None:
    made = ModelVersion.objects.create(kind="ctr", number=1, estimator="mlp", alias="champion", status="promoted", trained_at=now())
    since = now() - timedelta(hours=2)
    ModelReading.objects.create(
        version=made, measure="feature_psi", subject="hour", window_from=since, window_to=since + timedelta(hours=1), alarm=True, value=0.6, bound=0.25,
        words="Hour is no longer as in training.",
    )  # fmt: skip
    insights_refresh(now=now())
    insight_act(actor=somebody("adplatform.change_modelversion"), insight=Insight.objects.get(kind="drift"), now=now())
    assert TrainingRun.objects.get().kind == "ctr"
    insights_refresh(now=now())
    insight = Insight.objects.get(kind="drift")
    assert (insight.state, insight.action) == (State.DONE, "") and "A training is under way" in insight.recommend


@pytest.mark.django_db
def test_dismissing_and_restoring_are_audited_and_done_once() -> None:
    insight, actor = a_flight_that_falls_short(), somebody("insights.dismiss_insight")
    insight_dismiss(actor=actor, insight=insight, now=now())
    with pytest.raises(Refused, match="it is dismissed by now, by somebody"):
        insight_dismiss(actor=actor, insight=insight, now=now())
    insight_restore(actor=actor, insight=insight)
    with pytest.raises(Refused, match="it is open by now"):
        insight_restore(actor=actor, insight=insight)
    assert list(LogEntry.objects.filter(user=actor).order_by("pk").values_list("change_message", flat=True)) == ["dismissed", "restored"]


@pytest.mark.django_db
def test_nobody_does_by_a_finding_what_they_may_not_do_otherwise() -> None:
    insight, nobody = a_flight_that_falls_short(), somebody()
    with pytest.raises(PermissionDenied, match=r"it takes the right ads\.change_flight"):
        insight_act(actor=nobody, insight=insight, now=now())
    with pytest.raises(PermissionDenied):
        insight_dismiss(actor=nobody, insight=insight, now=now())
    with pytest.raises(PermissionDenied):
        insight_restore(actor=nobody, insight=insight)
    insight.refresh_from_db()
    assert insight.state == State.OPEN and Flight.objects.get().priority == 6


@pytest.mark.django_db
def test_each_group_may_press_what_the_matrix_says() -> None:
    call_command("sync_groups", verbosity=0)
    insight = a_flight_that_falls_short()
    answered: dict[str, dict[str, int]] = {}
    for name in ACTORS:
        user = User.objects.create_user(name, is_staff=GROUPS[name].staff)
        user.groups.add(Group.objects.get(name=name))
        client = Client()
        client.force_login(user)
        Insight.objects.filter(pk=insight.pk).update(state=State.OPEN)
        Flight.objects.update(priority=6)
        answered[name] = {press: client.post(f"/live/insights/{insight.pk}/{press}/").status_code for press in ("dismiss", "restore", "act")}
    executive = {"dismiss": 200, "restore": 200, "act": 403}
    lead = {"dismiss": 200, "restore": 200, "act": 200}
    none = {"dismiss": 403, "restore": 403, "act": 403}
    assert answered == {EXECUTIVE: executive, AD_OPS: lead, AD_OPS_LEAD: lead, EDITOR: none, READ_ONLY: none, ADVERTISER_MEMBER: none, VIEWER: none}
    assert Client().post(f"/live/insights/{insight.pk}/act/").status_code == 302, "who is not signed in is sent to sign in"


@pytest.mark.django_db
def test_the_buttons_answer_in_sentences_and_want_the_token() -> None:
    insight = a_flight_that_falls_short()
    client = Client()
    client.force_login(User.objects.create_superuser("boss"))
    assert client.post(f"/live/insights/{insight.pk}/dismiss/").json() == {"state": "dismissed", "outcome": ""}
    again = client.post(f"/live/insights/{insight.pk}/dismiss/")
    assert (again.status_code, again.json()["reason"]) == (409, "Nothing was done: it is dismissed by now, by boss.")
    assert client.get(f"/live/insights/{insight.pk}/dismiss/").status_code == 405
    guarded = Client(enforce_csrf_checks=True)
    guarded.force_login(User.objects.get(username="boss"))
    assert guarded.post(f"/live/insights/{insight.pk}/restore/").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_of_two_clicks_at_once_one_acts() -> None:
    insight = a_flight_that_falls_short()
    actors = [somebody("ads.change_flight", name=f"somebody-{number}") for number in range(2)]
    begin, said = threading.Barrier(2), []

    def click(actor: User) -> None:
        try:
            begin.wait(10)
            said.append(insight_act(actor=actor, insight=Insight.objects.get(pk=insight.pk), now=now()).outcome)
        except Refused as reason:
            said.append(str(reason))
        finally:
            connection.close()

    threads = [threading.Thread(target=click, args=(actor,)) for actor in actors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Flight.objects.get().priority == 3
    assert sorted(one.split(" ")[0] for one in said) in (["Nothing", "Priority"], ["Priority", "What"])
    assert LogEntry.objects.filter(change_message__startswith="acted on").count() == 1
