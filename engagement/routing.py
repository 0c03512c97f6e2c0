from django.urls import path

from .consumers import PlaybackConsumer

websocket_urlpatterns = [path("ws/playback/<uuid:session_id>/", PlaybackConsumer.as_asgi())]  # type: ignore[arg-type]
