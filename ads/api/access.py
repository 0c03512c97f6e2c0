"""Who may use the staff API, and how its lists are cut: Django's own permissions, and nothing is deleted."""

from __future__ import annotations

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import PageNumberPagination
from rest_framework.permissions import BasePermission
from rest_framework.request import Request


class StaffMay(BasePermission):
    """Staff with Django's view, add or change permission for the model; an action may ask for a right of its own."""

    message = "Your groups do not allow this; docs/permissions.md says which do."
    verbs = {"GET": "view", "HEAD": "view", "OPTIONS": "view", "POST": "add", "PATCH": "change"}

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if not (user.is_authenticated and user.is_active and getattr(user, "is_staff", False)):
            return False
        return all(user.has_perm(right) for right in self._needed(request, view))

    def _needed(self, request: Request, view: Any) -> tuple[str, ...]:
        own: tuple[str, ...] = getattr(view, "rights", ())
        if own:
            return own
        options = view.queryset.model._meta
        # A method that is not there needs no right of its own: the answer is 405.
        return (f"{options.app_label}.{self.verbs.get(request.method or '', 'view')}_{options.model_name}",)


class Pages(PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500


def whole_number(request: Request, name: str) -> int | None:
    """A query parameter that is an id. Raises ValidationError in words."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValidationError({name: [f"“{text}” is no id."]})
    return int(text)


def one_of(request: Request, name: str, choices: Any) -> str | None:
    """A query parameter that is one of a few words. Raises ValidationError in words."""
    text = request.query_params.get(name)
    if text is not None and text not in choices:
        raise ValidationError({name: [f"There is no {name} “{text}”; there are {', '.join(choices)}."]})
    return text
