"""Signed tokens: who is watching (SessionToken), and what an ad event is about (TrackingToken).

A token is msgpack plus the first 16 bytes of its HMAC-SHA256, in URL-safe base64 without padding. A client can repeat
one, never make one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import uuid
from functools import lru_cache
from typing import TypeVar

import msgspec
from django.conf import settings

SIGNATURE_BYTES = 16
LONGEST_TOKEN = 600


class TokenRefused(ValueError):
    """The token is unreadable, forged or expired; ``reason`` is its code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SessionToken(msgspec.Struct, frozen=True, array_like=True):
    session: uuid.UUID
    viewer: uuid.UUID | None
    title: int
    expires: int
    synthetic: bool = False


class TrackingToken(msgspec.Struct, frozen=True, array_like=True):
    """``price_micros`` is what a chargeable event of this ad costs; ``expires`` is Unix seconds."""

    decision: uuid.UUID
    slot: int
    ad: int
    flight: int
    price_micros: int
    expires: int
    session: uuid.UUID
    viewer: uuid.UUID | None = None
    title: int | None = None
    synthetic: bool = False


Token = TypeVar("Token", SessionToken, TrackingToken)
_encoder = msgspec.msgpack.Encoder()


@lru_cache(maxsize=8)
def _key(secret: str, kind: str) -> bytes:
    return hashlib.sha256(f"intermission.{kind}.{secret}".encode()).digest()


def _signature(body: bytes, kind: type) -> bytes:
    return hmac.digest(_key(settings.SECRET_KEY, kind.__name__), body, "sha256")[:SIGNATURE_BYTES]


def sign(token: SessionToken | TrackingToken) -> str:
    body = _encoder.encode(token)
    return base64.urlsafe_b64encode(body + _signature(body, type(token))).rstrip(b"=").decode()


def read(text: str, kind: type[Token], *, now: float | None) -> Token:
    """The token inside ``text``; ``now`` in Unix seconds, None to accept an expired one.

    Raises TokenRefused with reason ``unreadable_token``, ``unsigned`` or ``expired_token``.
    """
    if len(text) > LONGEST_TOKEN:
        raise TokenRefused("unreadable_token")
    try:
        raw = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise TokenRefused("unreadable_token") from error
    body, signature = raw[:-SIGNATURE_BYTES], raw[-SIGNATURE_BYTES:]
    if not hmac.compare_digest(signature, _signature(body, kind)):
        raise TokenRefused("unsigned")
    try:
        token = msgspec.msgpack.decode(body, type=kind)
    except msgspec.DecodeError as error:
        # Signed by us in another release, with fields of another kind.
        raise TokenRefused("unreadable_token") from error
    if now is not None and token.expires < now:
        raise TokenRefused("expired_token")
    return token
