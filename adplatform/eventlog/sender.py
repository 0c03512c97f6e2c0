"""Whose request this is: the viewer's address and browser, also where a proxy or an ad stitching server stands between.

What others say of the viewer is believed of `settings.TRUSTED_PROXIES` alone: anybody could send these headers, and with them take the
quota and the caps of others.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def address(request: HttpRequest) -> str:
    return address_of(_peer(request), request.headers)


def user_agent(request: HttpRequest) -> str:
    return user_agent_of(_peer(request), request.headers)


def address_of(peer: str, headers: Mapping[str, str]) -> str:
    """``X-Device-IP`` (VAST 4.2 section 1.3.4.2), else the last address of ``X-Forwarded-For`` that is no proxy of ours, else the ``peer``.

    ``headers`` by names in small letters.
    """
    if not _trusted(peer):
        return peer
    device = _readable(headers.get("x-device-ip", ""))
    if device:
        return device
    for hop in reversed(headers.get("x-forwarded-for", "").split(",")):
        found = _readable(hop)
        if not found:
            break
        peer = found
        if not _trusted(found):
            break
    return peer


def user_agent_of(peer: str, headers: Mapping[str, str]) -> str:
    """``X-Device-User-Agent``, else the sender's own."""
    own = headers.get("user-agent", "")
    return (headers.get("x-device-user-agent", "") or own) if _trusted(peer) else own


def _peer(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR") or "")


def _trusted(text: str) -> bool:
    networks = _networks(tuple(settings.TRUSTED_PROXIES))
    if not networks:
        return False
    found = _parsed(text)
    return found is not None and any(found in network for network in networks)


def _readable(text: str) -> str:
    found = _parsed(text)
    return "" if found is None else str(found)


def _parsed(text: str) -> Address | None:
    try:
        return ipaddress.ip_address(text.strip())
    except ValueError:
        return None


@lru_cache(maxsize=4)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)
