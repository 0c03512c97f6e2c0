"""What never leaves for a language model's endpoint: e-mail and network addresses."""

from __future__ import annotations

import ipaddress
import re

from insights.chat.text import clean

MOST_NAME = 120
_EMAIL = re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+")
_ADDRESS = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?![\w:])")


def redacted(text: str, *, most: int) -> str:
    """One line without control, format and bidirectional characters, e-mail and IP addresses, cut to ``most`` characters."""
    return _ADDRESS.sub(_without_address, _EMAIL.sub("(e-mail)", clean(text)))[:most]


def _without_address(found: re.Match[str]) -> str:
    """Only what really is an address: 18:30:00 looks like one and is a time."""
    try:
        ipaddress.ip_address(found.group())
    except ValueError:
        return found.group()
    return "(address)"
