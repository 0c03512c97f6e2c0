"""What the live figures can be narrowed to, by the rights of who asks."""

from __future__ import annotations

import json
from typing import Any

import redis
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from ads.models import Advertiser, Campaign
from catalog.models import Genre, Title
from engagement.models import Device
from insights.live.permissions import Rights, rights
from insights.live.store import client

from .periods import COMPARE, DEFAULT, RANGES

# A campaign just made may be chosen this many seconds later.
KEPT_SECONDS = 20
COMPARISONS = {"previous": "the time before", "week": "a week earlier", "none": "nothing"}


@require_safe
@never_cache
def choices_json(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        return JsonResponse({"problem": "signed_out"}, status=401)
    found = rights(request.user.pk)
    if not found.any:
        return JsonResponse({"problem": "not_allowed"}, status=403)
    return HttpResponse(_kept(found), content_type="application/json")


def _kept(of: Rights) -> str:
    """Read once in KEPT_SECONDS for everybody with the same rights; each time while Redis is away."""
    key = f"live:choices:{of.business:d}:{of.content:d}:{of.advertiser or ''}"
    try:
        kept: Any = client().get(key)
        if kept is not None:
            return str(kept.decode())
        body = json.dumps(choices(of))
        client().set(key, body, ex=KEPT_SECONDS)
    except redis.RedisError:
        return json.dumps(choices(of))
    return body


def choices(of: Rights) -> dict[str, Any]:
    """Each choice as ``{"value", "label"}``, ``value`` being what the stream's parameter takes. At most four queries."""
    found: dict[str, Any] = {
        "titles": [
            {"value": str(pk), "label": name, "slug": slug} for pk, name, slug in Title.objects.order_by("name").values_list("pk", "name", "slug")
        ],
        "genres": [{"value": slug, "label": name} for slug, name in Genre.objects.order_by("name").values_list("slug", "name")],
        "devices": [{"value": value, "label": label} for value, label in Device.choices],
    }
    if of.business or of.advertiser is not None:
        found |= {
            "campaigns": _campaigns(of),
            "ranges": [{"value": one.name, "label": one.words} for one in RANGES.values()],
            "compare": [{"value": name, "label": COMPARISONS[name]} for name in COMPARE],
            "default": {"range": DEFAULT, "compare": COMPARE[0]},
        }
    if of.business:
        found["advertisers"] = [{"value": str(pk), "label": name} for pk, name in Advertiser.objects.order_by("name").values_list("pk", "name")]
    return found


def _campaigns(of: Rights) -> list[dict[str, Any]]:
    rows = Campaign.objects.order_by("name") if of.business else Campaign.objects.filter(advertiser=of.advertiser).order_by("name")
    return [
        {"value": str(pk), "label": name, "advertiser": seller, "state": state}
        for pk, name, seller, state in rows.values_list("pk", "name", "advertiser__name", "state")
    ]
