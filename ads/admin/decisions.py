"""Decisions: what was asked, who could have served, who did and at what price; and the same decision made again."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import RangeDateTimeFilter

from adplatform.models import ModelVersion
from ads.ctr import scorer
from ads.decision.explanation import REASONS
from ads.models import Ad, Decision, Flight
from ads.replay import NotReplayable, replay
from ads.reports.lift import Comparison, lift

from . import show
from .billing import Booked

LIFT_DAYS = 28


@admin.register(Decision)
class DecisionAdmin(Booked):
    list_display = ["decided_at", "break_id", "device", "served", "price", "eligible", "took", "ranked_by", "synthetic"]
    list_filter = [("decided_at", RangeDateTimeFilter), "control", "synthetic"]
    search_fields = ["=id", "=session", "=viewer"]
    search_help_text = "A decision, session or viewer id"
    ordering = ["-decided_at"]
    fields = ["explained", "decided_at", "session", "viewer", "title", "break_id", "model_version", "inventory_version", "seed", "milliseconds"]
    readonly_fields = ["explained"]

    def get_urls(self) -> list[Any]:
        return [path("lift/", self.admin_site.admin_view(self.lift), name="ads_decision_lift"), *super().get_urls()]

    def lift(self, request: HttpRequest) -> HttpResponse:
        """What the click model is worth, read against the permanent control slice."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = lift(until=datetime.now(UTC), days=LIFT_DAYS)
        compared = [_compared(one) for one in (found.overall, *found.versions)] if found.versions else []
        context = {**self.admin_site.each_context(request), "title": "What the model is worth", "days": LIFT_DAYS, "compared": compared}
        return TemplateResponse(request, "ads/admin/lift.html", context)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Decision]:
        # State and scores are large and only a replay reads them.
        rows: QuerySet[Decision] = super().get_queryset(request).defer("state")
        return rows

    @show.column("Device")
    def device(self, decision: Decision) -> str:
        return str(decision.request.get("device", ""))

    @show.column("Served")
    def served(self, decision: Decision) -> str:
        return ", ".join(slot["name"] for slot in decision.slots) or "nothing"

    @show.column("Price")
    def price(self, decision: Decision) -> str:
        return show.money(sum(slot["price_micros"] for slot in decision.slots), digits=4)

    @show.column("Eligible")
    def eligible(self, decision: Decision) -> str:
        return f"{decision.explanation['eligible']} of {decision.explanation['considered']}"

    @show.column("Took", ordering="milliseconds")
    def took(self, decision: Decision) -> str:
        return f"{decision.milliseconds:.1f} ms"

    @show.column("Ranked by", ordering="model_version")
    def ranked_by(self, decision: Decision) -> str:
        return ranked_by(decision)

    @show.column("Explanation")
    def explained(self, decision: Decision) -> SafeString:
        return show.once(decision, "explained", lambda: render_to_string("ads/admin/explanation.html", explanation_context(decision)))


def _compared(one: Comparison) -> dict[str, Any]:
    return {
        "name": "All versions" if one.model_version is None else f"Model {one.model_version}",
        "model": one.model,
        "control": one.control,
        "since": one.since,
        "until": one.until,
        "figures": [
            {
                "name": figure.name.replace("_", " ").capitalize(),
                "model": _figure(figure.model, figure.unit),
                "control": _figure(figure.control, figure.unit),
                "difference": _figure(figure.difference, figure.unit),
                "interval": "-" if figure.ci_low is None else f"{_figure(figure.ci_low, figure.unit)} to {_figure(figure.ci_high, figure.unit)}",
                "verdict": figure.verdict.replace("_", " ").capitalize(),
            }
            for figure in one.figures
        ],
    }


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return show.money(round(value)) if unit == "micros" else f"{value:.2%}"


def ranked_by(decision: Decision) -> str:
    if decision.control:
        return "rates alone (control)"
    return "rates alone" if decision.model_version is None else f"model {decision.model_version}"


def explanation_context(decision: Decision) -> dict[str, Any]:
    """The stored explanation with names and amounts, for people."""
    explanation = decision.explanation
    others = explanation["others"]
    names = dict(Ad.objects.filter(pk__in=[ad for ads in others.values() for ad in ads]).values_list("pk", "name"))
    empty = explanation.get("unfilled")
    return {
        "request": decision.request,
        "reserve": show.money(decision.request.get("reserve_micros", 0) * 1000),
        "slots": [
            {
                **slot,
                "row": f"{decision.pk}/{slot['slot'] + 1}",
                "price": show.money(slot["price_micros"], digits=4),
                "bid_value": show.money(round(slot["value_micros"]), digits=4),
            }
            for slot in decision.slots
        ],
        "candidates": [_candidate(candidate) for candidate in explanation["candidates"]],
        "others": [
            {"code": code, "words": REASONS.get(code, code), "ads": [names.get(ad, f"ad {ad}") for ad in ads]} for code, ads in sorted(others.items())
        ],
        "eligible": explanation["eligible"],
        "considered": explanation["considered"],
        "unfilled": {"seconds": empty["seconds"], "words": REASONS.get(empty["reason"], empty["reason"])} if empty else None,
        "control": decision.control,
        "model": decision.model_version,
        "card": _card(decision),
        "replay": replayed(decision),
    }


def _card(decision: Decision) -> str | None:
    """Where the model that ranked it takes its predictions apart."""
    version = ModelVersion.objects.filter(kind=scorer.KIND, number=decision.model_version).only("pk").first() if decision.model_version else None
    return None if version is None else reverse("admin:adplatform_modelversion_card", args=[version.pk])


def _candidate(candidate: dict[str, Any]) -> dict[str, Any]:
    # Decisions of an earlier release hold less.
    pacing = candidate["pacing"] if isinstance(candidate["pacing"], dict) else {"signal": candidate["pacing"]}
    tier = candidate.get("tier")
    chance = candidate["propensity"]
    return {
        **candidate,
        "tier_words": f"{Flight.Tier(tier).label.partition(':')[0]}, priority {candidate['priority']}"
        if tier
        else f"priority {candidate['priority']}",
        "value": show.money(round(candidate["value_micros"]), digits=4),
        "price": show.money(candidate["price_micros"], digits=4),
        "rank": f"x {candidate.get('quality', 1.0):.2f} quality x {candidate.get('multiplier', 1.0):.2f} pacing",
        "score_shown": show.money(round(candidate.get("score", candidate["value_micros"])), digits=4),
        "click_share": f"{candidate['pctr']:.2%}",
        "view_share": f"{candidate['pvcr']:.0%}",
        "pacing_share": f"{pacing['signal']:.0%}",
        "pacing_words": pacing.get("words", ""),
        "planned": f"{pacing['planned']:.0%} planned, {pacing['delivered']:.0%} delivered" if pacing.get("planned") is not None else "",
        "chance": "-" if chance is None else f"{chance:.2%}",
    }


def replayed(decision: Decision) -> dict[str, Any]:
    """Whether the decision, made again from what was stored with it, comes out the same."""
    try:
        again = replay(decision)
    except NotReplayable as error:
        return {"same": None, "words": f"It cannot be made again: {error}."}
    if again.same:
        return {"same": True, "words": "Made again from what was stored, it comes out the same: ads, prices and chances, bit for bit."}
    return {"same": False, "words": "Made again from what was stored, it comes out differently. That is a fault of ours; please report it."}
