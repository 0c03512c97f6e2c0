"""URLs of insights: the live dashboards and the chat."""

from django.urls import URLPattern, URLResolver, include, path

from .help import what_can_be_asked

urlpatterns: list[URLPattern | URLResolver] = [
    path("live/insights/", include("insights.findings.urls")),
    path("live/", include("insights.live.urls")),
    path("insights/help/", what_can_be_asked, name="ask-help"),
    path("", include("insights.chat.urls")),
    path("", include("insights.desk.urls")),
]
