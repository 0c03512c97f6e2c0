"""The queue of what people thought of their answers, with the answer beside it and what can be done about it."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from ads.admin import show
from insights.chat.verified import services as verified
from insights.models import Feedback

from . import services

PROPOSED = "proposed as a verified question"


@admin.register(Feedback)
class FeedbackAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("asked", "verdict", "reason", "comment", "user", "given_at", "shown_state")
    list_filter = ("state", "good", "reason")
    list_select_related = ("message", "user")
    search_fields = ("message__question", "comment", "user__username")
    date_hierarchy = "given_at"
    fields = ("asked", "verdict", "reason", "comment", "user", "given_at", "answered", "read_as", "query", "sql", "state", "outcome")
    actions = ["propose", "done"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return self.fields if obj is None or obj.state == Feedback.State.DONE else self.fields[:-1]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_propose_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm(verified.VERIFY)

    @show.column("Question")
    def asked(self, row: Feedback) -> str:
        return row.message.question

    @show.column("Thought", ordering="good", label={"good": "success", "bad": "danger"})
    def verdict(self, row: Feedback) -> str:
        return "good" if row.good else "bad"

    @show.column("State", ordering="state", label={"open": "warning", "done": ""})
    def shown_state(self, row: Feedback) -> str:
        return row.state

    @show.column("Answer")
    def answered(self, row: Feedback) -> SafeString | str:
        text = str(row.message.answer.get("text", ""))
        there = f"{reverse('admin:insights_message_changelist')}?id={row.message_id}"
        return format_html('{} <a href="{}">Answer {}</a>', text, there, row.message_id)

    @show.column("Read as")
    def read_as(self, row: Feedback) -> str:
        return str(row.message.answer.get("interpretation", "")) or "-"

    @show.column("Semantic query")
    def query(self, row: Feedback) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(row.message.query, indent=1, ensure_ascii=False) if row.message.query else "-")

    @show.column("SQL")
    def sql(self, row: Feedback) -> SafeString:
        return format_html("<pre>{}\n{}</pre>", row.message.answer.get("sql") or "-", json.dumps(row.message.answer.get("params") or {}))

    def save_model(self, request: HttpRequest, obj: Feedback, form: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        try:
            services.feedback_done(actor=_user(request), feedback=obj, outcome=form.cleaned_data.get("outcome", ""))
        except services.Refused as problem:
            self.message_user(request, str(problem), messages.WARNING)

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The service has written who did what."""

    @admin.action(description="Propose as verified questions", permissions=["propose"])
    def propose(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> None:
        for row in queryset.select_related("message"):
            try:
                proposed = verified.verified_propose(actor=_user(request), message=row.message)
                if row.state == Feedback.State.OPEN:
                    services.feedback_done(actor=_user(request), feedback=row, outcome=PROPOSED)
            except (verified.Refused, services.Refused, PermissionDenied) as problem:
                self.message_user(request, f'"{row.message.question[:80]}": {problem}', messages.WARNING)
            else:
                self.message_user(request, f'"{proposed.question[:80]}" waits for being checked.', messages.SUCCESS)

    @admin.action(description="Done: nothing more to do", permissions=["change"])
    def done(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> None:
        for row in queryset:
            try:
                services.feedback_done(actor=_user(request), feedback=row, outcome=f"seen by {request.user.get_username()}; nothing more to do")
            except (services.Refused, PermissionDenied) as problem:
                self.message_user(request, str(problem), messages.WARNING)


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
