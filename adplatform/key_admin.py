"""API keys in the admin: everybody in it makes and revokes their own; a superuser sees and revokes anybody's."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget

from adplatform.keys import key_make, key_revoke
from adplatform.models import ApiKey

LABELS = {"Good": "success", "Revoked": "danger", "Expired": "warning"}
DAYS = (("30", "30 days"), ("90", "90 days"), ("365", "A year"), ("", "Until it is revoked"))


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]
    days = forms.ChoiceField(
        choices=DAYS, required=False, initial="90", label="Good for", widget=UnfoldAdminSelectWidget, help_text="After that its requests are refused"
    )

    class Meta:
        model = ApiKey
        fields = ("name",)


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):  # type: ignore[misc]
    form = KeyForm
    list_display = ["name", "begins", "standing", "whose", "created_at", "last_used_at", "expires_at"]
    list_display_links = None
    list_select_related = ["user"]
    list_filter_submit = False
    actions = ["revoke"]
    list_fullwidth = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        rows: QuerySet[ApiKey] = super().get_queryset(request)
        return rows if getattr(request.user, "is_superuser", False) else rows.filter(user=request.user.pk)

    # One's own keys take no right of their own: a key can do what its person can.

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(getattr(request.user, "is_staff", False))

    def has_view_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: ApiKey | None = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return self.has_module_permission(request)

    @display(description="Key")  # type: ignore[untyped-decorator]
    def begins(self, key: ApiKey) -> str:
        return f"{key.prefix}…"

    @display(description="State", label=LABELS)  # type: ignore[untyped-decorator]
    def standing(self, key: ApiKey) -> str:
        if key.revoked_at is not None:
            return "Revoked"
        return "Expired" if key.expires_at is not None and key.expires_at <= timezone.now() else "Good"

    @display(description="Whose", ordering="user__username")  # type: ignore[untyped-decorator]
    def whose(self, key: ApiKey) -> str:
        return str(key.user)

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:  # noqa: FBT001 (Django's signature)
        days = form.cleaned_data["days"]
        made, text = key_make(user=request.user, name=obj.name, days=int(days) if days else None, now=timezone.now())  # type: ignore[arg-type]  # staff are signed in
        obj.pk, obj.prefix, obj.expires_at, obj.user = made.pk, made.prefix, made.expires_at, made.user
        request.shown_once = text  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": "Your new key",
            "key": obj,
            "text": request.shown_once,  # type: ignore[attr-defined]
            "address": request.build_absolute_uri("/api/v1/flights?state=live"),
            "back": reverse("admin:adplatform_apikey_changelist"),
        }
        return TemplateResponse(request, "adplatform/api_key_made.html", context)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> HttpResponse:
        view = never_cache(super().add_view)
        context = {"title": "Make a key", "show_save_and_continue": False, "show_save_and_add_another": False}
        answer: HttpResponse = view(request, form_url, context | (extra_context or {}))
        return answer

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        chosen = list(queryset)
        count = sum(key_revoke(key=key, now=timezone.now()) for key in chosen)
        LogEntry.objects.log_actions(request.user.pk, chosen, CHANGE, change_message="revoked")  # type: ignore[arg-type]  # staff are signed in
        self.message_user(request, f"{count} {'key is' if count == 1 else 'keys are'} refused from now on.", messages.SUCCESS)
