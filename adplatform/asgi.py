"""HTTP through Django, sockets through the ``routing`` module of each room that has one."""

import os
from importlib import import_module
from importlib.util import find_spec
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "adplatform.settings")

from django.core.asgi import get_asgi_application

http_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from channels.security.websocket import AllowedHostsOriginValidator  # noqa: E402
from django.conf import settings  # noqa: E402

from adplatform.metrics import count_sockets  # noqa: E402
from adplatform.origins import SameOriginOnly  # noqa: E402


def _socket_routes() -> list[Any]:
    routes: list[Any] = []
    for app in settings.LOCAL_APPS:
        if find_spec(f"{app}.routing"):
            routes += import_module(f"{app}.routing").websocket_urlpatterns
    return routes


application = ProtocolTypeRouter(
    {
        "http": http_application,
        "websocket": count_sockets(AllowedHostsOriginValidator(SameOriginOnly(AuthMiddlewareStack(URLRouter(_socket_routes()))))),
    }
)
