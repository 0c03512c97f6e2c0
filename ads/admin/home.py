"""The admin's first page: for each person what they may see of what is in danger, waits, was earned and has changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.timesince import timesince

from ads import overview
from ads.models import Ad, AdPolicy, Campaign, Flight
from ads.scope import advertiser_of
from ads.standing import Days
from catalog.models import MediaAsset, Title
from catalog.selectors import still_url

from . import bars, show
from .flight_list import days_left

FLIGHTS = "admin:ads_flight_changelist"
HISTORY_TYPES = {"+": "created", "~": "changed", "-": "removed"}


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's DASHBOARD_CALLBACK: what the template of the first page is given beside Unfold's own."""
    user, now = request.user, datetime.now(UTC)
    may = user.has_perm
    home: dict[str, Any] = {"now": now, "narrowed": advertiser_of(user) is not None}
    if may("ads.view_ad"):
        home |= _creatives(request, now)
    models = [model for model in (Campaign, Flight, Ad, AdPolicy) if may(f"ads.view_{model._meta.model_name}")]
    if models and may("ads.view_historicalflight"):
        home["changes"] = [_change(row) for row in overview.changes(user, models)]
    if may("ads.view_flight"):
        home |= _selling(request, now)
    elif may("catalog.view_title"):
        home["catalogue"] = _catalogue()
    return {**context, "title": "Overview", "home": home}


def _selling(request: HttpRequest, now: datetime) -> dict[str, Any]:
    user = request.user
    counts = overview.counts(user, now)
    listing = reverse(FLIGHTS)
    return {
        "figures": [*(_money(overview.earned(user, now), now) if request.user.has_perm("ads.view_ledgerentry") or advertiser_of(user) else ())],
        "flights": [
            {"words": words, "count": count, "address": f"{listing}?{query}", "kind": kind if count else ""}
            for words, count, query, kind in (
                ("serving now", counts.live, "standing=serving", ""),
                ("at risk", counts.risk, "standing=at_risk", "is-bad"),
                ("behind", counts.behind, "pace=behind&standing=serving", "is-bad"),
                ("ahead", counts.ahead, "pace=ahead&standing=serving", "is-warm"),
                ("without an approved ad", counts.silent, "standing=silent", "is-bad"),
                ("scheduled", counts.scheduled, "standing=scheduled", ""),
                ("draft" if counts.drafts == 1 else "drafts", counts.drafts, "standing=draft", ""),
            )
        ],
        "risks": [_risk(flight) for flight in overview.at_risk(user, now)],
        "risk_total": counts.risk,
        "ending": [_ending(flight) for flight in overview.ending_soon(user, now)],
        "may_add": request.user.has_perm("ads.add_flight"),
    }


def _money(earned: overview.Earned, now: datetime) -> list[dict[str, Any]]:
    days = Days((now - timedelta(days=overview.TREND_DAYS - 1)).date(), tuple(max(0, micros) // 10_000 for micros in earned.days), earned.synthetic)
    figures: list[dict[str, Any]] = [
        {"words": "Spend today", "figure": show.money(earned.micros), "beside": f"{show.money(earned.before_micros)} by this time yesterday",
         "trend": _trend(earned.micros, earned.before_micros)},
        {"words": f"Spend in {now:%B}", "figure": show.money(earned.month_micros), "picture": bars.sparkline(days, unit="Spend a day, in cents")},
        {"words": "Impressions today", "figure": show.count(earned.impressions),
         "beside": f"{show.count(earned.before_impressions)} by this time yesterday",
         "trend": _trend(earned.impressions, earned.before_impressions)},
        {"words": "eCPM today", "figure": show.money(earned.ecpm_micros), "beside": "for a thousand impressions"},
    ]  # fmt: skip
    if earned.requests is not None:
        rate = "-" if earned.fill_rate is None else f"{earned.fill_rate:.1%}"
        figures.append(
            {"words": "Fill rate today", "figure": rate, "beside": f"{show.count(earned.filled or 0)} of {show.count(earned.requests)} breaks"}
        )
    for figure in figures:
        figure["synthetic"] = earned.synthetic
    return figures


def _trend(now: int, before: int) -> str:
    if not before:
        return ""
    return f"{'+' if now >= before else '-'}{abs(now - before) / before:.0%}"


def _risk(flight: Any) -> dict[str, Any]:
    return {
        "name": flight.name,
        "campaign": flight.campaign.name,
        "share": "no goal" if flight.expected_share is None else f"{flight.expected_share:.0%}",
        "bar": bars.delivery(flight.expected_share, due=None, words="of its goal expected"),
        "why": flight.forecast.warning,
        "left": days_left(flight.starts_at, flight.ends_at),
        "address": reverse("admin:ads_flight_why", args=[flight.pk]),
    }


def _ending(flight: Any) -> dict[str, Any]:
    share = flight.done / flight.whole if flight.whole else None
    return {
        "name": flight.name,
        "campaign": flight.campaign.name,
        "state": bars.state(flight.standing),
        "bar": bars.delivery(share, due=flight.due, words=show.goal_words(flight), pace=flight.pace),
        "left": days_left(flight.starts_at, flight.ends_at),
        "address": reverse("admin:ads_flight_change", args=[flight.pk]),
    }


def _creatives(request: HttpRequest, now: datetime) -> dict[str, Any]:
    ads, total = overview.waiting(request.user)
    return {
        "waiting": [
            {
                "name": ad.name, "of": str(ad.flight), "still": still_url(ad.asset) if ad.asset.state == MediaAsset.State.READY else "",
                "since": f"waits for {timesince(ad.since, now)}" if ad.since else "waits", "address": reverse("admin:ads_ad_change", args=[ad.pk]),
            }
            for ad in ads
        ],
        "waiting_total": total,
        "may_review": request.user.has_perm("ads.approve_ad"),
        "refused": [
            {"name": one.name, "of": one.flight, "why": one.why, "address": reverse("admin:ads_ad_change", args=[one.ad])}
            for one in overview.refused(request.user, now)
        ],
    }  # fmt: skip


def _change(row: Any) -> dict[str, Any]:
    kind = row.instance_type._meta
    known = f"admin:{kind.app_label}_{kind.model_name}_history"
    return {
        "who": str(row.history_user) if row.history_user else "the system",
        "did": (row.history_change_reason or HISTORY_TYPES[row.history_type]).lower().removesuffix("."),
        "kind": str(kind.verbose_name),
        "name": getattr(row, "name", "") or "",
        "when": row.history_date,
        "address": reverse(known, args=[row.id]) if admin.site.is_registered(row.instance_type) else "",
    }


def _catalogue() -> list[dict[str, Any]]:
    titles = Title.objects.aggregate(shown=Count("pk", filter=Q(published=True)), hidden=Count("pk", filter=Q(published=False)))
    clips = MediaAsset.objects.aggregate(
        broken=Count("pk", filter=Q(state=MediaAsset.State.BROKEN)), building=Count("pk", filter=Q(state=MediaAsset.State.BUILDING))
    )
    pages = [
        ("titles published", titles["shown"], "title", "published__exact=1", ""),
        ("titles hidden", titles["hidden"], "title", "published__exact=0", ""),
    ]
    pages += [
        ("clips being made", clips["building"], "mediaasset", "state__exact=building", ""),
        ("clips broken", clips["broken"], "mediaasset", "state__exact=broken", "is-bad"),
    ]
    return [
        {"words": words, "count": count, "address": f"{reverse(f'admin:catalog_{model}_changelist')}?{query}", "kind": kind if count else ""}
        for words, count, model, query, kind in pages
    ]
