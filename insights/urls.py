"""URLs of insights: the live dashboards and the chat."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("live/insights/", include("insights.findings.urls")),
    path("live/", include("insights.live.urls")),
    path("", include("insights.chat.urls")),
    path("", include("insights.desk.urls")),
]
