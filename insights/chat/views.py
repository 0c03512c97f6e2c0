"""The chat page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from insights.semantic.access import may_open_page
from insights.semantic.loading import load

from . import llm
from .answer import BUILT_IN
from .api import FORBIDDEN
from .conversation import NoSuchConversation, conversations_of, messages_of, told


@require_safe
@login_required
@ensure_csrf_cookie
def chat(request: HttpRequest, conversation: int | None = None) -> HttpResponse:
    """A new conversation, or one of the user's own with all that was said in it."""
    user = request.user
    if not isinstance(user, User) or not may_open_page(user):
        raise PermissionDenied(FORBIDDEN)
    try:
        messages = list(messages_of(user, conversation)) if conversation else []
    except NoSuchConversation as error:
        raise Http404(str(error)) from error
    assistant = llm.configured()
    return render(
        request,
        "insights/chat.html",
        {
            "conversations": conversations_of(user),
            "current": conversation,
            "examples": load().examples,
            "engine": f"figures from SQL, worded by {assistant.model}" if assistant else BUILT_IN,
            "history": [told(message) for message in messages],
        },
    )
