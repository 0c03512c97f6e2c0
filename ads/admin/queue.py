"""The review queue: ads whose clip is ready and whom nobody decided on, the longest waiting first, one at a time and large."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from ads import services
from ads.models import Ad
from ads.scope import visible_to

from . import clips

MOST_SHOWN = 20


def waiting(request: HttpRequest) -> QuerySet[Ad]:
    """Oldest first: by when its clip was ready, and those that had one from the start by when they were made."""
    rows = Ad.objects.filter(review=Ad.Review.IN_REVIEW).select_related("asset__creative_file__uploaded_by", "flight__campaign__advertiser")
    return visible_to(request.user, rows).order_by(F("asset__creative_file__finished_at").asc(nulls_first=True), "pk")


def page(request: HttpRequest, admin: Any) -> HttpResponse:
    """The queue, or what was decided in it."""
    if request.method == "POST":
        return _decided(request, admin)
    rows = list(waiting(request)[:MOST_SHOWN])
    named = request.GET.get("ad", "")
    shown = next((row for row in rows if str(row.pk) == named), rows[0] if rows else None)
    after = rows[(rows.index(shown) + 1) % len(rows)] if shown is not None and len(rows) > 1 else None
    if shown is not None:
        shown.viewer = request.user  # type: ignore[attr-defined]
    context = {
        **admin.admin_site.each_context(request),
        "title": "Review creatives",
        "opts": admin.model._meta,
        "media": admin.media,
        "may_decide": request.user.has_perm(services.APPROVE),
        "total": waiting(request).count() if len(rows) == MOST_SHOWN else len(rows),
        "queue": [{"ad": row, "here": row is shown, "address": f"?ad={row.pk}"} for row in rows],
        "next": f"?ad={after.pk}" if after is not None else "",
        **(_shown(shown) if shown is not None else {}),
    }
    return TemplateResponse(request, "ads/admin/review.html", context)


def _shown(ad: Ad) -> dict[str, Any]:
    return {
        "ad": ad,
        "player": clips.preview(ad.asset),
        "facts": clips.facts_table(ad),
        "trail": clips.trail(ad),
        "address": reverse("admin:ads_ad_change", args=[ad.pk]),
        "flight": reverse("admin:ads_flight_change", args=[ad.flight_id]),
        "others": Ad.objects.filter(flight=ad.flight_id, review=Ad.Review.APPROVED).count(),
    }


def _decided(request: HttpRequest, admin: Any) -> HttpResponse:
    if not request.user.has_perm(services.APPROVE):
        raise PermissionDenied
    named, note = request.POST.get("ad", ""), request.POST.get("note", "")
    rows = visible_to(request.user, Ad.objects.all())
    ad = rows.filter(pk=int(named)).first() if named.isascii() and named.isdigit() and len(named) < 19 else None
    here = reverse("admin:ads_ad_review")
    if ad is None:
        admin.message_user(request, "That ad is not there any more.", messages.WARNING)
        return HttpResponseRedirect(here)
    decide = services.ad_approve if "approve" in request.POST else services.ad_reject
    try:
        decide(actor=request.user, ad=ad, note=note)
    except services.WrongState as error:
        admin.message_user(request, str(error), messages.WARNING)
    except ValidationError as error:
        admin.message_user(request, " ".join(error.messages), messages.WARNING)
        return HttpResponseRedirect(f"{here}?ad={ad.pk}")
    else:
        admin.message_user(request, f"{ad} is {ad.get_review_display().lower()}. Serving follows within a second.", messages.SUCCESS)
    following = request.POST.get("next", "")
    return HttpResponseRedirect(f"{here}?ad={following}" if following.isascii() and following.isdigit() else here)
