"""What every page of sold rows shares: nothing is deleted, services do the steering, and each says what it did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet, URLField
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from ads import services
from ads.scope import visible_to

STATE_COLOURS = {
    "Live": "success", "Active": "success", "Scheduled": "info", "Paused": "warning", "Ended": "", "Draft": "info", "Spent": "danger",
    "Approved": "success", "Rejected": "danger", "In review": "warning", "Processing": "info", "Uploaded": "info",
}  # fmt: skip


class HttpsLinks:
    """An address typed without its scheme is https."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if isinstance(db_field, URLField):
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]


class Kept(HttpsLinks, ModelAdmin):  # type: ignore[misc]
    """Ended, never removed: history and money hang on it."""

    list_fullwidth = True
    warn_unsaved_form = True

    class Media:
        js = ("js/ads/preview.js", "js/ads/tiers.js")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible_to(request.user, super().get_queryset(request))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def each(self, request: HttpRequest, rows: QuerySet[Any], name: str, service: Callable[[Any], Any], done: str) -> None:
        """Run a service for each chosen row and say what happened; one that is in the wrong state does not stop the others."""
        changed = sum(self.tried(request, row, service) for row in rows)
        if changed:
            self.message_user(request, f"{changed} {name if changed == 1 else name + 's'} {done}. Serving follows within a second.", messages.SUCCESS)

    def one(self, request: HttpRequest, row: Any, service: Callable[[Any], Any], done: str) -> None:
        """Run a service for the row on the page."""
        if self.tried(request, row, service):
            self.message_user(request, f"{row} is {done}. Serving follows within a second.", messages.SUCCESS)

    def tried(self, request: HttpRequest, row: Any, service: Callable[[Any], Any]) -> bool:
        try:
            service(row)
        except services.WrongState as error:
            self.message_user(request, str(error), messages.WARNING)
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.WARNING)
        else:
            return True
        return False

    def steering(self, row: Any) -> tuple[str, ...]:
        """The names of the buttons that make sense for this row as it is."""
        return ()

    def get_actions_submit_line(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Buttons beside Save: only those that the row's state allows."""
        buttons = super().get_actions_submit_line(request, object_id)
        row = self.get_object(request, str(object_id))
        allowed = self.steering(row) if row is not None else ()
        return [button for button in buttons if button.method.__name__ in allowed]
