"""A site behind the real web server, with small limits: it tells what it received, and what that cost."""

from __future__ import annotations

import hashlib
import resource
from pathlib import Path
from typing import Any

from django.conf import settings

MOST = 40_000_000

settings.configure(
    ALLOWED_HOSTS=["*"], SECRET_KEY="of-a-test", ROOT_URLCONF=__name__, CREATIVE_MOST_BYTES=MOST, INSTALLED_APPS=[], MIDDLEWARE=[], USE_TZ=True,
)  # fmt: skip

from django.core.asgi import get_asgi_application  # noqa: E402
from django.http import HttpRequest, JsonResponse  # noqa: E402
from django.urls import path  # noqa: E402

from adplatform import bodies  # noqa: E402


def _open_temporary_files() -> int:
    return sum(link.is_symlink() and str(link.readlink()).endswith("(deleted)") for link in Path("/proc/self/fd").iterdir())


def told(request: HttpRequest) -> JsonResponse:
    found: Any = hashlib.sha256()
    size = 0
    file: Any = request.FILES.get("file", request)
    while piece := file.read(65536):
        size += len(piece)
        found.update(piece)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return JsonResponse(
        {"sha256": found.hexdigest(), "size": size, "name": request.POST.get("name"), "peak": peak, "temporary": _open_temporary_files()}
    )


urlpatterns = [path("told", told), path("api/v1/told", told)]
bodies.ROOM = 0
bodies.install()
application = bodies.read_from_disk(get_asgi_application())
