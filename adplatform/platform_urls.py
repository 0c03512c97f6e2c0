"""URLs of the platform's own floor."""

from django.urls import URLPattern, path
from drf_spectacular.views import SpectacularAPIView

from adplatform.eventlog import views as eventlog

urlpatterns: list[URLPattern] = [
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("api/v1/events", eventlog.events, name="events"),
    path("t/<str:event>/<str:token>", eventlog.track, name="track"),
]
