"""Each finding is kept once, whoever finds it and however often; what is no longer so is closed, what was put aside stays aside."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection

from insights.findings.finding import CRITICAL, WARNING, Finding, Money
from insights.findings.services import insight_dismiss
from insights.findings.sources import Source
from insights.findings.store import insights_refresh, insights_write
from insights.models import Insight

NOW = datetime(2026, 11, 20, 14, tzinfo=UTC)
LATER = NOW + timedelta(minutes=5)
State = Insight.State


def a_finding(name: str = "flight-1", *, micros: int | None = 10_000_000, severity: int = WARNING) -> Finding:
    return Finding(
        kind="pacing", key=f"pacing:{name}", subject=name, words=f"{name} falls short", detail="Of 100, 40 are expected.", recommend="Widen it.",
        severity=severity, since=NOW, until=NOW, link="/live/", money=Money(micros, "60 short"),
    )  # fmt: skip


def kept() -> dict[str, str]:
    return dict(Insight.objects.values_list("key", "state"))


@pytest.mark.django_db
def test_found_twice_it_is_one_row_with_the_newer_figures_and_the_older_beginning() -> None:
    insights_write(now=NOW, found={"pacing": [a_finding()]})
    insights_write(now=LATER, found={"pacing": [a_finding(micros=12_000_000)]})
    row = Insight.objects.get()
    assert (row.money_micros, row.first_seen, row.last_seen, row.state) == (12_000_000, NOW, LATER, State.OPEN)


@pytest.mark.django_db
def test_an_older_run_that_ends_later_changes_nothing() -> None:
    insights_write(now=LATER, found={"pacing": [a_finding(micros=12_000_000)]})
    insights_write(now=NOW, found={"pacing": [a_finding(micros=1)]})
    assert Insight.objects.get().money_micros == 12_000_000
    assert insights_write(now=NOW, found={"pacing": []}) == 0


@pytest.mark.django_db
def test_what_is_no_longer_so_is_closed_and_comes_back_as_new() -> None:
    insights_write(now=NOW, found={"pacing": [a_finding()]})
    assert insights_write(now=LATER, found={"pacing": []}) == 1
    assert kept() == {"pacing:flight-1": State.GONE}
    back = LATER + timedelta(hours=1)
    insights_write(now=back, found={"pacing": [a_finding()]})
    assert Insight.objects.get().first_seen == back and kept() == {"pacing:flight-1": State.OPEN}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("again", "state"),
    [
        (a_finding(micros=15_000_000), State.DISMISSED),
        (a_finding(micros=15_000_001), State.OPEN),
        (a_finding(severity=CRITICAL), State.OPEN),
        (a_finding(micros=None), State.DISMISSED),
    ],
    ids=["half as much again", "more than that", "more severe", "no sum any more"],
)
def test_a_dismissed_one_opens_again_only_when_it_is_materially_worse(again: Finding, state: str) -> None:
    insights_write(now=NOW, found={"pacing": [a_finding()]})
    insight_dismiss(actor=User.objects.create_superuser("boss"), insight=Insight.objects.get(), now=NOW)
    insights_write(now=LATER, found={"pacing": [again]})
    assert kept() == {"pacing:flight-1": state}


@pytest.mark.django_db
def test_a_dismissed_one_that_flickers_stays_dismissed_for_a_day() -> None:
    insights_write(now=NOW, found={"pacing": [a_finding()]})
    insight_dismiss(actor=User.objects.create_superuser("boss"), insight=Insight.objects.get(), now=NOW)
    insights_write(now=LATER, found={"pacing": []})
    assert kept() == {"pacing:flight-1": State.DISMISSED}
    insights_write(now=NOW + timedelta(days=1, minutes=5), found={"pacing": []})
    assert kept() == {"pacing:flight-1": State.GONE}


@pytest.mark.django_db
def test_one_kind_that_cannot_be_judged_is_left_as_it_was_and_keeps_no_other_from_being_told() -> None:
    insights_write(now=NOW, found={"pacing": [a_finding()]})

    def broken(_: datetime) -> list[Finding]:
        with connection.cursor() as cursor:
            cursor.execute("SELECT * FROM no_such_table")
        raise AssertionError

    other = replace(a_finding(), kind="drift", key="drift:ctr-v1")
    run = insights_refresh(now=LATER, sources=(Source("pacing", "", broken), Source("drift", "", lambda _: [other])))
    assert kept() == {"pacing:flight-1": State.OPEN, "drift:ctr-v1": State.OPEN}
    assert "pacing could not be judged: ProgrammingError" in run.words


@pytest.mark.django_db(transaction=True)
def test_two_runs_at_once_keep_each_finding_once() -> None:
    found = [a_finding(f"flight-{number}") for number in range(40)]
    begin, problems = threading.Barrier(3), []

    def run(order: list[Finding]) -> None:
        try:
            begin.wait(10)
            insights_write(now=NOW, found={"pacing": order})
        except (DatabaseError, threading.BrokenBarrierError) as error:
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(order,)) for order in (found, found[::-1], found[20:] + found[:20])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert len(kept()) == 40 and set(kept().values()) == {State.OPEN}


@pytest.mark.django_db
def test_the_most_money_stands_first_then_the_most_severe() -> None:
    found = [
        a_finding("none", micros=None, severity=CRITICAL),
        a_finding("small", micros=1),
        a_finding("large", micros=9),
        a_finding("zero", micros=None),
    ]
    insights_write(now=NOW, found={"pacing": found})
    assert [row.subject for row in Insight.objects.all()] == ["large", "small", "none", "zero"]
