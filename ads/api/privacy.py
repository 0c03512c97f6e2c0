"""What the signals of a request allow: viewer attributes for ads, or the context alone. Anything but a clear yes is a no.

Read are our own ``consent``, IAB Europe's TCF 2 (``gdpr``, ``gdpr_consent``), IAB Tech Lab's GPP (``gpp``, ``gpp_sid``) and US Privacy
(``us_privacy``), COPPA, limited ad tracking, and the header of Global Privacy Control.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator

from django.http import HttpRequest, QueryDict

from .query import told

YES, NO = frozenset({"1", "true", "yes", "y"}), frozenset({"0", "false", "no", "n"})
# Any of these alone leaves the context: a child, a viewer who opted out, ads asked for without a person.
OBJECTIONS = ("coppa", "lmt", "dnt", "npa", "gpc", "opt_out")
LONGEST = 4096
US_PRIVACY = re.compile(r"1[YN-][YN-][YN-]", re.I)

# TCF 2.2: to keep something on the device, choose by basic data, build a profile, choose by it (purposes 1 to 4).
PURPOSES = (1, 2, 3, 4)
_TCF_PURPOSES_AT = 152
# Sections of GPP that are understood here; any other that is said to apply leaves the context alone.
_TCF, _US_PRIVACY, _US_NATIONAL = 2, 6, 7
# Of the national section's core, version 1, two bits each from 18 on: opted out of the sale, of sharing, of targeted advertising.
_US_OPT_OUTS_AT, _OPTED_OUT = (18, 20, 22), 1


def consented(request: HttpRequest) -> bool:
    """Whether somebody said yes, and nobody said no."""
    query = request.GET
    if request.headers.get("Sec-GPC") == "1" or any(told(query, name).lower() in YES for name in OBJECTIONS):
        return False
    said = [_own(query), _tcf_signal(query), _gpp_signal(query), _us_signal(query)]
    regulations = {name.strip().lower() for name in told(query, "regulations").split(",")}
    if "coppa" in regulations or ("gdpr" in regulations and said[1] is None and said[2] is None):
        return False
    return False not in said and (said[0] is True or said[1] is True)


def tcf_allows(text: str) -> bool:
    """Whether a TCF 2 string says yes to every purpose that ads for a person need."""
    bits = _bits(text.split(".", 1)[0])
    return bits[:6] == "000010" and all(bits[_TCF_PURPOSES_AT + purpose - 1 : _TCF_PURPOSES_AT + purpose] == "1" for purpose in PURPOSES)


def gpp_allows(text: str, applying: frozenset[int]) -> bool:
    """Whether every section that applies (of an empty set: every one there is) is understood here and says yes."""
    header, *sections = text.split("~")
    found = dict(zip(_section_ids(_bits(header)), sections, strict=False))
    wanted = applying or frozenset(found)
    return bool(wanted) and all(number in found and _section_allows(number, found[number]) for number in wanted)


def us_privacy_allows(text: str) -> bool:
    """The third letter is whether the viewer opted out of the sale of data."""
    return bool(US_PRIVACY.fullmatch(text)) and text[2].upper() != "Y"


def _own(query: QueryDict) -> bool | None:
    said = told(query, "consent").lower()
    return said in YES if said else None


def _tcf_signal(query: QueryDict) -> bool | None:
    """None where GDPR does not apply, or nothing is said."""
    applies, text = told(query, "gdpr").lower(), told(query, "gdpr_consent")[:LONGEST]
    if applies in NO or not (applies or text):
        return None
    return tcf_allows(text)


def _gpp_signal(query: QueryDict) -> bool | None:
    """None where nothing is said, or that no section applies."""
    text, named = told(query, "gpp")[:LONGEST], told(query, "gpp_sid")
    applying = frozenset(int(part) for part in re.split(r"[,_]", named) if part.isascii() and part.isdigit() and len(part) < 4)
    if not text and not applying:
        return None
    return applying == {0} or gpp_allows(text, applying - {0})


def _us_signal(query: QueryDict) -> bool | None:
    text = told(query, "us_privacy")
    return us_privacy_allows(text) if text else None


def _section_allows(number: int, text: str) -> bool:
    if number == _TCF:
        return tcf_allows(text)
    if number == _US_PRIVACY:
        return us_privacy_allows(text)
    if number == _US_NATIONAL:
        core, *beside = text.split(".")
        bits = _bits(core)
        opted_out = any(int(bits[at : at + 2] or "1", 2) == _OPTED_OUT for at in _US_OPT_OUTS_AT)
        # The segment of Global Privacy Control: its type 01, then whether it is on.
        return bits[:6] == "000001" and not opted_out and not any(_bits(segment)[:3] == "011" for segment in beside)
    return False


def _section_ids(bits: str) -> Iterator[int]:
    """Of a GPP header: type 3, version 1, then a range of ids in Fibonacci coding (GPP, "Fibonacci Encoding")."""
    if bits[:6] != "000011" or len(bits) < 24:
        return
    place, last = 24, 0
    for _ in range(int(bits[12:24], 2)):
        is_range, place = bits[place : place + 1] == "1", place + 1
        start, place = _fibonacci(bits, place)
        first = last = last + start
        if is_range:
            length, place = _fibonacci(bits, place)
            last = min(first + length, first + 64)
        if not start:
            return
        yield from range(first, last + 1)


def _fibonacci(bits: str, place: int) -> tuple[int, int]:
    """The number that begins here, 0 where it never ends, and where the next begins."""
    end = bits.find("11", place)
    if end < 0:
        return 0, len(bits)
    value, this, following = 0, 1, 2
    for bit in bits[place : end + 1]:
        value += this if bit == "1" else 0
        this, following = following, this + following
    return value, end + 2


def _bits(text: str) -> str:
    """Of URL-safe base64 without padding; empty when it is none."""
    try:
        # GPP counts in letters of six bits, which need not fill a byte.
        raw = base64.urlsafe_b64decode(text + "A" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return ""
    return "".join(f"{byte:08b}" for byte in raw)
