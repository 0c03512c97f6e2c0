"""Which pages may open a socket: those of this site, as its own address names it, and the origins trusted with forms.

A socket carries cookies from any page, so its handshake is what CSRF protection is for forms (RFC 6455, section 10.2). The scheme's host
alone is not enough: another port of the same host is another site (RFC 6454, section 4).
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from channels.security.websocket import WebsocketDenier
from django.conf import settings


class SameOriginOnly:
    """Around the sockets' application, inside the check that the origin's host is one of ours."""

    def __init__(self, application: Any) -> None:
        self.application = application

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> Any:
        headers = {name: value.decode("latin1") for name, value in scope.get("headers", [])}
        origin, host = headers.get(b"origin", ""), headers.get(b"host", "")
        application: Any = self.application if same_origin(origin, host) else WebsocketDenier()
        return await application(scope, receive, send)


def same_origin(origin: str, host: str) -> bool:
    """Behind a proxy that names another host to us, the address people see must stand in CSRF_TRUSTED_ORIGINS."""
    return bool(origin) and (urlsplit(origin).netloc.lower() == host.lower() or origin in settings.CSRF_TRUSTED_ORIGINS)
