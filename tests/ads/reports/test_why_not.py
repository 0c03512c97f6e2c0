"""The funnel of a flight says what kept it from serving."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from adplatform.eventlog import consumer
from ads.decision.explanation import REASONS
from ads.decision.stages import STAGES, of_breaks
from ads.models import Ad, Campaign, Flight, FunnelDay, FunnelHour
from ads.reports.why_not import phrase, why_not
from ads.serving import serve_break
from tests.ads.inventory import NOW, make_ad, make_request

pytestmark = pytest.mark.django_db(transaction=True)
SINCE, UNTIL = NOW - timedelta(hours=1), NOW + timedelta(hours=1)


def counted(flight: Flight, at: datetime = NOW, **reasons: int) -> None:
    for reason, times in reasons.items():
        for table, bucket in ((FunnelHour, at.replace(minute=0)), (FunnelDay, at.replace(hour=0, minute=0))):
            table.objects.create(bucket=bucket, flight_id=flight.pk, ad_id=1, reason=reason, decisions=times)


def test_decided_breaks_end_in_the_funnel_of_every_flight() -> None:
    winner, elsewhere = make_ad(), make_ad(targeting={"include": {"devices": ["mobile"]}})
    for number in range(5):
        serve_break(make_request(break_id=f"b{number}"), now=NOW + timedelta(minutes=5 * number))
    consumer.drain(now=NOW + timedelta(hours=1))
    assert why_not(winner.flight, SINCE, UNTIL).served == 5
    found = why_not(elsewhere.flight, SINCE, UNTIL)
    assert (found.considered, found.served) == (5, 0)
    assert [(step.stage, step.count, step.left) for step in found.steps] == [("targeting", 5, 0)]
    assert found.obstacle == "100 % of the breaks were on devices it does not target."


def test_stages_come_in_the_order_of_the_decision_and_what_is_left_shrinks_to_nothing() -> None:
    flight = make_ad().flight
    counted(flight, won=10, runner_up=20, paced=30, frequency_cap=15, device_not_targeted=100, genre_excluded=20, explored=5)
    found = why_not(flight, SINCE, UNTIL)
    assert [step.stage for step in found.steps] == ["targeting", "caps", "pacing", "pod", "served"]
    assert [step.left for step in found.steps] == [80, 65, 35, 15, 0]
    assert found.considered == sum(step.count for step in found.steps) == 200
    assert [reason.code for reason in found.steps[0].reasons] == ["device_not_targeted", "genre_excluded"]
    assert sum(step.share for step in found.steps) == pytest.approx(1.0)
    assert found.obstacle == "50 % of the breaks were on devices it does not target."


def test_only_the_time_asked_for_counts() -> None:
    flight = make_ad().flight
    counted(flight, won=1)
    counted(flight, NOW - timedelta(days=20), paced=7)
    assert why_not(flight, SINCE, UNTIL).considered == 1
    assert why_not(flight, NOW - timedelta(days=30), UNTIL).considered == 8
    assert why_not(flight, NOW - timedelta(days=30), NOW - timedelta(days=10)).obstacle.startswith("100 % of the breaks were let pass")


def test_a_flight_that_was_never_considered_says_what_is_missing() -> None:
    ad = make_ad()
    flight = ad.flight
    assert why_not(flight, SINCE, UNTIL).obstacle.startswith("No break was asked for")
    Ad.objects.update(review=Ad.Review.IN_REVIEW)
    assert why_not(flight, SINCE, UNTIL).obstacle.startswith("None of its ads is approved")
    flight.campaign.state = Campaign.State.PAUSED
    assert why_not(flight, SINCE, UNTIL).obstacle.startswith("Its campaign is paused")
    flight.state = Flight.State.DRAFT
    assert why_not(flight, SINCE, UNTIL).obstacle.startswith("The flight is draft")


def test_every_reason_reads_as_a_sentence_of_its_own() -> None:
    phrases = [phrase(code) for code in REASONS if not of_breaks(code) and code not in ("won", "explored")]
    assert not [words for words in phrases if words.startswith("were missed")]
    assert all(STAGES.values())


def run(*arguments: str) -> str:
    out = StringIO()
    with time_machine.travel(NOW, tick=False):
        call_command("why_not", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_prints_the_funnel_of_a_flight_by_id_or_by_name() -> None:
    flight = make_ad().flight
    counted(flight, NOW - timedelta(hours=2), won=1, device_not_targeted=3)
    text = run(str(flight.pk))
    assert "75 % of the breaks were on devices it does not target." in text
    assert run(f"{flight.campaign.name} / {flight.name}") == text
    assert json.loads(run(str(flight.pk), "--json", "--since", "2026-05-01"))["considered"] == 4
    assert json.loads(run(str(flight.pk), "--json", "--since", "1h"))["considered"] == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["999"], "there is no flight"), (["Nobody's"], "there is no flight"), (["9" * 30], "there is no flight"), (["Flight"], "several flights")],
)
def test_a_flight_that_is_not_one_is_refused_in_words(arguments: list[str], words: str) -> None:
    make_ad()
    make_ad()
    with pytest.raises(CommandError, match=words):
        run(*arguments)


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "2031-01-01"])
def test_a_time_that_is_not_one_is_refused_in_words(since: str) -> None:
    flight = make_ad().flight
    with pytest.raises(CommandError, match=r"is no time|is not before"):
        run(str(flight.pk), "--since", since)
