"""URLs of insights: the live dashboards and the chat."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("live/", include("insights.live.urls")),
    path("", include("insights.chat.urls")),
]
