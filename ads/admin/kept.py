"""What every page of sold rows shares: nothing is deleted, services do the steering, and each says what it did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import get_fields_from_path
from django.core.exceptions import FieldDoesNotExist, PermissionDenied, ValidationError
from django.db.models import Model, QuerySet, URLField
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import RelatedDropdownFilter

from ads import services
from ads.scope import EVERYBODY, advertiser_of, may_see, visible_to

STATE_COLOURS = {
    "Live": "success", "Active": "success", "Scheduled": "info", "Paused": "warning", "Ended": "", "Draft": "info", "Spent": "danger",
    "Approved": "success", "Rejected": "danger", "In review": "warning", "Processing": "info", "Uploaded": "info",
}  # fmt: skip


class OwnValues(RelatedDropdownFilter):  # type: ignore[misc]
    """Of related rows those that the reader may see."""

    def field_choices(self, field: Any, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        rows = visible_to(request.user, field.related_model._default_manager.all())
        return [(row.pk, str(row)) for row in rows]


def own_values(model: type[Model], asked: Any) -> Any:
    """A filter of a list as somebody of an advertiser gets it: relations offer own rows alone."""
    path = asked[0] if isinstance(asked, (list, tuple)) else asked
    if not isinstance(path, str):
        return asked
    try:
        field = get_fields_from_path(model, path)[-1]
    except FieldDoesNotExist:
        return asked
    return (path, OwnValues) if field.is_relation else asked


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

    # Fields of a page that tell of more than the row and its advertiser.
    of_everybody: tuple[str, ...] = ()

    class Media:
        js = ("js/ads/preview.js", "js/ads/tiers.js")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return visible_to(request.user, super().get_queryset(request))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        found = super().get_fieldsets(request, obj)
        if not self.of_everybody or advertiser_of(request.user) is EVERYBODY:
            return found
        return [(name, {**options, "fields": [one for one in options["fields"] if one not in self.of_everybody]}) for name, options in found]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # The pages of a row's history ask for the row that was, without the list's own limits.
        allowed: bool = super().has_view_permission(request, obj)
        return allowed and (obj is None or obj.pk is None or advertiser_of(request.user) is EVERYBODY or may_see(request.user, obj))

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """Who changed a row names our own staff; rows with versions ask for the right to those (`SimpleHistoryAdmin`)."""
        if advertiser_of(request.user) is not EVERYBODY:
            raise PermissionDenied
        return super().history_view(request, object_id, extra_context)

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """The values to filter by are rows too: people of an advertiser are offered their own."""
        filters = super().get_list_filter(request)
        return list(filters) if advertiser_of(request.user) is EVERYBODY else [own_values(self.model, one) for one in filters]

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
