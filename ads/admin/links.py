"""Pages about an ad that higher floors have: they say so here, and the ad's own page leads there."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from ads.models import Ad

_PAGES: list[tuple[str, Callable[[Ad], str]]] = []


def register(words: str, address: Callable[[Ad], str]) -> None:
    """``address`` gives the page's URL for an ad."""
    _PAGES.append((words, address))


def of(ad: Ad) -> SafeString | str:
    return format_html_join(" · ", '<a class="text-link" href="{}">{}</a>', ((address(ad), words) for words, address in _PAGES)) or "-"
