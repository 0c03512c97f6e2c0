from django.urls import path

from .consumers import playback_socket

websocket_urlpatterns = [path("ws/playback/<uuid:session_id>/", playback_socket)]  # type: ignore[arg-type]
