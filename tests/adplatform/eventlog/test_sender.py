"""Whose word is taken on the viewer's address and browser."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adplatform.eventlog import sender

OURS = "10.1.2.3"
DEVICE = {"x-device-ip": "203.0.113.9", "x-device-user-agent": "Roku/DVP-14.5", "user-agent": "stitcher"}


@pytest.fixture(autouse=True)
def _trusted(settings: Any) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8", "2001:db8::1"]


@pytest.mark.parametrize(
    ("peer", "headers", "address"),
    [
        (OURS, DEVICE, "203.0.113.9"),
        ("198.51.100.7", DEVICE, "198.51.100.7"),
        (OURS, {"x-forwarded-for": "192.0.2.66, 198.51.100.7, 10.9.9.9"}, "198.51.100.7"),
        (OURS, {"x-forwarded-for": "unknown"}, OURS),
        (OURS, {"x-device-ip": "unknown", "x-forwarded-for": "198.51.100.7"}, "198.51.100.7"),
        ("2001:db8::1", {"x-forwarded-for": "2001:db8::77"}, "2001:db8::77"),
        ("", DEVICE, ""),
    ],
)
def test_the_viewers_address_is_told_by_our_own_proxies_alone(peer: str, headers: dict[str, str], address: str) -> None:
    assert sender.address_of(peer, headers) == address


def test_the_viewers_browser_too() -> None:
    assert sender.user_agent_of(OURS, DEVICE) == "Roku/DVP-14.5"
    assert sender.user_agent_of("198.51.100.7", DEVICE) == "stitcher"


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_header_breaks_the_reading(device: str, forwarded: str) -> None:
    assert sender.address_of(OURS, {"x-device-ip": device, "x-forwarded-for": forwarded})
