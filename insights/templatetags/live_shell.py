"""What every live page stands in: its tabs, for whom they are, and what its scripts must know. A page's own view gives only what is its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import template
from django.conf import settings
from django.template.context import Context
from django.urls import NoReverseMatch, reverse

from insights.live.permissions import Rights, rights

register = template.Library()


@dataclass(frozen=True)
class Tab:
    label: str
    url: str
    current: bool


def _business(held: Rights) -> bool:
    return held.business


# URL name, label, and who may open it.
TABS: tuple[tuple[str, str, Callable[[Rights], bool]], ...] = (
    ("live", "Live", lambda held: held.business or held.advertiser is not None),
    ("live-models", "Models", _business),
    ("live-experiments", "Experiments", _business),
    ("live-content", "Content", lambda held: held.content),
    ("live-insights", "Insights", _business),
)
# Pages that are reached from a tab and have none of their own.
UNDER = {"live-title": "live-content", "live-experiment": "live-experiments"}


@register.simple_tag(takes_context=True)
def live_shell(context: Context) -> dict[str, Any]:
    """``{currency, snapshot_url, login_url, evidence, tabs}`` for whoever asks; takes ``rights`` of the context where the view gave it."""
    request = context["request"]
    held: Rights = context.get("rights") or rights(request.user.pk)
    return {
        "currency": settings.CURRENCY,
        "snapshot_url": reverse("live-snapshot"),
        "login_url": f"{settings.LOGIN_URL}?next={request.path}",
        "evidence": request.user.is_staff,
        "tabs": _tabs(held, request.resolver_match.url_name if request.resolver_match else ""),
    }


def _tabs(held: Rights, here: str | None) -> list[Tab]:
    found = []
    for name, label, allowed in TABS:
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue  # this release has no such page
        if allowed(held):
            found.append(Tab(label, url, name == UNDER.get(here or "", here)))
    return found
