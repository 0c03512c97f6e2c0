"""What a flight can expect, on a page of its own, and for terms on a form that are not saved yet."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms.utils import ErrorDict
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path

from ads.forecast.foresight import Told, looked_at
from ads.forecast.words import amount
from ads.models import Campaign, Flight
from ads.scope import advertiser_of, may_see
from ads.selling import checks

from . import forecast_picture as picture
from .panels import HOURS, traffic
from .why import device_name, title_names

if TYPE_CHECKING:
    from .flights import FlightAdmin

MOST_PLACES = 8


def urls(admin: FlightAdmin) -> list[Any]:
    """Below the flights' own addresses; unsaved terms have no number."""
    pages, kept = Pages(admin), admin.admin_site.admin_view
    return [
        path("forecast/", kept(pages.unsaved), name="ads_flight_foresee"),
        path("<int:pk>/forecast/", kept(pages.page), name="ads_flight_forecast"),
        path("<int:pk>/forecast/unsaved/", kept(pages.unsaved), name="ads_flight_foresee_change"),
    ]


class Pages:
    def __init__(self, admin: FlightAdmin) -> None:
        self.admin = admin

    def flight(self, request: HttpRequest, pk: int) -> Flight:
        """Raises Http404 for a flight there is not, or of another advertiser; PermissionDenied without the right to see any."""
        if not (self.admin.has_view_permission(request) and request.user.has_perm("ads.view_flightforecast")):
            raise PermissionDenied
        rows: QuerySet[Flight] = self.admin.get_queryset(request)
        found = rows.filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    def page(self, request: HttpRequest, pk: int) -> HttpResponse:
        flight = self.flight(request, pk)
        context = {
            **self.admin.admin_site.each_context(request),
            "title": f"Forecast: {flight.name}",
            "flight": flight,
            "over": flight.state == Flight.State.ENDED,
            "unreadable": checks.unreadable(flight),
            "may_change": self.admin.has_change_permission(request, flight),
        }
        if not (context["over"] or context["unreadable"]):
            context |= shown(request, looked_at(flight, now=datetime.now(UTC)))
        return TemplateResponse(request, "ads/admin/forecast_page.html", context)

    def unsaved(self, request: HttpRequest, pk: int | None = None) -> HttpResponse:
        """The posted form's terms, forecast and forgotten: nothing is written. JSON ``{html}`` or ``{errors: {field: [sentence]}}``."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        flight = None if pk is None else self.flight(request, pk)
        allowed = self.admin.has_add_permission(request) if flight is None else self.admin.has_change_permission(request, flight)
        if not (allowed and request.user.has_perm("ads.view_flightforecast")):
            raise PermissionDenied
        form = self.admin.get_form(request, flight, change=flight is not None)(request.POST, instance=flight)
        if not form.is_valid():
            return JsonResponse({"errors": _sentences(form)})
        terms: Flight = form.instance
        if not may_see(request.user, Campaign.objects.get(pk=terms.campaign_id)):
            raise PermissionDenied
        if terms.ends_at <= datetime.now(UTC):
            return JsonResponse({"errors": {"Ends at": ["It is over by then: there is nothing left to forecast."]}})
        html = render_to_string("ads/admin/forecast_told.html", shown(request, looked_at(terms, now=datetime.now(UTC))), request)
        return JsonResponse({"html": html})


def _sentences(form: Any) -> dict[str, list[str]]:
    """By the field's name as the form shows it."""
    errors: ErrorDict = form.errors
    return {
        "The whole" if name == "__all__" else str(form.fields[name].label or name.replace("_", " ").capitalize()): [str(words) for words in sentences]
        for name, sentences in errors.items()
    }


def shown(request: HttpRequest, told: Told) -> dict[str, Any]:
    """What the page tells, to this person."""
    advertiser = advertiser_of(request.user)
    if advertiser is not None:
        told = told.for_advertiser(advertiser)
    titles = title_names(title or 0 for title, _ in told.titles[:MOST_PLACES])
    return {
        "told": told,
        "figures": picture.figures(told),
        "curve": picture.curve(told),
        "where": picture.where(told),
        "frequency": picture.frequency(told),
        "conflicts": [{"rival": rival, "share": f"{rival.share:.1%}", "width": round(100 * rival.share)} for rival in told.conflicts],
        "hurts": [
            {
                "victim": one,
                "before": amount(one.goal_type, one.before, settings.CURRENCY),
                "after": amount(one.goal_type, one.after, settings.CURRENCY),
                "goal": amount(one.goal_type, one.goal, settings.CURRENCY, unit=True) if one.goal else "no goal",
                "loss": f"{1 - one.after / one.before:.0%}" if one.before else "",
            }
            for one in told.hurts
        ],
        "devices": [(device_name(device), f"{share:.0%}", round(100 * share)) for device, share in told.devices[:MOST_PLACES]],
        "titles": [(titles[title or 0], f"{share:.0%}", round(100 * share)) for title, share in told.titles[:MOST_PLACES]],
        "days": traffic(told.supply),
        "hours": range(HOURS),
        "short": told.reaches is not None and told.reaches < 0.98,
    }
