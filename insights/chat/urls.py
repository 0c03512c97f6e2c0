from django.urls import path

from .api import AskView, ConversationsView, ConversationView, MessageView, TableView
from .feedback.api import FeedbackView, ProposeView
from .suggest_api import SuggestView
from .views import chat

urlpatterns = [
    path("insights/", chat, name="ask"),
    path("insights/<int:conversation>/", chat, name="ask-conversation"),
    path("api/v1/ask", AskView.as_view(), name="api-ask"),
    path("api/v1/ask/suggest", SuggestView.as_view(), name="api-ask-suggest"),
    path("api/v1/ask/conversations", ConversationsView.as_view(), name="api-ask-conversations"),
    path("api/v1/ask/conversations/<int:conversation>", ConversationView.as_view(), name="api-ask-conversation"),
    path("api/v1/ask/<int:message>", MessageView.as_view(), name="api-ask-message"),
    path("api/v1/ask/<int:message>/feedback", FeedbackView.as_view(), name="api-ask-feedback"),
    path("api/v1/ask/<int:message>/propose", ProposeView.as_view(), name="api-ask-propose"),
    path("api/v1/ask/<int:message>/table.csv", TableView.as_view(), name="api-ask-table"),
]
