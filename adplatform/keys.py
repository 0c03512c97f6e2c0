"""Keys to the API: who makes one, how it is kept, and how a request shows it.

A key is 32 random bytes, so its SHA-256 is all that is kept: whoever reads the table learns no key, and nobody can be shown one again.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from adplatform.models import ApiKey

BEGINS = "im_"
SHOWN = len(BEGINS) + 8
FORM = re.compile(rf"{BEGINS}[A-Za-z0-9_-]{{43}}")
SCHEMES = ("bearer", "token")
LONGEST_DAYS = 3650
# The minute in which a key was last used is near enough; each request must not write a row.
USED_EVERY = timedelta(minutes=1)
HOW = "Staff make keys in the admin under API keys; `manage.py api_key USER` makes one too."


def key_make(*, user: User, name: str, days: int | None, now: datetime) -> tuple[ApiKey, str]:
    """A new key for ``user``, and its text, which is shown now and never again. Without ``days`` it is good until it is revoked."""
    text = BEGINS + secrets.token_urlsafe(32)
    expires = now + timedelta(days=days) if days else None
    row = ApiKey(user=user, name=name, prefix=text[:SHOWN], digest=digest_of(text), expires_at=expires)
    row.full_clean()
    row.save()
    return row, text


def key_revoke(*, key: ApiKey, now: datetime) -> bool:
    """Refuse the key from now on. False when it was revoked before."""
    return ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now) == 1


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class KeyAuthentication(BaseAuthentication):
    """``Authorization: Bearer KEY``; the word Token is understood too."""

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="Intermission"'

    def authenticate(self, request: Request) -> tuple[User, ApiKey] | None:
        scheme, _, text = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() not in SCHEMES:
            return None
        now = timezone.now()
        found = ApiKey.objects.select_related("user").filter(digest=digest_of(text.strip())).first() if FORM.fullmatch(text.strip()) else None
        if found is None:
            raise AuthenticationFailed(f"This key is not known. {HOW}")
        if found.revoked_at is not None:
            raise AuthenticationFailed(f"The key {found.prefix}… was revoked on {found.revoked_at:%d %b %Y}. {HOW}")
        if found.expires_at is not None and found.expires_at <= now:
            raise AuthenticationFailed(f"The key {found.prefix}… expired on {found.expires_at:%d %b %Y}. {HOW}")
        if not found.user.is_active:
            raise AuthenticationFailed(f"The account behind the key {found.prefix}… is closed.")
        _used(found, now)
        return found.user, found


def _used(key: ApiKey, now: datetime) -> None:
    if key.last_used_at is None or key.last_used_at < now - USED_EVERY:
        ApiKey.objects.filter(Q(last_used_at=None) | Q(last_used_at__lt=now - USED_EVERY), pk=key.pk).update(last_used_at=now)


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = KeyAuthentication
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "description": f"A key of a person, with that person's rights. {HOW}"}
