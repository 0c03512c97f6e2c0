"""Decisions, tracking events and the ledger: read, searched and explained, never changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter, RelatedDropdownFilter
from unfold.paginator import InfinitePaginator

from ads.decision.explanation import REASONS
from ads.models import Ad, AdEvent, Decision, LedgerEntry

from . import show


class Booked(ModelAdmin):  # type: ignore[misc]
    """Rows the machine writes. Nobody adds, changes or deletes them."""

    list_fullwidth = True
    list_filter_submit = True
    paginator = InfinitePaginator
    show_full_result_count = False
    list_per_page = 50

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(LedgerEntry)
class LedgerEntryAdmin(Booked):
    list_display = ["booked_at", "kind", "amount", "campaign_name", "flight_name", "ad_name", "reason", "why", "synthetic"]
    list_filter = [("kind", ChoicesDropdownFilter), ("campaign", RelatedDropdownFilter), ("booked_at", RangeDateTimeFilter), "reason", "synthetic"]
    search_fields = ["=decision", "campaign__name", "flight__name", "ad__name"]
    fields = [
        "decision", "slot", "kind", "amount", "reason", "advertiser", "campaign", "flight", "ad", "event", "occurred_at", "booked_at", "synthetic",
    ]  # fmt: skip
    readonly_fields = ["amount"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerEntry]:
        rows: QuerySet[LedgerEntry] = super().get_queryset(request).select_related("campaign", "flight__campaign", "ad", "advertiser")
        return rows

    @show.column("Amount", ordering="amount_micros")
    def amount(self, entry: LedgerEntry) -> str:
        return show.money(entry.amount_micros, digits=6)

    @show.column("Campaign", ordering="campaign__name")
    def campaign_name(self, entry: LedgerEntry) -> str:
        return entry.campaign.name

    @show.column("Flight", ordering="flight__name")
    def flight_name(self, entry: LedgerEntry) -> str:
        return entry.flight.name

    @show.column("Ad", ordering="ad__name")
    def ad_name(self, entry: LedgerEntry) -> str:
        return entry.ad.name

    @show.column("Decision")
    def why(self, entry: LedgerEntry) -> SafeString:
        return decision_link(entry.decision)


def decision_link(decision: Any) -> SafeString:
    return format_html('<a class="text-link" href="{}">why</a>', reverse("admin:ads_decision_change", args=[decision]))


@admin.register(Decision)
class DecisionAdmin(Booked):
    list_display = ["decided_at", "break_id", "device", "served", "price", "eligible", "took", "model_version", "synthetic"]
    list_filter = [("decided_at", RangeDateTimeFilter), "synthetic"]
    search_fields = ["=id", "=session", "=viewer"]
    search_help_text = "A decision, session or viewer id"
    ordering = ["-decided_at"]
    fields = ["explained", "decided_at", "session", "viewer", "title", "break_id", "model_version", "inventory_version", "seed", "milliseconds"]
    readonly_fields = ["explained"]

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

    @show.column("Explanation")
    def explained(self, decision: Decision) -> SafeString:
        return render_to_string("ads/admin/explanation.html", explanation_context(decision))


def explanation_context(decision: Decision) -> dict[str, Any]:
    """The stored explanation with names and amounts, for people."""
    explanation = decision.explanation
    others = explanation["others"]
    names = dict(Ad.objects.filter(pk__in=[ad for ads in others.values() for ad in ads]).values_list("pk", "name"))
    return {
        "request": decision.request,
        "slots": [
            {**slot, "price": show.money(slot["price_micros"], digits=4), "bid_value": show.money(round(slot["value_micros"]), digits=4)}
            for slot in decision.slots
        ],
        "candidates": [
            {
                **candidate,
                "value": show.money(round(candidate["value_micros"]), digits=4),
                "price": show.money(candidate["price_micros"], digits=4),
                "click_share": f"{candidate['pctr']:.2%}",
                "view_share": f"{candidate['pvcr']:.0%}",
                "pacing_share": f"{candidate['pacing']['signal']:.0%}",
            }
            for candidate in explanation["candidates"]
        ],
        "others": [
            {"code": code, "words": REASONS.get(code, code), "ads": [names.get(ad, f"ad {ad}") for ad in ads]} for code, ads in sorted(others.items())
        ],
        "eligible": explanation["eligible"],
        "considered": explanation["considered"],
    }


class ValidityFilter(admin.SimpleListFilter):
    title = "validity"
    parameter_name = "valid"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Valid"), ("no", "Invalid")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AdEvent]) -> QuerySet[AdEvent]:
        return queryset if self.value() is None else queryset.filter(valid=self.value() == "yes")


@admin.register(AdEvent)
class AdEventAdmin(Booked):
    list_display = ["occurred_at", "kind", "counted", "ad_id_shown", "reason", "slot", "why", "synthetic"]
    list_filter = [ValidityFilter, ("occurred_at", RangeDateTimeFilter), "synthetic"]
    search_fields = ["=decision", "=session", "=id"]
    search_help_text = "A decision, session or event id"
    ordering = ["-occurred_at"]

    @show.column("Event", ordering="type")
    def kind(self, event: AdEvent) -> str:
        return event.type.removeprefix("ad.").replace("_", " ")

    @show.column("Counts", label={"Valid": "success", "Invalid": "danger"})
    def counted(self, event: AdEvent) -> str:
        return "Valid" if event.valid else "Invalid"

    @show.column("Ad")
    def ad_id_shown(self, event: AdEvent) -> SafeString:
        return format_html('<a class="text-link" href="{}">ad {}</a>', reverse("admin:ads_ad_change", args=[event.ad]), event.ad)

    @show.column("Decision")
    def why(self, event: AdEvent) -> SafeString:
        return decision_link(event.decision)
