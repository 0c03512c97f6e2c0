"""Which signals allow ads for a person. The strings are made here, bit by bit, as the standards have them."""

from __future__ import annotations

import base64

import pytest
from django.test import RequestFactory
from hypothesis import given
from hypothesis import strategies as st

from ads.api import privacy

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def coded(bits: str) -> str:
    bits += "0" * (-len(bits) % 6)
    return "".join(LETTERS[int(bits[place : place + 6], 2)] for place in range(0, len(bits), 6))


def tcf(*purposes: int) -> str:
    allowed = "".join("1" if number in purposes else "0" for number in range(1, 25))
    return coded("000010" + "0" * 146 + allowed + "0" * 60)


def national(sale: int = 2, sharing: int = 2, targeted: int = 2) -> str:
    return coded("000001" + "01" * 6 + f"{sale:02b}{sharing:02b}{targeted:02b}" + "0" * 30)


# A header that names section 2, 6 or 7 alone: type 3, version 1, one number; Fibonacci codes of 2, 6 and 7.
HEADERS = {number: coded(f"{3:06b}{1:06b}{1:012b}0{code}") for number, code in {2: "011", 6: "10011", 7: "01011"}.items()}
ALL = tcf(1, 2, 3, 4)


@pytest.mark.parametrize(
    ("query", "allowed"),
    [
        ({}, False),
        ({"consent": "1"}, True),
        ({"consent": "[CONSENT]"}, False),
        ({"consent": "1", "coppa": "1"}, False),
        ({"consent": "1", "lmt": "1"}, False),
        ({"consent": "1", "gpc": "1"}, False),
        ({"consent": "1", "regulations": "coppa"}, False),
        ({"consent": "1", "regulations": "gdpr"}, False),
        ({"gdpr": "1", "gdpr_consent": ALL}, True),
        ({"gdpr_consent": ALL + ".IFoEUQQgAIQwgIwQABAEAAAAOIAACAIAAAAQAIAgEAACEAAAAAgAQBAAAAAAAGBAAgAAAAAAAFAAECAAAgAAQARAEQAAAAAJAAIAAgAAAYQEAAAQmAgBC3ZAYzUw"}, True),
        ({"gdpr": "1", "gdpr_consent": tcf(1, 2)}, False),
        ({"gdpr": "1"}, False),
        ({"gdpr": "1", "consent": "1"}, False),
        ({"gdpr": "0", "consent": "1"}, True),
        ({"gdpr_consent": "no such string"}, False),
        ({"consent": "1", "us_privacy": "1YNN"}, True),
        ({"consent": "1", "us_privacy": "1YYN"}, False),
        ({"consent": "1", "us_privacy": "rubbish"}, False),
        ({"consent": "1", "gpp": f"{HEADERS[7]}~{national()}", "gpp_sid": "7"}, True),
        ({"consent": "1", "gpp": f"{HEADERS[7]}~{national(targeted=1)}", "gpp_sid": "7"}, False),
        ({"consent": "1", "gpp": f"{HEADERS[7]}~{national()}.{coded('011')}", "gpp_sid": "7"}, False),
        ({"consent": "1", "gpp": f"{HEADERS[2]}~{ALL}"}, True),
        ({"consent": "1", "gpp": f"{HEADERS[2]}~{tcf(1)}"}, False),
        ({"consent": "1", "gpp": f"{HEADERS[6]}~1YNN", "gpp_sid": "6"}, True),
        ({"consent": "1", "gpp": f"{HEADERS[6]}~1YNN", "gpp_sid": "8"}, False),
        ({"consent": "1", "gpp_sid": "7"}, False),
        ({"consent": "1", "gpp": "DBAA", "gpp_sid": "0"}, True),
    ],
)  # fmt: skip
def test_only_a_clear_yes_allows_ads_for_a_person(query: dict[str, str], allowed: bool) -> None:  # noqa: FBT001
    assert privacy.consented(RequestFactory().get("/", query)) is allowed


def test_global_privacy_control_is_heeded() -> None:
    assert privacy.consented(RequestFactory().get("/", {"consent": "1"}, headers={"Sec-GPC": "1"})) is False


def test_strings_of_others_are_read() -> None:
    """From the documentation of GPP, "Example": sections 2 and 6."""
    header = "DBACNYA"
    assert list(privacy._section_ids(privacy._bits(header))) == [2, 6]


@given(st.text(max_size=60), st.binary(max_size=60))
def test_no_string_breaks_the_reading(text: str, raw: bytes) -> None:
    for signal in (text, base64.urlsafe_b64encode(raw).decode().rstrip("="), f"D{text}~{text}"):
        query = {"consent": "1", "gdpr_consent": signal, "gpp": signal, "us_privacy": signal, "gpp_sid": text}
        assert privacy.consented(RequestFactory().get("/", query)) in (True, False)
