"""Flights: what was sold, how it is doing, and why it does not serve where it does not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString

from ads import services
from ads.models import Flight
from ads.outlook import warnings_of

from . import forecasts, panels, show, steer, why
from .billing import REFUND
from .creatives import AdInline
from .exchange import Exchanged
from .flight_list import FlightList
from .forms import FlightForm
from .history import Remembered
from .kept import Kept


def _reads_decisions(flight: Flight) -> bool:
    """Whether whoever opened the flight's page may read decisions: the candidates of one are everybody's."""
    reader = getattr(flight, "read_by", None)
    return reader is not None and reader.has_perm("ads.view_decision")


@admin.register(Flight)
class FlightAdmin(FlightList, Exchanged, steer.Steered, steer.Refunds, Remembered, Kept):
    form = FlightForm
    autocomplete_fields = ["campaign"]
    readonly_fields = ["state", "inherited", "forecast_panel", "gross_net_panel", "why_not_panel"]
    inlines = [AdInline]
    actions = ["launch", "pause", "resume", "extend", "duplicate", "end"]
    launch, pause, resume, extend, duplicate, end = map(steer.bulk, ("launch", "pause", "resume", "extend", "duplicate", "end"))
    actions_submit_line = ["launch_it", "pause_it", "resume_it"]
    actions_detail = ["extend_page", "duplicate_page", "refund_link", "end_page"]
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

    class Media:
        css = {"all": ("css/forecast.css",)}
        js = ("js/ads/foresee.js",)

    def get_urls(self) -> list[Any]:
        return [*why.urls(self), *forecasts.urls(self), *super().get_urls()]

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Flight | None:
        found: Flight | None = super().get_object(request, object_id, from_field)
        if found is not None:
            found.read_by = request.user  # type: ignore[attr-defined]
        return found

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
        return (
            show.once(flight, "why_not", lambda: panels.why_not_shown(flight, now=datetime.now(UTC), decisions=_reads_decisions(flight)))
            if flight.pk
            else "-"
        )

    # The same on the flight's own page

    def steering(self, row: Flight) -> tuple[str, ...]:
        return {"draft": ("launch_it",), "live": ("pause_it",), "paused": ("resume_it",)}.get(row.state, ())

    @show.button("Launch", permission="change")
    def launch_it(self, request: HttpRequest, obj: Flight) -> None:
        self.one(request, obj, lambda row: services.flight_launch(actor=request.user, flight=row, now=datetime.now(UTC)), "live")

    @show.button("Pause", permission="change")
    def pause_it(self, request: HttpRequest, obj: Flight) -> None:
        self.one(request, obj, lambda row: services.flight_pause(actor=request.user, flight=row), "paused")

    @show.button("Resume", permission="change")
    def resume_it(self, request: HttpRequest, obj: Flight) -> None:
        self.one(request, obj, lambda row: services.flight_resume(actor=request.user, flight=row), "live again")

    @show.button("Extend", permission="change")
    def extend_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("admin:ads_flight_steer", object_id, "extend")

    @show.button("Duplicate", permission="copy")
    def duplicate_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("admin:ads_flight_steer", object_id, "duplicate")

    @show.button("Refund", permission="refund")
    def refund_link(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("admin:ads_flight_refund", object_id)

    @show.button("End for good", permission="change")
    def end_page(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return redirect("admin:ads_flight_steer", object_id, "end")

    def has_refund_permission(self, request: HttpRequest, *args: Any) -> bool:
        return request.user.has_perm(REFUND)
