"""Flights: what was sold, how it is doing, and why it does not serve where it does not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from simple_history.admin import SimpleHistoryAdmin
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from ads import services
from ads.decision.cost import event_cost
from ads.models import Campaign, Flight
from ads.outlook import warnings_of

from . import panels, show, why
from .creatives import AdInline
from .forms import FlightForm
from .kept import STATE_COLOURS, Kept


def in_danger(flight: Flight) -> bool:
    """Whether the last forecast sees its goal in danger."""
    forecast = getattr(flight, "forecast", None)
    return bool(forecast and forecast.warning and flight.state != Flight.State.ENDED)


@admin.register(Flight)
class FlightAdmin(SimpleHistoryAdmin, Kept):  # type: ignore[misc]
    form = FlightForm
    list_display = ["named", "status", "dates", "goal", "sold", "spend", "impressions", "response"]
    list_display_links = ["named"]
    list_filter = [
        ("state", ChoicesDropdownFilter),
        ("tier", ChoicesDropdownFilter),
        ("pricing", ChoicesDropdownFilter),
        ("pacing", ChoicesDropdownFilter),
        ("campaign__advertiser", RelatedDropdownFilter),
        ("campaign", RelatedDropdownFilter),
    ]
    list_filter_submit = True
    search_fields = ["name", "campaign__name", "campaign__advertiser__name"]
    autocomplete_fields = ["campaign"]
    readonly_fields = ["state", "inherited", "forecast_panel", "gross_net_panel", "why_not_panel"]
    inlines = [AdInline]
    actions = ["launch", "pause", "resume", "end"]
    actions_submit_line = ["launch_it", "pause_it", "resume_it", "end_it"]
    fieldsets = [
        (None, {"fields": [("campaign", "name"), ("state", "tier"), "share_of_voice", "starts_at", "ends_at"]}),
        (
            "Price and goal",
            {"fields": [("pricing", "bid_micros"), ("goal_type", "goal_amount"), "daily_goal_amount", ("budget_micros", "daily_budget_micros")]},
        ),
        (
            "Delivery",
            {"fields": [("pacing", "priority"), ("slot_position", "exclusivity"), "frequency_caps", "strict_caps", "excluded_categories"]},
        ),
        ("Whom it reaches", {"fields": ["inherited", "targeting"]}),
        ("Forecast", {"fields": ["forecast_panel"], "classes": ["tab"]}),
        ("Gross and net", {"fields": ["gross_net_panel"], "classes": ["tab"]}),
        ("Why it does not serve", {"fields": ["why_not_panel"], "classes": ["tab"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Flight]:
        rows: QuerySet[Flight] = super().get_queryset(request).select_related("campaign__advertiser", "balance", "forecast")
        return rows

    def get_urls(self) -> list[Any]:
        return [*why.urls(self), *super().get_urls()]

    def save_model(self, request: HttpRequest, obj: Flight, form: Any, change: bool) -> None:  # noqa: FBT001
        before = {name: form.initial[name] for name in form.changed_data if name in form.initial} if change else {}
        if "goal_type" in before:
            services.goal_lock(obj)
        super().save_model(request, obj, form, change)
        services.terms_changed(obj, before)

    def response_add(self, request: HttpRequest, obj: Flight, *args: Any, **kwargs: Any) -> HttpResponse:
        self._warn(request, obj)
        response: HttpResponse = super().response_add(request, obj, *args, **kwargs)
        return response

    def response_change(self, request: HttpRequest, obj: Flight) -> HttpResponse:
        self._warn(request, obj)
        response: HttpResponse = super().response_change(request, obj)
        return response

    def _warn(self, request: HttpRequest, flight: Flight) -> None:
        """Told before it starts: what it will hardly deliver, and why."""
        if flight.state != Flight.State.ENDED:
            for words in warnings_of(flight):
                self.message_user(request, f"{flight.name}: {words}", messages.WARNING)

    @show.column("From its campaign")
    def inherited(self, flight: Flight) -> SafeString | str:
        return (
            show.once(flight, "inherited", lambda: panels.inherited(flight))
            if flight.pk
            else "What the campaign asks for shows here once the flight is saved."
        )

    @show.column("What to expect")
    def forecast_panel(self, flight: Flight) -> SafeString | str:
        return show.once(flight, "forecast", lambda: panels.forecast(flight)) if flight.pk else "-"

    @show.column("Since it began")
    def gross_net_panel(self, flight: Flight) -> SafeString | str:
        return show.once(flight, "gross_net", lambda: panels.gross_net_shown(flight)) if flight.pk else "-"

    @show.column("The last seven days")
    def why_not_panel(self, flight: Flight) -> SafeString | str:
        return show.once(flight, "why_not", lambda: panels.why_not_shown(flight, now=datetime.now(UTC))) if flight.pk else "-"

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
        cost = event_cost(flight.tier, flight.pricing, flight.bid_micros)
        spent = balance and flight.tier != Flight.Tier.HOUSE and balance.booked_micros + cost > flight.budget_micros
        return "Spent" if spent else "Live"

    @show.column("Dates", ordering="starts_at")
    def dates(self, flight: Flight) -> SafeString:
        left = (flight.ends_at - datetime.now(UTC)).days
        words = f"{left} days left" if left >= 0 else "over"
        return show.lines(f"{flight.starts_at:%d %b} to {flight.ends_at:%d %b %Y}", words)

    @show.column("Goal")
    def goal(self, flight: Flight) -> SafeString:
        return format_html("{}{}", show.goal_bar(flight), panels.delivery_badge(in_danger=in_danger(flight)))

    @show.column("Price", ordering="bid_micros")
    def sold(self, flight: Flight) -> SafeString:
        price = "costs nothing" if flight.tier == Flight.Tier.HOUSE else show.money(flight.bid_micros, digits=3 if flight.bid_micros < 100_000 else 2)
        return show.lines(price, f"{flight.get_pricing_display()}, {show.tier(flight)}")

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
        for row in queryset:
            self._warn(request, row)

    @admin.action(description="Pause", permissions=["change"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Flight]) -> None:
        self.each(request, queryset, "flight", lambda row: services.flight_pause(actor=request.user, flight=row), "paused")

    @admin.action(description="Resume", permissions=["change"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Flight]) -> None:
        self.each(request, queryset, "flight", lambda row: services.flight_resume(actor=request.user, flight=row), "resumed")

    @admin.action(description="End for good", permissions=["change"])
    def end(self, request: HttpRequest, queryset: QuerySet[Flight]) -> None:
        self.each(request, queryset, "flight", lambda row: services.flight_end(actor=request.user, flight=row), "ended")

    # The same on the flight's own page

    def steering(self, row: Flight) -> tuple[str, ...]:
        return {"draft": ("launch_it", "end_it"), "live": ("pause_it", "end_it"), "paused": ("resume_it", "end_it")}.get(row.state, ())

    @show.button("Launch", permission="change")
    def launch_it(self, request: HttpRequest, obj: Flight) -> None:
        self.one(request, obj, lambda row: services.flight_launch(actor=request.user, flight=row, now=datetime.now(UTC)), "live")

    @show.button("Pause", permission="change")
    def pause_it(self, request: HttpRequest, obj: Flight) -> None:
        self.one(request, obj, lambda row: services.flight_pause(actor=request.user, flight=row), "paused")

    @show.button("Resume", permission="change")
    def resume_it(self, request: HttpRequest, obj: Flight) -> None:
        self.one(request, obj, lambda row: services.flight_resume(actor=request.user, flight=row), "live again")

    @show.button("End for good", permission="change")
    def end_it(self, request: HttpRequest, obj: Flight) -> None:
        self.one(request, obj, lambda row: services.flight_end(actor=request.user, flight=row), "ended")
