"""The page of an ad's headlines, in the admin."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from unfold.admin import ModelAdmin

from ads.models import Ad
from ads.scope import EVERYBODY, advertiser_of
from catalog.models import Genre
from insights.chat import llm
from insights.models import CopySuggestion

from . import evidence, services
from .headlines import FEWEST_IMPRESSIONS, KINDS, Segment, records


@admin.register(CopySuggestion)
class CopySuggestionAdmin(ModelAdmin):  # type: ignore[misc]
    """Suggestions are made and decided on the ad's own page; the list is their record."""

    list_display = ("headline", "ad", "engine", "state", "suggested_by", "suggested_at")
    list_filter = ("state", "engine")
    list_select_related = ("ad", "suggested_by")
    search_fields = ("headline", "ad__name")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_urls(self) -> list[Any]:
        return [path("for/<int:pk>/", self.admin_site.admin_view(self.of_ad), name="insights_copysuggestion_ad"), *super().get_urls()]

    def of_ad(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What lines did in a segment, and suggestions to take up or put aside."""
        # What lines did is told of all advertisers' lines together.
        if not request.user.has_perm("ads.view_ad") or advertiser_of(request.user) is not EVERYBODY:
            raise PermissionDenied
        ad = get_object_or_404(Ad.objects.select_related("flight__campaign__advertiser", "asset"), pk=pk)
        if request.method == "POST":
            return self._act(request, ad)
        segment = _segment(request.GET)
        now = datetime.now(UTC)
        assistant = llm.configured()
        known = records(evidence.shown_lines(segment=segment, category=ad.category, now=now))
        context = {
            **self.admin_site.each_context(request),
            "title": f"Headlines for {ad.name}",
            "ad": ad,
            "brand": ad.flight.campaign.advertiser.name,
            "segment": segment,
            "devices": list(services.SCREENS),
            "genres": Genre.objects.order_by("name"),
            "records": [_shown(record) for record in sorted(known.values(), key=lambda one: -one.low)],
            "suggestions": ad.copy_suggestions.all(),
            "days": evidence.DAYS,
            "fewest": FEWEST_IMPRESSIONS,
            "may_change": request.user.has_perm(services.RIGHT),
            "engine": f"by {assistant.model}" if assistant else "by template",
        }
        return TemplateResponse(request, "insights/admin/headlines.html", context)

    def _act(self, request: HttpRequest, ad: Ad) -> HttpResponse:
        actor, segment, now = request.user, _segment(request.POST), datetime.now(UTC)
        if not isinstance(actor, User):
            raise PermissionDenied
        back = f"{reverse('admin:insights_copysuggestion_ad', args=[ad.pk])}?{urlencode({'device': segment.device, 'genre': segment.genre})}"
        if request.POST.get("do") == "suggest":
            made, note = services.headlines_suggest(actor=actor, ad=ad, segment=segment, now=now, assistant=llm.configured())
            self.message_user(request, f"{len(made)} lines suggested. {note}".strip(), messages.SUCCESS if made else messages.WARNING)
            return redirect(back)
        named = request.POST.get("suggestion", "")
        of_ad = CopySuggestion.objects.select_related("ad__flight", "ad__asset").filter(ad=ad)
        chosen = get_object_or_404(of_ad, pk=int(named) if named.isascii() and named.isdecimal() and len(named) < 19 else 0)
        try:
            if request.POST.get("do") == "take":
                made_ad = services.suggestion_take(actor=actor, suggestion=chosen, now=now)
                self.message_user(request, f"“{made_ad.headline}” waits for the review as {made_ad.name}.", messages.SUCCESS)
                return redirect("admin:ads_ad_change", made_ad.pk)
            services.suggestion_dismiss(actor=actor, suggestion=chosen, now=now)
        except (services.AlreadyDecided, ValidationError) as problem:
            self.message_user(request, "; ".join(getattr(problem, "messages", [str(problem)])), messages.WARNING)
        return redirect(back)


def _segment(given: Any) -> Segment:
    """Of what the page sent; what is unknown is everybody."""
    device, genre = given.get("device", ""), given.get("genre", "")
    return Segment(device if device in services.SCREENS else "", genre if Genre.objects.filter(slug=genre).exists() else "")


def _shown(record: Any) -> dict[str, str]:
    return {
        "kind": KINDS[record.kind],
        "lines": str(record.lines),
        "impressions": f"{record.impressions:,}",
        "rate": f"{100 * record.rate:.2f} %",
        "interval": f"{100 * record.low:.2f} to {100 * record.high:.2f} %",
    }
