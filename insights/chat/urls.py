from django.urls import path

from .api import AskView
from .views import chat

urlpatterns = [
    path("insights/", chat, name="ask"),
    path("insights/<int:conversation>/", chat, name="ask-conversation"),
    path("api/v1/ask", AskView.as_view(), name="api-ask"),
]
