"""Advertisers, campaigns, flights and ads: what staff sell and steer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, Max, Min, OuterRef, QuerySet, Subquery, Sum, URLField
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from ads import services
from ads.models import Ad, Advertiser, Campaign, DeliveryDay, Flight
from catalog.media.packaging import PLAYLIST
from catalog.models import MediaAsset
from catalog.selectors import media_url, still_url

from . import show
from .fields import ClipField
from .forms import FlightForm

STATE_COLOURS = {
    "Live": "success", "Active": "success", "Scheduled": "info", "Paused": "warning", "Ended": "", "Draft": "info", "Spent": "danger",
    "Approved": "success", "Rejected": "danger", "In review": "warning", "Processing": "info", "Uploaded": "info",
}  # fmt: skip


class HttpsLinks:
    """An address typed without its scheme is https."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, URLField):
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]


class Kept(HttpsLinks, ModelAdmin):  # type: ignore[misc]
    """Ended, never removed: history and money hang on it."""

    list_fullwidth = True
    warn_unsaved_form = True

    class Media:
        js = ("js/ads/preview.js",)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def each(self, request: HttpRequest, rows: QuerySet[Any], name: str, service: Callable[[Any], Any], done: str) -> None:
        """Run a service for each chosen row and say what happened; one that is in the wrong state does not stop the others."""
        changed = 0
        for row in rows:
            try:
                service(row)
            except (services.WrongState, ValidationError) as error:
                words = " ".join(error.messages) if isinstance(error, ValidationError) else str(error)
                self.message_user(request, words, messages.WARNING)
            else:
                changed += 1
        if changed:
            self.message_user(request, f"{changed} {name if changed == 1 else name + 's'} {done}. Serving follows within a second.", messages.SUCCESS)


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
    fields = readonly_fields = ["name", "state", "starts_at", "ends_at", "pricing", "goal", "spent"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Flight]:
        rows: QuerySet[Flight] = super().get_queryset(request).select_related("balance", "campaign")
        return rows

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @show.column("Goal")
    def goal(self, flight: Flight) -> SafeString:
        return goal_bar(flight)

    @show.column("Spend")
    def spent(self, flight: Flight) -> str:
        balance = show.balance_of(flight)
        return f"{show.money(balance.booked_micros if balance else 0)} of {show.money(flight.budget_micros)}"


@admin.register(Campaign)
class CampaignAdmin(SimpleHistoryAdmin, Kept):  # type: ignore[misc]
    list_display = ["name", "advertiser", "status", "flown", "goal", "spend", "impressions", "ctr"]
    list_filter = [("state", ChoicesDropdownFilter), ("advertiser", RelatedDropdownFilter)]
    list_filter_submit = True
    search_fields = ["name", "advertiser__name", "notes"]
    autocomplete_fields = ["advertiser"]
    fields = ["advertiser", "name", "state", "notes"]
    readonly_fields = ["state"]
    inlines = [FlightInline]
    actions = ["pause", "resume", "end"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        balance = "flights__balance__"
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
            )
        )
        return rows

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

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        self.each(request, queryset, "campaign", lambda row: services.campaign_pause(actor=request.user, campaign=row), "paused")

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        self.each(request, queryset, "campaign", lambda row: services.campaign_resume(actor=request.user, campaign=row), "resumed")

    @admin.action(description="End for good", permissions=["change"])
    def end(self, request: HttpRequest, queryset: QuerySet[Campaign]) -> None:
        self.each(request, queryset, "campaign", lambda row: services.campaign_end(actor=request.user, campaign=row), "ended")


def goal_bar(flight: Flight) -> SafeString:
    length = (flight.ends_at - flight.starts_at).total_seconds()
    passed = min(1.0, max(0.0, (datetime.now(UTC) - flight.starts_at).total_seconds() / length)) if length > 0 else None
    return show.progress(show.delivered(flight, show.balance_of(flight)), flight.goal_amount or 0, words=show.goal_words(flight), planned=passed)


def preview(asset: MediaAsset | None) -> SafeString | str:
    """The clip behind its own still, played when asked for; in words why not when there is none."""
    if asset is None or asset.state != MediaAsset.State.READY:
        return "-" if asset is None else f"{asset.get_state_display()} {asset.problem}".strip()
    return format_html(
        '<video class="ad-preview" poster="{}" data-playlist="{}" preload="none" controls muted playsinline></video>',
        still_url(asset), media_url(f"{asset.path}/{PLAYLIST}"),
    )  # fmt: skip


class AdInline(HttpsLinks, TabularInline):  # type: ignore[misc]
    model = Ad
    tab = True
    extra = 0
    can_delete = False
    show_change_link = True
    fields = ["clip", "name", "asset", "category", "click_through", "skip_after", "universal_ad_id", "review"]
    readonly_fields = ["clip", "review"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ad]:
        rows: QuerySet[Ad] = super().get_queryset(request).select_related("asset", "flight__campaign")
        return rows

    @show.column("Preview")
    def clip(self, ad: Ad) -> SafeString | str:
        return preview(ad.asset if ad.pk else None)

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "asset":
            kwargs |= {"form_class": ClipField, "queryset": MediaAsset.objects.filter(kind=MediaAsset.Kind.AD).order_by("key")}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(Flight)
class FlightAdmin(SimpleHistoryAdmin, Kept):  # type: ignore[misc]
    form = FlightForm
    list_display = ["named", "status", "dates", "goal", "sold", "spend", "impressions", "response"]
    list_display_links = ["named"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("pricing", ChoicesDropdownFilter),
        ("pacing", ChoicesDropdownFilter),
        ("campaign__advertiser", RelatedDropdownFilter),
        ("campaign", RelatedDropdownFilter),
    ]
    list_filter_submit = True
    search_fields = ["name", "campaign__name", "campaign__advertiser__name"]
    autocomplete_fields = ["campaign"]
    readonly_fields = ["state"]
    inlines = [AdInline]
    actions = ["launch", "pause", "resume", "end"]
    fieldsets = [
        (None, {"fields": [("campaign", "name"), "state", "starts_at", "ends_at"]}),
        ("Price and goal", {"fields": [("pricing", "bid_micros"), ("goal_type", "goal_amount"), ("budget_micros", "daily_budget_micros")]}),
        ("Delivery", {"fields": [("pacing", "priority"), "frequency_caps", "strict_caps", "excluded_categories"]}),
        ("Whom it reaches", {"fields": ["targeting"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Flight]:
        rows: QuerySet[Flight] = super().get_queryset(request).select_related("campaign__advertiser", "balance")
        return rows

    def save_model(self, request: HttpRequest, obj: Flight, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        if change and "goal_type" in form.changed_data:
            services.goal_changed()

    @show.column("Flight", ordering="campaign__name")
    def named(self, flight: Flight) -> SafeString:
        return show.lines(flight.name, flight.campaign.name)

    @show.column("Status", ordering="state", label=STATE_COLOURS)
    def status(self, flight: Flight) -> str:
        now, balance = datetime.now(UTC), show.balance_of(flight)
        if flight.state != Flight.State.LIVE:
            return flight.get_state_display()
        if flight.campaign.state != Campaign.State.ACTIVE:
            return flight.campaign.get_state_display()
        if now < flight.starts_at:
            return "Scheduled"
        if now >= flight.ends_at:
            return "Ended"
        return "Spent" if balance and balance.booked_micros + flight.bid_micros // 1000 > flight.budget_micros else "Live"

    @show.column("Dates", ordering="starts_at")
    def dates(self, flight: Flight) -> SafeString:
        left = (flight.ends_at - datetime.now(UTC)).days
        words = f"{left} days left" if left >= 0 else "over"
        return show.lines(f"{flight.starts_at:%d %b} to {flight.ends_at:%d %b %Y}", words)

    @show.column("Goal")
    def goal(self, flight: Flight) -> SafeString:
        return goal_bar(flight)

    @show.column("Price", ordering="bid_micros")
    def sold(self, flight: Flight) -> SafeString:
        return show.lines(show.money(flight.bid_micros, digits=3 if flight.bid_micros < 100_000 else 2), flight.get_pricing_display())

    @show.column("Spend", ordering="balance__booked_micros")
    def spend(self, flight: Flight) -> SafeString:
        balance = show.balance_of(flight)
        return show.lines(show.money(balance.booked_micros if balance else 0), f"of {show.money(flight.budget_micros, digits=0)}")

    @show.column("Impressions", ordering="balance__impressions")
    def impressions(self, flight: Flight) -> str:
        balance = show.balance_of(flight)
        return show.count(balance.impressions if balance else 0)

    @show.column("Response")
    def response(self, flight: Flight) -> SafeString | str:
        balance = show.balance_of(flight)
        if balance is None or not balance.impressions:
            return "-"
        viewed = show.percent(balance.completed_views, balance.impressions, digits=0)
        return show.lines(f"{show.percent(balance.clicks, balance.impressions)} CTR", f"{viewed} completed")

    @admin.action(description="Launch drafts", permissions=["change"])
    def launch(self, request: HttpRequest, queryset: QuerySet[Flight]) -> None:
        self.each(request, queryset, "flight", lambda row: services.flight_launch(actor=request.user, flight=row, now=datetime.now(UTC)), "launched")

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Flight]) -> None:
        self.each(request, queryset, "flight", lambda row: services.flight_pause(actor=request.user, flight=row), "paused")

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Flight]) -> None:
        self.each(request, queryset, "flight", lambda row: services.flight_resume(actor=request.user, flight=row), "resumed")

    @admin.action(description="End for good", permissions=["change"])
    def end(self, request: HttpRequest, queryset: QuerySet[Flight]) -> None:
        self.each(request, queryset, "flight", lambda row: services.flight_end(actor=request.user, flight=row), "ended")


def _delivered(measure: str) -> Any:
    """An ad's figure over all days, from the day rollup."""
    days = DeliveryDay.objects.filter(ad_id=OuterRef("pk")).values("ad_id").annotate(total=Sum(measure)).values("total")
    return Coalesce(Subquery(days), 0)


@admin.register(Ad)
class AdAdmin(SimpleHistoryAdmin, Kept):  # type: ignore[misc]
    list_display = ["clip", "name", "campaign_name", "flight_name", "kind", "reviewed", "length", "impressions", "ctr"]
    list_display_links = ["name"]
    list_filter = [("review", ChoicesDropdownFilter), ("flight__campaign", RelatedDropdownFilter), "category"]
    list_filter_submit = True
    search_fields = ["name", "universal_ad_id", "flight__name", "flight__campaign__name"]
    autocomplete_fields = ["flight"]
    fields = ["clip", "flight", "name", "asset", "category", "click_through", "skip_after", "universal_ad_id", "review"]
    readonly_fields = ["clip", "review"]
    actions = ["approve", "reject"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ad]:
        rows: QuerySet[Ad] = super().get_queryset(request).select_related("asset", "flight__campaign")
        return rows.annotate(shown=_delivered("impressions"), clicked=_delivered("clicks"))

    def has_approve_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(services.APPROVE)

    @show.column("Preview")
    def clip(self, ad: Ad) -> SafeString | str:
        return preview(ad.asset if ad.pk else None)

    @show.column("Campaign", ordering="flight__campaign__name")
    def campaign_name(self, ad: Ad) -> str:
        return ad.flight.campaign.name

    @show.column("Flight", ordering="flight__name")
    def flight_name(self, ad: Ad) -> str:
        return ad.flight.name

    @show.column("Category", ordering="category")
    def kind(self, ad: Ad) -> str:
        return ad.category.replace("_", " ").capitalize()

    @show.column("Review", ordering="review", label=STATE_COLOURS)
    def reviewed(self, ad: Ad) -> str:
        return ad.get_review_display()

    @show.column("Length", ordering="asset__duration")
    def length(self, ad: Ad) -> str:
        return f"{ad.asset.duration:.0f} s" if ad.asset.duration else "-"

    @show.column("Impressions", ordering="shown")
    def impressions(self, ad: Any) -> str:
        return show.count(ad.shown)

    @show.column("CTR")
    def ctr(self, ad: Any) -> str:
        return show.percent(ad.clicked, ad.shown)

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "asset":
            kwargs |= {"form_class": ClipField, "queryset": MediaAsset.objects.filter(kind=MediaAsset.Kind.AD).order_by("key")}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.action(description="Approve", permissions=["approve"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Ad]) -> None:
        self.each(request, queryset, "ad", lambda row: services.ad_approve(actor=request.user, ad=row), "approved")

    @admin.action(description="Reject", permissions=["approve"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Ad]) -> None:
        self.each(request, queryset, "ad", lambda row: services.ad_reject(actor=request.user, ad=row), "rejected")
