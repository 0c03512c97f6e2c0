"""Verified questions in the admin: what each answers just now, whether it still fits, and the steps of those who check."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextareaWidget

from ads.admin import show
from insights.models import VerifiedQuery
from insights.semantic.loading import load
from insights.semantic.retrieval.questions import NoLongerFits, stored

from . import services
from .preview import preview

COLOURS = {"proposed": "info", "verified": "success", "rejected": ""}


class _Query(forms.JSONField):
    def prepare_value(self, value: Any) -> Any:
        """A stored query is written over several lines; what somebody typed stays as it was typed, and a new one begins empty."""
        if value is None:
            return ""
        return json.dumps(value, indent=1, ensure_ascii=False) if isinstance(value, dict) else super().prepare_value(value)


class VerifiedForm(forms.ModelForm):  # type: ignore[type-arg]
    others = forms.CharField(
        label="Other ways to ask it", required=False, help_text="One a line", widget=UnfoldAdminTextareaWidget(attrs={"rows": 4})
    )
    query = _Query(label="Semantic query", widget=UnfoldAdminTextareaWidget(attrs={"rows": 16}), help_text="Its period is read anew each time")

    class Meta:
        model = VerifiedQuery
        fields = ("question", "query", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["others"] = "\n".join(self.instance.phrasings)

    def phrasings(self) -> list[str]:
        return [line.strip() for line in self.cleaned_data.get("others", "").splitlines() if line.strip()]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not self.errors:
            try:
                services.check(question=given["question"], phrasings=self.phrasings(), query=given["query"], now=timezone.now(), but=self.instance.pk)
            except services.Refused as problem:
                raise forms.ValidationError(str(problem)) from problem
        return given


@admin.register(VerifiedQuery)
class VerifiedQueryAdmin(ModelAdmin):  # type: ignore[misc]
    form = VerifiedForm
    list_display = ("question", "shown_state", "fits", "proposed_by", "verified_by", "verified_at")
    list_filter = ("state",)
    list_select_related = ("proposed_by", "verified_by")
    list_per_page = 50
    search_fields = ("question",)
    fields = ("question", "others", "answers_now", "query", "note", "state", "proposed_by", "verified_by", "verified_at")
    readonly_fields = ("answers_now", "state", "proposed_by", "verified_by", "verified_at")
    actions = ["approve", "reject"]
    actions_submit_line = ["approve_it", "reject_it"]

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_verify_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm(services.VERIFY)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        row = super().get_object(request, object_id, from_field)
        if row is not None:
            row._looked_at_by = request.user
        return row

    @show.column("State", ordering="state", label=COLOURS)
    def shown_state(self, row: VerifiedQuery) -> str:
        return row.state

    @show.column("Fits the model")
    def fits(self, row: VerifiedQuery) -> str:
        try:
            stored(row.query, load())
        except NoLongerFits as problem:
            return f"no: {problem}"
        return "yes"

    @show.column("What it answers you now")
    def answers_now(self, row: Any) -> SafeString | str:
        user = getattr(row, "_looked_at_by", None)
        if not isinstance(user, User):
            return "-"
        if not hasattr(row, "_answers_now"):  # the templates ask for it several times
            row._answers_now = render_to_string("admin/insights/preview.html", {"preview": preview(row, user=user, now=timezone.now())})
        shown: SafeString = row._answers_now
        return shown

    def save_model(self, request: HttpRequest, obj: VerifiedQuery, form: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        given = form.cleaned_data
        made = services.verified_edit(
            actor=_user(request),
            verified=obj,
            now=timezone.now(),
            question=given["question"],
            phrasings=form.phrasings(),
            query=given["query"],
            note=given["note"],
        )
        obj.pk = made.pk
        for pressed in self.get_actions_submit_line(request, obj.pk):  # as Unfold does after a save of its own
            if pressed.action_name in request.POST:
                pressed.method(request, made)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The service has written who did what."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """The service has written who did what."""

    @admin.action(description="Verify: from now on it answers", permissions=["verify"])
    def approve(self, request: HttpRequest, queryset: QuerySet[VerifiedQuery]) -> None:
        self._each(request, queryset, _verify, "verified")

    @admin.action(description="Reject", permissions=["verify"])
    def reject(self, request: HttpRequest, queryset: QuerySet[VerifiedQuery]) -> None:
        self._each(request, queryset, _reject, "rejected")

    @show.button("Verify", permission="verify")
    def approve_it(self, request: HttpRequest, obj: VerifiedQuery) -> None:
        self._each(request, [obj], _verify, "verified")

    @show.button("Reject", permission="verify")
    def reject_it(self, request: HttpRequest, obj: VerifiedQuery) -> None:
        self._each(request, [obj], _reject, "rejected")

    def _each(self, request: HttpRequest, rows: Any, service: Callable[[User, VerifiedQuery], object], done: str) -> None:
        """One that cannot be does not stop the others."""
        for row in rows:
            try:
                service(_user(request), row)
            except (services.Refused, PermissionDenied) as problem:
                self.message_user(request, str(problem), messages.WARNING)
            else:
                self.message_user(request, f'"{row.question}" is {done}.', messages.SUCCESS)


def _verify(actor: User, row: VerifiedQuery) -> object:
    return services.verified_verify(actor=actor, verified=row, now=timezone.now())


def _reject(actor: User, row: VerifiedQuery) -> object:
    return services.verified_reject(actor=actor, verified=row)


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
