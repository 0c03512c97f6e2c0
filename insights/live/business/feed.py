"""What just happened, in words, each with a link to its evidence; and where today's revenue comes from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Q, Sum

from adplatform.eventlog.rollup import truncate
from adplatform.models import ModelVersion
from ads.models import BreakMinute, Campaign, DeliveryDay, Flight
from catalog.models import Title
from engagement.models import DirectorDecision

from .evidence import evidence
from .learning import kind_name
from .scope import EVERYTHING, Scope

LONGEST = 14
BUDGET_SHARE = 0.9
MODEL_WINDOW = timedelta(days=1)
BREAK_WINDOW = timedelta(minutes=10)
DIRECTOR_WINDOW = timedelta(minutes=10)


def _item(key: str, at: datetime, kind: str, text: str, link: str | None, detail: str = "") -> dict[str, Any]:
    return {"key": key, "at": at.isoformat(), "kind": kind, "text": text, "detail": detail, "link": link}


def latest(now: datetime, scope: Scope = EVERYTHING) -> list[dict[str, Any]]:
    """Newest first, at most LONGEST; budgets about to run out stand first because somebody must act on them."""
    if scope.sold:
        return _budgets(now, scope)
    director = list(
        DirectorDecision.objects.filter(_of_titles(scope), applied=True, decided_at__gte=now - DIRECTOR_WINDOW, decided_at__lte=now).order_by(
            "-decided_at"
        )[:6]
    )
    unfilled = list(
        BreakMinute.objects.filter(scope.place, bucket__gte=truncate(now - BREAK_WINDOW, "minute"), requests__gt=F("filled"))
        .values("bucket", "title_id")
        .annotate(missing=Sum(F("requests") - F("filled")))
        .order_by("-bucket", "title_id")[:4]
    )
    names = _title_names({row.title for row in director} | {row["title_id"] for row in unfilled})
    events = [*_director(director, names), *_unfilled(unfilled, names), *(_models(now) if scope.whole else [])]
    events.sort(key=lambda item: item["at"], reverse=True)
    return [*(_budgets(now, scope) if scope.whole else []), *events][:LONGEST]


def _of_titles(scope: Scope) -> Q:
    return Q() if scope.titles is None else Q(title__in=scope.titles)


def _title_names(ids: set[int]) -> dict[int, str]:
    return dict(Title.objects.filter(pk__in=ids).values_list("pk", "name"))


def _director(rows: Iterable[DirectorDecision], names: dict[int, str]) -> list[dict[str, Any]]:
    return [
        _item(
            f"director-{row.pk}",
            row.decided_at,
            "director",
            f"{names.get(row.title, 'A title')}: {_lower(row.get_action_display())}",
            evidence("engagement_directordecision", row.pk),
            row.reason,
        )
        for row in rows
    ]


def _lower(words: str) -> str:
    return words[:1].lower() + words[1:]


def _unfilled(rows: Iterable[Mapping[str, Any]], names: dict[int, str]) -> list[dict[str, Any]]:
    return [
        _item(
            f"unfilled-{row['bucket']:%H%M}-{row['title_id']}",
            row["bucket"],
            "unfilled",
            f"{names.get(row['title_id'], 'Unknown title')}: {row['missing']} {'break' if row['missing'] == 1 else 'breaks'} without an ad",
            evidence("ads_decision", query=f"?title={row['title_id']}"),
        )
        for row in rows
    ]


def _models(now: datetime) -> list[dict[str, Any]]:
    done = (ModelVersion.Status.PROMOTED, ModelVersion.Status.REFUSED)
    rows = ModelVersion.objects.filter(status__in=done, trained_at__gte=now - MODEL_WINDOW, trained_at__lte=now).order_by("-trained_at")[:4]
    return [
        _item(
            f"model-{row.pk}-{row.status}",
            row.trained_at or row.created_at,
            "model",
            f"{kind_name(row.kind)} model v{row.number} {row.status}",
            evidence("adplatform_modelversion", row.pk),
            row.verdict,
        )
        for row in rows
    ]


def _of_seller(scope: Scope) -> Q:
    given = {"campaign_id": scope.campaign, "campaign__advertiser_id": scope.advertiser}
    return Q(**{name: value for name, value in given.items() if value is not None})


def _budgets(now: datetime, scope: Scope) -> list[dict[str, Any]]:
    rows = (
        Flight.objects.filter(_of_seller(scope), state=Flight.State.LIVE, starts_at__lte=now, ends_at__gt=now, budget_micros__gt=0)
        .filter(balance__booked_micros__gt=F("budget_micros") * BUDGET_SHARE)
        .select_related("campaign", "balance")
        .order_by((F("balance__booked_micros") * 1.0 / F("budget_micros")).desc())[:4]
    )
    return [
        _item(
            f"budget-{row.pk}",
            now.replace(second=0, microsecond=0),
            "budget",
            f"{row.campaign.name} / {row.name}: {row.balance.booked_micros / row.budget_micros:.0%} of its budget is spent",
            evidence("ads_flight", row.pk),
            f"Flight ends {row.ends_at:%d %b %H:%M} UTC",
        )
        for row in rows
    ]


def top_campaigns(now: datetime, scope: Scope = EVERYTHING) -> list[dict[str, Any]]:
    """The five campaigns that earned most today. Two queries."""
    rows = list(
        DeliveryDay.objects.filter(scope.delivery, bucket=truncate(now, "day"))
        .values("campaign_id")
        .annotate(revenue=Sum("revenue_micros"), shown=Sum("impressions"), clicked=Sum("clicks"))
        .order_by("-revenue", "campaign_id")[:5]
    )
    names = dict(Campaign.objects.filter(pk__in=[row["campaign_id"] for row in rows]).values_list("pk", "name"))
    return [
        {
            "name": names.get(row["campaign_id"], f"Campaign {row['campaign_id']}"),
            "revenue": row["revenue"],
            "impressions": row["shown"],
            "clicks": row["clicked"],
            "link": evidence("ads_campaign", row["campaign_id"]),
        }
        for row in rows
    ]
