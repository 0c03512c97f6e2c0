"""URLs of the platform's own floor."""

from django.urls import URLPattern, path
from drf_spectacular.views import SpectacularAPIView

urlpatterns: list[URLPattern] = [
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="api-schema"),
]
