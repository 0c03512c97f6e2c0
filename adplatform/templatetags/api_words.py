"""How words of the API's schema are written on its pages."""

from __future__ import annotations

import re

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def coded(words: str) -> SafeString | str:
    """What stands between backticks as code, everything else escaped."""
    parts = re.split(r"`+", words)
    return format_html_join("", "{}", ((format_html("<code>{}</code>", part) if place % 2 else part,) for place, part in enumerate(parts)))
