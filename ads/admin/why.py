"""“Why isn't it serving?”: one page a flight, from the breaks that were asked for to the impressions that counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import path, reverse

from adplatform.moments import NotATime, read_moment
from ads import services
from ads.decision.explanation import REASONS
from ads.models import Flight
from ads.reports import shown, standing
from ads.reports.gains import tasks as gains_tasks
from ads.reports.gains import told
from ads.reports.verdict import verdict
from ads.reports.why_not import HOURLY, Funnel, why_not
from ads.scope import advertiser_of
from catalog.models import Title

from . import panels, why_decisions, why_picture, written
from .decisions import explanation_context, replayed

if TYPE_CHECKING:
    from .flights import FlightAdmin

PRESETS = (("24h", "24 hours", timedelta(hours=24)), ("7d", "7 days", timedelta(days=7)), ("4w", "4 weeks", timedelta(weeks=4)))
DEFAULT = "7d"
LONGEST = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Window:
    """The time looked at. ``preset`` is empty where somebody chose the times; ``problem`` says what could not be read."""

    since: datetime
    until: datetime
    preset: str
    problem: str = ""

    @property
    def query(self) -> str:
        """What leads back to the same time."""
        if self.preset:
            return f"time={self.preset}"
        return f"since={self.since:%Y-%m-%dT%H:%M}&until={self.until:%Y-%m-%dT%H:%M}"


def window(asked: QueryDict, now: datetime) -> Window:
    """The time that a page was asked for, the last seven days where it cannot be read."""
    lengths = {name: length for name, _, length in PRESETS}
    since, until = asked.get("since", ""), asked.get("until", "")
    if not since:
        preset = asked.get("time", DEFAULT)
        preset = preset if preset in lengths else DEFAULT
        return Window(now - lengths[preset], now, preset)
    problem = ""
    try:
        begins, ends = read_moment(since), read_moment(until) if until else now
        if begins >= ends:
            problem = "The time must begin before it ends."
        elif now - begins > LONGEST:
            problem = f"Figures are kept for {LONGEST.days} days by this page; ask for a later time."
        else:
            return Window(begins, min(ends, now), "")
    except NotATime as error:
        problem = f"{error}."
    return Window(now - lengths[DEFAULT], now, DEFAULT, problem)


# What a check can be made good with at once: the right that it takes, the service, and what is said of the row then.
STEERING: dict[str, tuple[str, Callable[[Any, Flight], object], str]] = {
    "launch": ("ads.change_flight", lambda actor, flight: services.flight_launch(actor=actor, flight=flight, now=datetime.now(UTC)), "live"),
    "resume": ("ads.change_flight", lambda actor, flight: services.flight_resume(actor=actor, flight=flight), "live again"),
    "campaign_resume": (
        "ads.change_campaign", lambda actor, flight: services.campaign_resume(actor=actor, campaign=flight.campaign), "free to serve again",
    ),
}  # fmt: skip


def urls(admin: FlightAdmin) -> list[Any]:
    """The page's addresses below the flight's own."""
    pages = Pages(admin)
    kept = admin.admin_site.admin_view
    return [
        path("<int:pk>/why/", kept(pages.page), name="ads_flight_why"),
        path("<int:pk>/why/do/", kept(pages.do), name="ads_flight_why_do"),
        path("<int:pk>/why/gains/", kept(pages.gains), name="ads_flight_why_gains"),
        path("<int:pk>/why/decisions/", kept(pages.decisions), name="ads_flight_why_decisions"),
        path("<int:pk>/why/decision/<uuid:decision>/", kept(pages.decision), name="ads_flight_why_decision"),
        path("<int:pk>/why/change/", kept(pages.change), name="ads_flight_why_change"),
    ]


class Pages:
    """The views, with the admin of flights that says who may see which."""

    def __init__(self, admin: FlightAdmin) -> None:
        self.admin = admin

    def flight(self, request: HttpRequest, pk: int) -> Flight:
        """Raises Http404 for a flight there is not, or of another advertiser; PermissionDenied without the right to see any."""
        if not self.admin.has_view_permission(request):
            raise PermissionDenied
        rows: QuerySet[Flight] = self.admin.get_queryset(request)
        found = rows.filter(pk=pk).first()
        if found is None:
            raise Http404
        return found

    def page(self, request: HttpRequest, pk: int) -> HttpResponse:
        flight, now = self.flight(request, pk), datetime.now(UTC)
        asked = window(request.GET, now)
        ads = list(flight.ads.order_by("pk").values_list("pk", "name"))
        ad = next((one for one, _ in ads if str(one) == request.GET.get("ad")), None)
        funnel = why_not(flight, asked.since, asked.until, ad=ad)
        before = why_not(flight, funnel.since - (asked.until - funnel.since), funnel.since, ad=ad)
        seen = shown.shown(funnel, ad=ad)
        checks = standing.standing(flight, now=now, breaks=funnel.requests)
        context = {
            **self.admin.admin_site.each_context(request),
            "title": f"Why isn't it serving? {flight.name}",
            "flight": flight,
            "asked": asked,
            "presets": [(name, words, name == asked.preset) for name, words, _ in PRESETS],
            "read_by": _read_by(funnel),
            "verdict": verdict(flight, checks, funnel),
            "checks": [self.check(request, flight, check) for check in checks],
            "blocked": bool(standing.blocking(checks)),
            "ads": [(one, name, one == ad) for one, name in ads] if len(ads) > 1 else [],
            "ad": ad,
            "funnel": funnel,
            "rows": why_picture.rows(funnel, seen, before),
            "compared": before.considered >= why_picture.COMPARABLE * funnel.considered > 0,
            "parts": _parts(funnel),
            "may_see_decisions": request.user.has_perm("ads.view_decision"),
            "own_rows": advertiser_of(request.user) is not None,
        }
        return TemplateResponse(request, "ads/admin/why.html", context)

    def do(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What a check of the list asks for, by the service that does it anywhere else."""
        flight = self.flight(request, pk)
        wanted = STEERING.get(request.POST.get("act", ""))
        if request.method != "POST" or wanted is None:
            return HttpResponseNotAllowed(["POST"])
        right, service, done = wanted
        if not request.user.has_perm(right):
            raise PermissionDenied
        self.admin.one(request, flight, lambda row: service(request.user, row), done)
        return redirect("admin:ads_flight_why", flight.pk)

    def gains(self, request: HttpRequest, pk: int) -> HttpResponse:
        """How far the search for changes is, or what it found, as JSON: ``{state, share}`` or ``{state, html}``."""
        flight, now = self.flight(request, pk), datetime.now(UTC)
        asked = window(request.GET, now)
        found = gains_tasks.answer(flight, asked.since, asked.until, now=now)
        if found["state"] != "done":
            return JsonResponse(found)
        return JsonResponse(
            {"state": "done", "html": render_to_string("ads/admin/why_gains.html", self._found(request, flight, found["answer"]), request)}
        )

    def _found(self, request: HttpRequest, flight: Flight, answer: dict[str, Any]) -> dict[str, Any]:
        narrowed = advertiser_of(request.user)
        if narrowed is not None and "problem" not in answer:
            answer = told.for_advertiser(answer, narrowed)
        may = request.user.has_perm("ads.change_flight")
        return {"flight": flight, "found": answer, "may_change": may, "unit": told.UNITS[flight.goal_type]}

    def decisions(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Some decisions of the time looked at in which its ads ended for one reason."""
        flight = self.flight(request, pk)
        asked, reason = window(request.GET, datetime.now(UTC)), request.GET.get("reason", "")
        if reason not in REASONS:
            raise Http404
        viewers = request.user.has_perm("engagement.view_playbacksession")
        funnel, advertiser = why_not(flight, asked.since, asked.until), advertiser_of(request.user)
        context = {
            **self.admin.admin_site.each_context(request),
            "title": f"{flight.name}: {REASONS[reason].lower()}",
            "flight": flight,
            "asked": asked,
            "count": funnel.reasons.get(reason, 0),
            "found": why_decisions.listed(flight, funnel, reason, title_names, viewers=viewers, advertiser=advertiser),
        }
        return TemplateResponse(request, "ads/admin/why_decisions.html", context)

    def decision(self, request: HttpRequest, pk: int, decision: UUID) -> HttpResponse:
        """One decision made again, and whether the flight would have won it had it been other than it was."""
        flight, stored = self.flight(request, pk), why_decisions.stored(decision)
        advertiser, form = advertiser_of(request.user), why_decisions.WishForm(request.GET or None)
        context = {
            **self.admin.admin_site.each_context(request),
            "title": f"{flight.name}: one decision",
            "flight": flight,
            "decision": stored,
            "became": why_decisions.became(stored, flight),
            "form": form,
            "otherwise": why_decisions.wished(stored, flight, form, advertiser),
            "told": explanation_context(stored) if advertiser is None and request.user.has_perm("ads.view_decision") else None,
            "replay": replayed(stored),
        }
        return TemplateResponse(request, "ads/admin/why_decision.html", context)

    def change(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Confirm a change that was proposed, and make it by the service that every change goes through."""
        flight = self.flight(request, pk)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        text = request.POST.get("change", "")
        try:
            columns, was = told.unsealed(flight, text)
        except ValueError as error:
            self.admin.message_user(request, str(error), messages.WARNING)
            return redirect("admin:ads_flight_why", flight.pk)
        for name in columns:
            if not request.user.has_perm("ads.change_campaign" if name.startswith(CAMPAIGNS) else "ads.change_flight"):
                raise PermissionDenied
        if "sure" in request.POST:
            if self.admin.tried(request, flight, lambda row: _change(request.user, row, columns)):
                self.admin.message_user(request, f"{flight} is changed. Serving follows within a second.", messages.SUCCESS)
            return redirect("admin:ads_flight_why", flight.pk)
        context = {
            **self.admin.admin_site.each_context(request),
            "title": f"Change {flight.name}?",
            "flight": flight,
            "change": text,
            "words": request.POST.get("words", "")[:300],
            "fields": [_field(flight, name, was[name], value) for name, value in columns.items()],
            "others": flight.campaign.flights.exclude(pk=flight.pk).count() if any(name.startswith(CAMPAIGNS) for name in columns) else 0,
        }
        return TemplateResponse(request, "ads/admin/why_change.html", context)

    def check(self, request: HttpRequest, flight: Flight, check: standing.Check) -> dict[str, Any]:
        """The check with the address or the button that does what it asks for."""
        address = {
            "flight": reverse("admin:ads_flight_change", args=[flight.pk]),
            "forecast": reverse("admin:ads_flight_forecast", args=[flight.pk]) if request.user.has_perm("ads.view_flightforecast") else "",
            "campaign": reverse("admin:ads_campaign_change", args=[flight.campaign_id]),
            "ads": f"{reverse('admin:ads_ad_changelist')}?flight__id__exact={flight.pk}",
            "add_ad": f"{reverse('admin:ads_ad_add')}?flight={flight.pk}",
            "new_flight": f"{reverse('admin:ads_flight_add')}?campaign={flight.campaign_id}",
        }.get(check.act, "")
        steering = STEERING.get(check.act)
        act = check.act if steering and request.user.has_perm(steering[0]) else ""
        return {"check": check, "state": {True: "yes", False: "no", None: "mind"}[check.ok], "address": address, "act": act}


CAMPAIGNS = "campaign__"


def _change(actor: Any, flight: Flight, columns: dict[str, Any]) -> None:
    own = {name: value for name, value in columns.items() if not name.startswith(CAMPAIGNS)}
    shared = {name.removeprefix(CAMPAIGNS): value for name, value in columns.items() if name.startswith(CAMPAIGNS)}
    with transaction.atomic():
        if shared:
            services.row_update(actor=actor, row=flight.campaign, changes=shared)
        if own:
            services.row_update(actor=actor, row=flight, changes=own)


def _field(flight: Flight, column: str, was: Any, becomes: Any) -> dict[str, Any]:
    """A column before and after, as a planner reads it."""
    name = column.removeprefix(CAMPAIGNS)
    before, after = (written.lines(name, value, targeting=panels.targeting_words, goal_type=flight.goal_type) for value in (was, becomes))
    return {"label": written.label(name) + (" of the campaign" if column.startswith(CAMPAIGNS) else ""), "was": before, "becomes": after}


def _read_by(funnel: Funnel) -> str:
    """In words, how exact the edges of the time are."""
    if funnel.grain == "hour":
        return "Figures by the hour, UTC: the hours in which the time begins and ends count whole."
    return f"Figures by the day, UTC, as for every time longer than {HOURLY.days} days: the days in which it begins and ends count whole."


def _parts(funnel: Funnel) -> list[dict[str, Any]]:
    """Where its slots were won, by title and by device."""
    titles, devices = shown.parts(funnel, "title_id"), shown.parts(funnel, "device")
    names = title_names(int(part.name) for part in titles)
    by_title = [{"name": names[int(part.name)], "part": part} for part in titles]
    by_device = [{"name": device_name(part.name), "part": part} for part in devices]
    return [{"name": name, "rows": rows} for name, rows in (("Title", by_title), ("Device", by_device)) if rows]


def title_names(titles: Iterable[int]) -> dict[int, str]:
    """What to call each title, those that are gone and 0 (unknown) too."""
    asked = set(titles)
    known = dict(Title.objects.filter(pk__in=asked).values_list("pk", "name"))
    return {title: known.get(title, f"title {title}" if title else "unknown") for title in asked}


def device_name(device: str) -> str:
    return "TV" if device == "tv" else device.capitalize() or "unknown"
