"""Why a figure moved, over rows whose story is known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from pytest_django.plugin import DjangoDbBlocker

from ads import services
from ads.models import Campaign, DeliveryDay, Flight
from insights.chat.context import Context, Outcome
from insights.chat.grounding import fill
from insights.chat.why.explain import explained
from insights.semantic.access import OPERATOR, Scope
from insights.semantic.compiler import QueryError
from insights.semantic.loading import load
from insights.semantic.query import Filter, Period, SemanticQuery
from tests.insights.business import NOW, TODAY, Business

pytestmark = pytest.mark.django_db(databases=["default", "insights"])
DAY = timedelta(days=1)
YESTERDAY = Period(start=TODAY - DAY, end=TODAY, label="yesterday (2026-11-20, UTC)")
WEEK_BEFORE = Period(start=TODAY - 8 * DAY, end=TODAY - 7 * DAY, label="the Friday before (2026-11-13, UTC)")


@pytest.fixture(scope="module")
def story(business: Business, django_db_blocker: DjangoDbBlocker) -> Iterator[Business]:
    """Nine Fridays on which a campaign's clicks are steady, but on the last one nobody on mobile clicked."""
    with django_db_blocker.unblock():
        flight = Flight.objects.get(campaign__name="Electric Dawn")
        rows = [row for back in (1, 8, 15, 22, 29, 36, 43, 50, 57) for row in friday(business, flight, back)]
        DeliveryDay.objects.bulk_create(DeliveryDay(**row) for row in rows)
        yield business
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM ads_deliveryday WHERE ad_id = 0")


def friday(business: Business, flight: Flight, back: int) -> list[dict[str, Any]]:
    shared = {
        "bucket": TODAY - timedelta(days=back), "advertiser_id": flight.campaign.advertiser_id, "campaign_id": flight.campaign_id,
        "flight_id": flight.pk, "ad_id": 0, "title_id": business.titles["Ember Coast"], "genre": "drama",
    }  # fmt: skip
    clicks = 0 if back == 1 else 2000 + back
    return [
        shared | {"device": "tv", "impressions": 100_000, "clicks": 1000 + back, "completed_views": 1, "revenue_micros": 0},
        shared | {"device": "mobile", "impressions": 100_000, "clicks": clicks, "completed_views": 1, "revenue_micros": 0},
    ]


def why(measure: str, *, period: Period = YESTERDAY, baseline: Period | None = WEEK_BEFORE, scope: Scope = OPERATOR, **more: Any) -> Outcome:
    query = SemanticQuery(intent="why", cube="delivery", measures=(measure,), period=period, baseline=baseline, **more)
    return explained(query, Context(scope, load(), NOW, "USD"))


def dated(flight: Flight) -> None:
    """The flight is old, its change of a Wednesday."""
    flight.history.filter(history_type="+").update(history_date=TODAY - 90 * DAY)
    flight.history.filter(history_type="~").update(history_date=datetime(2026, 11, 18, 12, tzinfo=NOW.tzinfo))


def text(outcome: Outcome) -> str:
    return fill(outcome.draft, outcome.facts)


def test_a_fall_is_held_against_earlier_weeks_and_led_back_to_what_made_it(story: Business) -> None:
    outcome = why("ctr")
    told = text(outcome)
    assert told.startswith("CTR fell from")
    assert "out of the ordinary" in told
    assert "device mobile" in told
    assert "not proof of cause" in told
    first = dict(zip([column.name for column in outcome.facts.columns], outcome.facts.rows[0], strict=True))
    assert (first["kind"], first["part"]) == ("device", "mobile")
    assert first["contribution"] == pytest.approx(first["rate"] + first["mix"])
    assert first["explains"] > 0.9


def test_the_parts_stand_for_what_sql_by_hand_says(story: Business) -> None:
    outcome = why("clicks")
    device = {row[1]: row for row in outcome.facts.rows if row[0] == "device"}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(clicks) FILTER (WHERE bucket = '2026-11-13'), sum(clicks) FILTER (WHERE bucket = '2026-11-20')"
            " FROM ads_deliveryday WHERE device = 'mobile'"
        )
        assert device["mobile"][2:4] == cursor.fetchone()
        cursor.execute(
            "SELECT sum(clicks) FILTER (WHERE bucket = '2026-11-20') - sum(clicks) FILTER (WHERE bucket = '2026-11-13') FROM ads_deliveryday"
        )
        assert device["mobile"][5] == pytest.approx(device["mobile"][4] / float(cursor.fetchone()[0]))


def test_without_a_baseline_a_day_is_held_against_the_same_weekday(story: Business) -> None:
    assert "the same day of the week before (2026-11-13)" in text(why("clicks", baseline=None))


def test_where_the_weekday_before_has_no_rows_the_day_before_is_taken_and_named(story: Business) -> None:
    before = Period(start=TODAY - 60 * DAY, end=TODAY - 59 * DAY, label="long before (some day)")
    second = Period(start=TODAY - 19 * DAY, end=TODAY - 18 * DAY, label="the second day")
    told = text(why("completed_views", period=second, baseline=before))
    assert "the day before (2026-11-01; nothing is recorded for long before)" in told


def test_a_period_or_a_baseline_without_data_has_no_change_to_explain(story: Business) -> None:
    empty = Period(start=TODAY - 400 * DAY, end=TODAY - 399 * DAY, label="a day long ago")
    first = Period(start=TODAY - 20 * DAY, end=TODAY - 19 * DAY, label="the first day")
    for outcome in (why("completed_views", period=first, baseline=empty), why("completion_rate", period=first, baseline=empty)):
        assert "There is no data in a day long ago" in text(outcome)
        assert not outcome.filled
    assert "There is no data in a day long ago" in text(why("clicks", period=empty, baseline=WEEK_BEFORE))


def test_what_was_changed_meanwhile_is_listed_as_no_proof_and_only_of_what_it_is_about(story: Business) -> None:
    actor = User.objects.create_user("ann", is_superuser=True)
    for name in ("Electric Dawn", "Morning Ritual"):
        flight = Flight.objects.get(campaign__name=name)
        services.row_update(actor=actor, row=flight, changes={"bid_micros": flight.bid_micros + 5_000_000})
        dated(flight)
    outcome = why("clicks")
    heading, columns, rows = outcome.more[0]
    assert "not proof" in heading
    assert [column.name for column in columns] == ["at", "what", "change", "who"]
    assert {row[1] for row in rows} >= {"flight Autumn"}
    assert any("bid from 10.00 to 15.00 USD" in row[2] and row[3] == "ann" for row in rows)
    campaign = Campaign.objects.get(name="Electric Dawn")
    about = why("clicks", filters=(Filter(dimension="campaign", values=(campaign.pk,), labels=("Electric Dawn",)),))
    assert len([row for row in about.more[0][2] if "bid" in row[2]]) == 1


def test_a_member_is_told_of_their_own_rows_and_changes_alone(story: Business) -> None:
    actor = User.objects.create_user("ann", is_superuser=True)
    for flight in Flight.objects.exclude(tier=Flight.Tier.HOUSE):
        services.row_update(actor=actor, row=flight, changes={"bid_micros": flight.bid_micros + 1_000_000})
        dated(flight)
    volt = Scope(advertiser=story.advertisers["Volt Motors"], groups=frozenset({"advertiser-member"}))
    outcome = why("clicks", scope=volt)
    assert len([row for row in outcome.more[0][2] if "bid" in row[2]]) == 1
    assert {row[1] for row in outcome.facts.rows if row[0] == "campaign"} <= {"Electric Dawn"}
    assert "Silver Lantern" not in str(outcome)


def test_what_has_no_parts_or_no_period_is_refused_in_words(story: Business) -> None:
    with pytest.raises(QueryError, match="a change needs a period"):
        why("clicks", period=Period())


def test_every_answer_says_which_statements_were_run(story: Business) -> None:
    purposes = [ran.purpose for ran in why("ctr").statements]
    assert purposes[0] == "both periods"
    assert "both periods by device" in purposes
    assert purposes[-1] == "the weeks before"
