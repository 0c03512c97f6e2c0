"""Advertisers and campaigns."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Exists, Max, Min, OuterRef, QuerySet, Sum
from django.http import HttpRequest
from django.utils.safestring import SafeString
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from ads import services
from ads.models import Advertiser, Campaign, Flight, FlightForecast

from . import show
from .forms import CampaignForm
from .kept import STATE_COLOURS, Kept
from .panels import delivery_badge


@admin.register(Advertiser)
class AdvertiserAdmin(Kept):
    list_display = ["name", "category", "campaign_count", "spend"]
    list_filter = ["category"]
    search_fields = ["name"]

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
class CampaignAdmin(SimpleHistoryAdmin, Kept):  # type: ignore[misc]
    form = CampaignForm
    list_display = ["name", "advertiser", "status", "flown", "goal", "spend", "impressions", "ctr", "outlook"]
    list_filter = [("state", ChoicesDropdownFilter), ("advertiser", RelatedDropdownFilter)]
    list_filter_submit = True
    search_fields = ["name", "advertiser__name", "notes"]
    autocomplete_fields = ["advertiser"]
    fieldsets = [
        (None, {"fields": [("advertiser", "name"), ("state", "currency"), "notes"]}),
        ("For every flight of it", {"fields": ["frequency_caps", "targeting"], "description": "A flight may narrow this and never widen it."}),
    ]
    readonly_fields = ["state"]
    inlines = [FlightInline]
    actions = ["pause", "resume", "end"]
    actions_submit_line = ["pause_it", "resume_it", "end_it"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        balance = "flights__balance__"
        endangered = FlightForecast.objects.exclude(warning="").filter(
            flight__campaign=OuterRef("pk"), flight__state__in=[Flight.State.DRAFT, Flight.State.LIVE, Flight.State.PAUSED]
        )
        rows: QuerySet[Campaign] = (
            super()
            .get_queryset(request)
            .select_related("advertiser")
            .annotate(
                starts=Min("flights__starts_at"),
                ends=Max("flights__ends_at"),
                budget=Sum("flights__budget_micros"),
                booked=Sum(f"{balance}booked_micros"),
                shown=Sum(f"{balance}impressions"),
                clicked=Sum(f"{balance}clicks"),
                endangered=Exists(endangered),
            )
        )
        return rows

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        if change:
            services.terms_changed(obj, {name: form.initial[name] for name in form.changed_data if name in form.initial})

    @show.column("Status", ordering="state", label=STATE_COLOURS)
    def status(self, campaign: Campaign) -> str:
        return campaign.get_state_display()

    @show.column("Flight dates", ordering="starts")
    def flown(self, campaign: Any) -> str:
        return f"{campaign.starts:%d %b} to {campaign.ends:%d %b %Y}" if campaign.starts else "no flight yet"

    @show.column("Budget used")
    def goal(self, campaign: Any) -> SafeString:
        return show.progress(campaign.booked or 0, campaign.budget or 0, words=f"of {show.money(campaign.budget or 0, digits=0)}")

    @show.column("Spend", ordering="booked")
    def spend(self, campaign: Any) -> str:
        return show.money(campaign.booked or 0)

    @show.column("Impressions", ordering="shown")
    def impressions(self, campaign: Any) -> str:
        return show.count(campaign.shown or 0)

    @show.column("CTR")
    def ctr(self, campaign: Any) -> str:
        return show.percent(campaign.clicked or 0, campaign.shown or 0)

    @show.column("Delivery", ordering="endangered")
    def outlook(self, campaign: Any) -> SafeString | str:
        return delivery_badge(in_danger=campaign.endangered)

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        self.each(request, queryset, "campaign", lambda row: services.campaign_pause(actor=request.user, campaign=row), "paused")

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        self.each(request, queryset, "campaign", lambda row: services.campaign_resume(actor=request.user, campaign=row), "resumed")

    @admin.action(description="End for good", permissions=["change"])
    def end(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        self.each(request, queryset, "campaign", lambda row: services.campaign_end(actor=request.user, campaign=row), "ended")

    # The same on the campaign's own page

    def steering(self, row: Campaign) -> tuple[str, ...]:
        return {"active": ("pause_it", "end_it"), "paused": ("resume_it", "end_it")}.get(row.state, ())

    @show.button("Pause", permission="change")
    def pause_it(self, request: HttpRequest, obj: Campaign) -> None:
        self.one(request, obj, lambda row: services.campaign_pause(actor=request.user, campaign=row), "paused")

    @show.button("Resume", permission="change")
    def resume_it(self, request: HttpRequest, obj: Campaign) -> None:
        self.one(request, obj, lambda row: services.campaign_resume(actor=request.user, campaign=row), "active again")

    @show.button("End for good", permission="change")
    def end_it(self, request: HttpRequest, obj: Campaign) -> None:
        self.one(request, obj, lambda row: services.campaign_end(actor=request.user, campaign=row), "ended")
