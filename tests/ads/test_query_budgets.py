"""Every list and page of the admin asks the database as often for many rows as for few, and no oftener than its budget says.

The budgets stand in query_budgets.json, page by page, and are reviewed as code: ``UPDATE_QUERY_BUDGETS=1`` writes what was counted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from adplatform.eventlog import consumer, stream
from adplatform.permissions import AD_OPS, AD_OPS_LEAD, READ_ONLY
from ads import live_inventory
from ads.models import Ad, AdEvent, Decision, FlightForecast, LedgerEntry
from ads.serving import serve_break

from .inventory import NOW, make_ad, make_request, track

pytestmark = pytest.mark.django_db

FILE = Path(__file__).with_name("query_budgets.json")
FEW, MANY = 4, 14
ROLES = (AD_OPS_LEAD, AD_OPS, READ_ONLY)


@dataclass(frozen=True)
class Rows:
    """One row of each kind, there from the start."""

    ad: Ad
    entry: LedgerEntry
    decision: Decision
    event: AdEvent


def _list(model: str, query: str = "") -> Callable[[Rows], str]:
    return lambda rows: reverse(f"admin:ads_{model}_changelist") + query


def _page(name: str, key: Callable[[Rows], object]) -> Callable[[Rows], str]:
    return lambda rows: reverse(f"admin:{name}", args=[key(rows)])


def _steer(model: str, verb: str) -> Callable[[Rows], str]:
    return lambda rows: reverse(f"admin:ads_{model}_steer", args=[rows.ad.flight_id if model == "flight" else rows.ad.flight.campaign_id, verb])


# Name of a page in query_budgets.json -> its address.
PAGES: dict[str, Callable[[Rows], str]] = {
    "home": lambda rows: reverse("admin:index"),
    "advertiser list": _list("advertiser"),
    "campaign list": _list("campaign"),
    "campaign list, narrowed": _list("campaign", "?standing=live&ends=30&o=-7"),
    "campaign page": _page("ads_campaign_change", lambda rows: rows.ad.flight.campaign_id),
    "campaign history": _page("ads_campaign_history", lambda rows: rows.ad.flight.campaign_id),
    "flight list": _list("flight"),
    "flight list, narrowed": _list("flight", "?standing=serving&pace=behind&ads=waiting&ends=30&q=Flight&o=-3"),
    "flight page": _page("ads_flight_change", lambda rows: rows.ad.flight_id),
    "flight, why it does not serve": _page("ads_flight_why", lambda rows: rows.ad.flight_id),
    "flight history": _page("ads_flight_history", lambda rows: rows.ad.flight_id),
    "flight, forecast": _page("ads_flight_forecast", lambda rows: rows.ad.flight_id),
    **{f"flight, {verb}": _steer("flight", verb) for verb in ("pause", "extend", "duplicate", "end")},
    "campaign, duplicate": _steer("campaign", "duplicate"),
    "flight, refund": _page("ads_flight_refund", lambda rows: rows.ad.flight_id),
    "flights, import": lambda rows: reverse("admin:ads_flight_import"),
    "flights, export": lambda rows: reverse("admin:ads_flight_export"),
    "campaigns, export": lambda rows: reverse("admin:ads_campaign_export"),
    "ads, export": lambda rows: reverse("admin:ads_ad_export"),
    "ad list": _list("ad"),
    "ad page": _page("ads_ad_change", lambda rows: rows.ad.pk),
    "ad history": _page("ads_ad_history", lambda rows: rows.ad.pk),
    "delivery report": lambda rows: reverse("admin:report") + "?by=campaign,flight,ad,title&compare=1&period=28d&show=impressions,invalid_clicks",
    "reach": lambda rows: f"{reverse('admin:report_reach')}?campaign={rows.ad.flight.campaign_id}",
    "statements": lambda rows: reverse("admin:report_statements"),
    "statement": lambda rows: reverse("admin:report_statement", args=[rows.ad.flight.campaign.advertiser_id, f"{NOW:%Y-%m}"]),
    "creatives to review": lambda rows: reverse("admin:ads_ad_review"),
    "ad policy list": _list("adpolicy"),
    "ledger": _list("ledgerentry"),
    "ledger entry": _page("ads_ledgerentry_change", lambda rows: rows.entry.pk),
    "decision list": _list("decision"),
    "decision page": _page("ads_decision_change", lambda rows: rows.decision.pk),
    "event list": _list("adevent"),
    "API keys": lambda rows: reverse("admin:adplatform_apikey_changelist"),
    "API key, new": lambda rows: reverse("admin:adplatform_apikey_add"),
}


# What the others open all day; what is shown to one of these groups is shown to the lead too, so the other pages are asked for once.
DAILY = {
    AD_OPS: ("home", "flight page", "flights, import"),
    READ_ONLY: ("home", "campaign list", "flight list", "flight page", "ad list"),
}


def test_no_page_asks_oftener_for_many_rows_than_for_few_nor_than_its_budget() -> None:
    call_command("sync_groups", verbosity=0)
    clients = {role: _signed_in(role) for role in ROLES}
    lead = clients[AD_OPS_LEAD]
    _more(FEW)
    rows = Rows(Ad.objects.all()[:1].get(), LedgerEntry.objects.all()[:1].get(), Decision.objects.all()[:1].get(), AdEvent.objects.all()[:1].get())
    few = {name: _queries(lead, page(rows)) for name, page in PAGES.items()}
    _more(MANY - FEW)
    most = {name: _queries(lead, page(rows)) for name, page in PAGES.items()}
    grown = {name: f"{few[name]} queries with {FEW} rows, {count} with {MANY}" for name, count in most.items() if count > few[name]}
    assert not grown
    for role, pages in DAILY.items():
        most |= {name: max(most[name], _queries(clients[role], PAGES[name](rows))) for name in pages}
    if os.environ.get("UPDATE_QUERY_BUDGETS"):
        FILE.write_text(json.dumps(most, indent=2) + "\n")
    budgets = json.loads(FILE.read_text())
    over = {name: f"{count} queries, budget {budgets.get(name, 'none')}" for name, count in most.items() if count > budgets.get(name, -1)}
    assert not over, "Ask less, or raise the budget on purpose with UPDATE_QUERY_BUDGETS=1."


def _signed_in(role: str) -> Client:
    user = User.objects.create_user(role, is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def _queries(client: Client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(address)
    assert answer.status_code == 200, address
    return len(captured)


def _more(count: int) -> None:
    """Flights with an ad each, half of them at risk, every third ad in review, and one decision served, charged and counted for each."""
    now = datetime.now(UTC)
    for number in range(count):
        ad = make_ad(starts_at=NOW - timedelta(days=1), ends_at=now + timedelta(days=2))
        warning = "It will miss its goal." if number % 2 else ""
        FlightForecast.objects.create(flight=ad.flight, computed_at=now, supply=[], expected_delivery=10, warning=warning)
        if number % 3 == 0:
            waiting = Ad.objects.get(pk=ad.pk)
            waiting.pk, waiting.name, waiting.universal_ad_id, waiting.review = (
                None,
                f"{ad.name} again",
                f"{ad.universal_ad_id}/2",
                Ad.Review.IN_REVIEW,
            )
            waiting.save()
    stream.client().delete(live_inventory.VERSION_KEY)
    for _ in range(count // 2):
        for served in serve_break(make_request(), now=NOW).ads:
            track(served.token, "ad.impression", at=NOW)
    consumer.drain(now=NOW)
