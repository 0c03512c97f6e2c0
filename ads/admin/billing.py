"""Decisions, tracking events and the ledger: read, searched and explained, never changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RangeDateTimeFilter, RelatedDropdownFilter
from unfold.paginator import InfinitePaginator

from ads import services
from ads.models import AdEvent, LedgerEntry
from ads.refunds import charge_refund
from ads.validity import REASONS as VALIDITY_REASONS

from . import show

REFUND = "ads.refund_ledgerentry"


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
    change_form_outer_after_template = "ads/admin/refund.html"
    fields = [
        "decision", "slot", "kind", "amount", "reason", "note", "by",
        "advertiser", "campaign", "flight", "ad", "event", "occurred_at", "booked_at", "synthetic",
    ]  # fmt: skip
    readonly_fields = ["amount"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[LedgerEntry]:
        rows: QuerySet[LedgerEntry] = super().get_queryset(request).select_related("campaign", "flight__campaign", "ad", "advertiser")
        return rows

    def get_urls(self) -> list[Any]:
        return [path("<int:pk>/refund/", self.admin_site.admin_view(self.refund), name="ads_ledgerentry_refund"), *super().get_urls()]

    def refund(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Give one charge back, with a word why."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not request.user.has_perm(REFUND):
            raise PermissionDenied
        entry = get_object_or_404(LedgerEntry, pk=pk)
        try:
            reversal = charge_refund(actor=request.user, entry=entry, note=request.POST.get("note", ""))
        except services.WrongState as error:
            self.message_user(request, str(error), messages.WARNING)
            return redirect("admin:ads_ledgerentry_change", entry.pk)
        self.message_user(request, f"{show.money(entry.amount_micros, digits=6)} given back to {entry.advertiser}.", messages.SUCCESS)
        return redirect("admin:ads_ledgerentry_change", reversal.pk)

    def changeform_view(self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None) -> Any:
        entry = LedgerEntry.objects.filter(pk=int(object_id)).first() if object_id and object_id.isdecimal() else None
        reversal = LedgerEntry.objects.filter(decision=entry.decision, slot=entry.slot, kind=LedgerEntry.Kind.REVERSAL).first() if entry else None
        charged = entry is not None and entry.amount_micros > 0 and entry.kind != LedgerEntry.Kind.REVERSAL
        context = {"entry": entry, "reversal": reversal, "may_refund": charged and not reversal and request.user.has_perm(REFUND)}
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **context})

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


class ValidityFilter(admin.SimpleListFilter):
    title = "validity"
    parameter_name = "valid"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Valid"), ("no", "Invalid")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AdEvent]) -> QuerySet[AdEvent]:
        return queryset if self.value() is None else queryset.filter(valid=self.value() == "yes")


class ReasonFilter(admin.SimpleListFilter):
    title = "reason"
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(VALIDITY_REASONS.items())

    def queryset(self, request: HttpRequest, queryset: QuerySet[AdEvent]) -> QuerySet[AdEvent]:
        return queryset if self.value() is None else queryset.filter(reason=self.value())


@admin.register(AdEvent)
class AdEventAdmin(Booked):
    list_display = ["occurred_at", "kind", "counted", "because", "ad_id_shown", "slot", "judged", "why", "synthetic"]
    list_filter = [ValidityFilter, ReasonFilter, ("occurred_at", RangeDateTimeFilter), "synthetic"]
    search_fields = ["=decision", "=session", "=id"]
    search_help_text = "A decision, session or event id"
    ordering = ["-occurred_at"]

    @show.column("Event", ordering="type")
    def kind(self, event: AdEvent) -> str:
        return event.type.removeprefix("ad.").replace("_", " ")

    @show.column("Counts", label={"Valid": "success", "Invalid": "danger"})
    def counted(self, event: AdEvent) -> str:
        return "Valid" if event.valid else "Invalid"

    @show.column("Because", ordering="reason")
    def because(self, event: AdEvent) -> str:
        return VALIDITY_REASONS.get(event.reason, event.reason) or "-"

    @show.column("Judged", ordering="judged_at")
    def judged(self, event: AdEvent) -> str:
        return f"for good, {event.judged_at:%d %b %H:%M}" if event.judged_at else "on arrival"

    @show.column("Ad")
    def ad_id_shown(self, event: AdEvent) -> SafeString:
        return format_html('<a class="text-link" href="{}">ad {}</a>', reverse("admin:ads_ad_change", args=[event.ad]), event.ad)

    @show.column("Decision")
    def why(self, event: AdEvent) -> SafeString:
        return decision_link(event.decision)
