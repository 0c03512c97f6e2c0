"""Macros of VAST 4.2 (section 6) in addresses that we send somebody to ourselves. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from random import Random
from urllib.parse import quote

_MACRO = re.compile(r"\[([A-Z][A-Z_]{1,39})\]|%5B([A-Z][A-Z_]{1,39})%5D", re.I)
# Section 6.3: what whoever fills in macros does not know.
UNKNOWN = "-1"
# Section 6.4, those that may stand in a click-through; other words in brackets are the advertiser's own and stay.
STANDARD = frozenset(
    {
        "ADCATEGORIES", "ADCOUNT", "ADPLAYHEAD", "ADSERVINGID", "ADTYPE", "APIFRAMEWORKS", "APPBUNDLE", "ASSETURI", "BLOCKEDADCATEGORIES",
        "BREAKMAXADLENGTH", "BREAKMAXADS", "BREAKMAXDURATION", "BREAKMINADLENGTH", "BREAKMINDURATION", "BREAKPOSITION", "CACHEBUSTING", "CLICKPOS",
        "CLICKTYPE", "CLIENTUA", "CONTENTID", "CONTENTPLAYHEAD", "CONTENTURI", "DEVICEIP", "DEVICEUA", "DOMAIN", "ERRORCODE", "EXTENSIONS",
        "GDPRCONSENT", "IFA", "IFATYPE", "INVENTORYSTATE", "LATLONG", "LIMITADTRACKING", "MEDIAMIME", "MEDIAPLAYHEAD", "OMIDPARTNER", "PAGEURL",
        "PLACEMENTTYPE", "PLAYERCAPABILITIES", "PLAYERSIZE", "PLAYERSTATE", "PODSEQUENCE", "REASON", "REGULATIONS", "SERVERSIDE", "SERVERUA",
        "TIMESTAMP", "TRANSACTIONID", "UNIVERSALADID", "VASTVERSIONS", "VERIFICATIONVENDORS",
    }
)  # fmt: skip


def expand(address: str, values: Mapping[str, str]) -> str:
    """The address with its macros filled in, each value percent-encoded as RFC 3986 asks of a part of a query."""

    def filled(match: re.Match[str]) -> str:
        name = (match[1] or match[2]).upper()
        return quote(values.get(name, UNKNOWN), safe="") if name in STANDARD else match[0]

    return _MACRO.sub(filled, address)


def moment(now: datetime) -> str:
    """[TIMESTAMP]: ISO 8601 with milliseconds and zone."""
    return now.isoformat(timespec="milliseconds")


def number(rng: Random) -> str:
    """[CACHEBUSTING]: eight digits."""
    return f"{rng.randrange(10**8):08}"
