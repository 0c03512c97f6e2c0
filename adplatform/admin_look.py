"""The admin's own sidebar and content security policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from csp.constants import UNSAFE_EVAL, UNSAFE_INLINE
from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils.text import capfirst

from adplatform.permissions import ADVERTISER_MEMBER, ASK_GROUPS, HISTORY, LIVE_GROUPS

MONEY = "Delivery and money"
# Title of a sidebar group -> models with their symbol, in order. Models nobody registered are left out.
GROUPS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Selling",
        (
            ("ads.campaign", "campaign"),
            ("ads.flight", "flight_takeoff"),
            ("ads.ad", "movie"),
            ("ads.adpolicy", "tune"),
            ("ads.advertiser", "storefront"),
        ),
    ),
    (MONEY, (("ads.decision", "how_to_vote"), ("ads.adevent", "sensors"), ("ads.ledgerentry", "receipt_long"))),
    (
        "Catalogue",
        (("catalog.title", "theaters"), ("catalog.scene", "view_carousel"), ("catalog.genre", "category"), ("catalog.mediaasset", "video_file")),
    ),
    (
        "Audience",
        (
            ("engagement.viewer", "person"),
            ("engagement.playbacksession", "play_circle"),
            ("engagement.directordecision", "alt_route"),
            ("engagement.rating", "star"),
            ("engagement.churnscore", "person_alert"),
        ),
    ),
    (
        "Learning and log",
        (
            ("adplatform.modelversion", "model_training"),
            ("adplatform.trainingrun", "pending_actions"),
            ("adplatform.modelreading", "monitor_heart"),
            ("adplatform.experiment", "science"),
            ("adplatform.rollupstate", "stacked_bar_chart"),
            ("adplatform.archivedday", "inventory_2"),
            ("adplatform.deadevent", "report"),
        ),
    ),
    ("Answers", (("insights.verifiedquery", "verified"), ("insights.feedback", "thumbs_up_down"))),
    ("Access", (("adplatform.apikey", "key"), ("auth.user", "group"), ("auth.group", "shield_person"))),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """What this user may look at, by group."""
    groups: list[dict[str, Any]] = [{"title": "Pages", "items": list(_pages(request))}]
    for title, models in GROUPS:
        items = list(_items(request, models))
        if title == MONEY and user_may_read_decisions(request):
            items.append({"title": "Model lift", "icon": "trending_up", "link": reverse("admin:ads_decision_lift")})
        if title == MONEY:
            items = [*_reports(request), *items]
        if items:
            groups.append({"title": title, "separator": True, "items": items})
    return groups


def user_may_read_decisions(request: HttpRequest) -> bool:
    return request.user.has_perm("ads.view_decision")


def may_read_history(request: HttpRequest) -> bool:
    """People of an advertiser read what is, not who changed it: that names our own staff."""
    return any(request.user.has_perm(f"{app}.view_{model}") for app, model in (name.split(".") for name in HISTORY)) or not _of_advertiser(request)


def _of_advertiser(request: HttpRequest) -> bool:
    return ADVERTISER_MEMBER in set(request.user.groups.values_list("name", flat=True))


def _reports(request: HttpRequest) -> Iterable[dict[str, Any]]:
    if request.user.has_perm("ads.view_campaign"):
        yield {"title": "Reports", "icon": "table_chart", "link": reverse("admin:report")}


def _pages(request: HttpRequest) -> Iterable[dict[str, Any]]:
    yield {"title": "Overview", "icon": "home", "link": reverse("admin:index")}
    user = request.user
    held = set(user.groups.values_list("name", flat=True))
    for title, icon, link, allowed in (("Live", "monitoring", "/live/", LIVE_GROUPS), ("Ask", "forum", "/insights/", ASK_GROUPS)):
        if getattr(user, "is_superuser", False) or held.intersection(allowed):
            yield {"title": title, "icon": icon, "link": link}


def _items(request: HttpRequest, models: Iterable[tuple[str, str]]) -> Iterable[dict[str, Any]]:
    for name, icon in models:
        model = apps.get_model(name)
        registered = admin.site._registry.get(model)
        if registered is not None and registered.has_view_permission(request):
            address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
            yield {"title": capfirst(str(model._meta.verbose_name_plural)), "icon": icon, "link": address}


def content_security_policy(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Middleware. Unfold's Alpine compiles expressions, and its theme is an inline style: both are allowed below /admin/ alone.

    Inline scripts stay forbidden there too.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if request.path_info.startswith("/admin/"):
            response._csp_update = {"script-src": [UNSAFE_EVAL], "style-src": [UNSAFE_INLINE]}  # type: ignore[attr-defined]
        return response

    return middleware
