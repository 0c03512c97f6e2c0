"""The chat page."""

from __future__ import annotations

import structlog
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe

from insights.semantic.access import Scope, scope_of
from insights.semantic.loading import load
from insights.semantic.refusals import CannotRun

from . import llm
from .answer import BUILT_IN
from .api import FORBIDDEN
from .conversation import NoSuchConversation, conversations_of, messages_of, told
from .suggestions import Suggestion, for_user
from .verified.services import may_propose

log = structlog.get_logger(__name__)


def _address(name: str, *args: int) -> str:
    """Empty for what this installation does not have."""
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def _examples(user: User, scope: Scope) -> list[Suggestion]:
    """What to begin with. Where the figures cannot be read just now the page still opens; what is asked is told why."""
    try:
        return for_user(user, scope, now=timezone.now())
    except CannotRun as problem:
        log.warning("nothing_to_begin_with", problem=str(problem))
        return []


@require_safe
@login_required
@ensure_csrf_cookie
def chat(request: HttpRequest, conversation: int | None = None) -> HttpResponse:
    """A new conversation, or one of the user's own with all that was said in it."""
    user = request.user
    scope = scope_of(user)
    if not isinstance(user, User) or scope is None:
        raise PermissionDenied(FORBIDDEN)
    try:
        messages = list(messages_of(user, conversation)) if conversation else []
    except NoSuchConversation as error:
        raise Http404(str(error)) from error
    assistant, model = llm.configured(), load()
    return render(
        request,
        "insights/chat.html",
        {
            "conversations": conversations_of(user),
            "current": conversation,
            "examples": _examples(user, scope),
            "currency": model.currency or settings.CURRENCY,
            "stage_seconds": settings.INSIGHTS_STAGE_SECONDS,
            "suggest_url": _address("api-ask-suggest"),
            "feedback": bool(_address("api-ask-feedback", 1)),
            "propose": may_propose(user),
            "engine": f"figures from SQL, worded by {assistant.model}" if assistant else BUILT_IN,
            "history": [told(message) for message in messages],
        },
    )
