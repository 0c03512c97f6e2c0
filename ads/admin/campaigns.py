"""Advertisers and campaigns."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString
from unfold.admin import TabularInline

from ads import services
from ads.models import Advertiser, Campaign, Flight

from . import show, steer
from .campaign_list import CampaignList
from .exchange import Exchanged
from .forms import CampaignForm
from .history import Remembered
from .kept import Kept


@admin.register(Advertiser)
class AdvertiserAdmin(Exchanged):
    list_display = ["name", "category", "campaign_count", "spend"]
    list_filter = ["category"]
    search_fields = ["name"]
    # The model's own order is lost where rows are grouped, and a page of suggestions needs one.
    ordering = ["name"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Advertiser]:
        rows: QuerySet[Advertiser] = (
            super()
            .get_queryset(request)
            .annotate(campaign_total=Count("campaigns", distinct=True), booked=Sum("campaigns__flights__balance__booked_micros"))
        )
        return rows

    @show.column("Campaigns", ordering="campaign_total")
    def campaign_count(self, advertiser: Any) -> str:
        return show.count(advertiser.campaign_total)

    @show.column("Spend", ordering="booked")
    def spend(self, advertiser: Any) -> str:
        return show.money(advertiser.booked or 0)


class FlightInline(TabularInline):  # type: ignore[misc]
    """The campaign's flights at a glance; each opens its own page."""

    model = Flight
    tab = True
    extra = 0
    show_change_link = True
    can_delete = False
    fields = readonly_fields = ["name", "state", "tier", "starts_at", "ends_at", "pricing", "goal", "spent"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Flight]:
        rows: QuerySet[Flight] = super().get_queryset(request).select_related("balance", "campaign")
        return rows

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @show.column("Goal")
    def goal(self, flight: Flight) -> SafeString | str:
        return show.goal_bar(flight)

    @show.column("Spend")
    def spent(self, flight: Flight) -> str:
        balance = show.balance_of(flight)
        return f"{show.money(balance.booked_micros if balance else 0)} of {show.money(flight.budget_micros)}"


@admin.register(Campaign)
class CampaignAdmin(CampaignList, Exchanged, steer.Steered, Remembered, Kept):
    form = CampaignForm
    autocomplete_fields = ["advertiser"]
    fieldsets = [
        (None, {"fields": [("advertiser", "name"), ("state", "currency"), "notes"]}),
        ("For every flight of it", {"fields": ["frequency_caps", "targeting"], "description": "A flight may narrow this and never widen it."}),
    ]
    readonly_fields = ["state"]
    of_everybody = ("notes",)
    inlines = [FlightInline]
    actions = ["pause", "resume", "duplicate", "end"]
    pause, resume, duplicate, end = map(steer.bulk, ("pause", "resume", "duplicate", "end"))
    actions_submit_line = ["pause_it", "resume_it"]
    actions_detail = ["duplicate_page", "end_page"]

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        if change:
            services.terms_changed(obj, {name: form.initial[name] for name in form.changed_data if name in form.initial})

    # The same on the campaign's own page

    def steering(self, row: Campaign) -> tuple[str, ...]:
        return {"active": ("pause_it",), "paused": ("resume_it",)}.get(row.state, ())

    @show.button("Pause", permission="change")
    def pause_it(self, request: HttpRequest, obj: Campaign) -> None:
        self.one(request, obj, lambda row: services.campaign_pause(actor=request.user, campaign=row), "paused")

    @show.button("Resume", permission="change")
    def resume_it(self, request: HttpRequest, obj: Campaign) -> None:
        self.one(request, obj, lambda row: services.campaign_resume(actor=request.user, campaign=row), "active again")

    @show.button("Duplicate", permission="copy")
    def duplicate_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("admin:ads_campaign_steer", object_id, "duplicate")

    @show.button("End for good", permission="change")
    def end_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("admin:ads_campaign_steer", object_id, "end")
