from django.urls import URLPattern, path

from .asking import AskConsumer
from .consumers import LiveConsumer

websocket_urlpatterns: list[URLPattern] = [
    path("ws/live/", LiveConsumer.as_asgi()),  # type: ignore[arg-type]
    path("ws/insights/", AskConsumer.as_asgi()),  # type: ignore[arg-type]
]
