"""Who may sell what is shown here: ``/ads.txt`` and ``/app-ads.txt`` (IAB Tech Lab, ads.txt 1.1), ``/sellers.json`` (1.0), from the settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

DAY = "public, max-age=86400"


@require_safe
def ads_txt(request: HttpRequest) -> HttpResponse:
    domain = _domain(request)
    lines = [f"{domain}, {settings.ADS_SELLER_ID}, DIRECT", *settings.ADS_TXT_LINES, f"OWNERDOMAIN={domain}"]
    if settings.ADS_CONTACT_EMAIL:
        lines.append(f"CONTACT={settings.ADS_CONTACT_EMAIL}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8", headers={"Cache-Control": DAY})


@require_safe
def sellers_json(request: HttpRequest) -> JsonResponse:
    seller: dict[str, Any] = {
        "seller_id": settings.ADS_SELLER_ID,
        "seller_type": "PUBLISHER",
        "name": settings.ADS_SELLER_NAME,
        "domain": _domain(request),
    }
    told: dict[str, Any] = {"version": "1.0", "sellers": [seller]}
    if settings.ADS_CONTACT_EMAIL:
        told["contact_email"] = settings.ADS_CONTACT_EMAIL
    return JsonResponse(told, headers={"Cache-Control": DAY, "Access-Control-Allow-Origin": "*"})


def _domain(request: HttpRequest) -> str:
    return settings.ADS_DOMAIN or request.get_host().rsplit(":", 1)[0]
