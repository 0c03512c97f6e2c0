"""The front door: every room brings its own ``urls`` module, included by name so that the platform imports none of them."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path, re_path

from adplatform import problems

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("adplatform.platform_urls")),
    *[path("", include(f"{app}.urls")) for app in settings.LOCAL_APPS],
    re_path(r"^api/", problems.no_such_address),
]
handler400 = "adplatform.problems.bad_request"
handler403 = "adplatform.problems.permission_denied"
handler404 = "adplatform.problems.not_found"
handler500 = "adplatform.problems.server_error"
