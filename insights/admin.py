"""What was asked, for those who look after the answers. Conversations are a record: they can be read, never changed."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline

from .chat.feedback.admin import FeedbackAdmin
from .chat.verified.admin import VerifiedQueryAdmin
from .copy.admin import CopySuggestionAdmin
from .models import Conversation, Insight, Message

__all__ = ["CopySuggestionAdmin", "FeedbackAdmin", "VerifiedQueryAdmin"]  # registered by being imported


class _ReadOnly:
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class MessageInline(_ReadOnly, TabularInline):  # type: ignore[misc]
    model = Message
    fields = ("asked_at", "question", "milliseconds")
    extra = 0


@admin.register(Conversation)
class ConversationAdmin(_ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ("user", "started_at")
    list_select_related = ("user",)
    search_fields = ("user__username", "messages__question")
    inlines = (MessageInline,)


@admin.register(Message)
class MessageAdmin(_ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ("question", "conversation", "asked_at", "milliseconds")
    list_select_related = ("conversation__user",)
    search_fields = ("question",)


@admin.register(Insight)
class InsightAdmin(_ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Acted on and dismissed on the live pages; here is who did it and when."""

    list_display = ("words", "kind", "state", "severity", "money_micros", "first_seen", "last_seen")
    list_filter = ("state", "kind", "severity")
    list_select_related = ("dismissed_by", "acted_by")
    search_fields = ("words", "subject", "key")
    date_hierarchy = "first_seen"
