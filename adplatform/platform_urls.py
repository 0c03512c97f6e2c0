"""URLs of the platform's own floor."""

from django.urls import URLPattern, path

from adplatform import api_docs, problems
from adplatform.eventlog import views as eventlog
from adplatform.health import healthz, readyz
from adplatform.metrics import metrics

urlpatterns: list[URLPattern] = [
    path("api/v1/schema/", api_docs.SchemaView.as_view(), name="api-schema"),
    path("api/v1/docs/", api_docs.reference, name="api-docs"),
    path("api/problems/", problems.explained, name="api-problems"),
    path("api/problems/<slug:name>", problems.explained, name="api-problem"),
    path("api/v1/events", eventlog.events, name="events"),
    path("t/<str:event>/<str:token>", eventlog.track, name="track"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics, name="metrics"),
]
