"""Pages of the admin that belong to no model: each room adds its own, below /admin/ and under the admin's names."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.urls import URLPattern, path

_pages: list[URLPattern] = []


def add(route: str, view: Any, name: str) -> None:
    """``/admin/<route>`` as ``admin:<name>``, for signed-in staff; the view asks for rights of its own."""
    _pages.append(path(route, admin.site.admin_view(view), name=name))
    # Unfold's site puts these in front of its own addresses.
    admin.site.extra_urls = lambda: list(_pages)  # type: ignore[attr-defined]
