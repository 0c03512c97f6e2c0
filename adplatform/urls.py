"""The front door: every room brings its own ``urls`` module, included by name so that the platform imports none of them."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("adplatform.platform_urls")),
    *[path("", include(f"{app}.urls")) for app in settings.LOCAL_APPS],
]
