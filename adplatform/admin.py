"""Admin of the platform's own floor: what could not be stored, how far the rollups are, and experiments."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from rest_framework.authtoken.models import TokenProxy
from unfold.admin import ModelAdmin, TabularInline

from adplatform.eventlog.dead import dead_events_retry, readable
from adplatform.eventlog.stream import LogUnavailable
from adplatform.experiments.services import WrongState, experiment_start, experiment_stop
from adplatform.learning.admin import ModelVersionAdmin
from adplatform.learning.run_admin import TrainingRunAdmin
from adplatform.models import Assignment, DeadEvent, Experiment, RollupState

__all__ = ["ModelVersionAdmin", "TrainingRunAdmin"]

# Keys to the API are made by `manage.py drf_create_token USER` and shown once, never in a list.
admin.site.unregister(TokenProxy)


class ReadOnly:
    """Rows the machine writes: looked at, never edited."""

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(DeadEvent)
class DeadEventAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ["stream_id", "received_at", "short_reason", "attempts"]
    list_filter = ["received_at"]
    search_fields = ["reason", "stream_id"]
    fields = ["stream_id", "received_at", "reason", "attempts", "event"]
    actions = ["send_again"]

    @admin.display(description="Reason")
    def short_reason(self, dead: DeadEvent) -> str:
        return dead.reason[:120]

    @admin.display(description="Event")
    def event(self, dead: DeadEvent) -> str:
        return readable(bytes(dead.payload))

    def has_repair_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("adplatform.change_deadevent")

    @admin.action(description="Send again", permissions=["repair"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[DeadEvent]) -> None:
        chosen = list(queryset)
        try:
            count = dead_events_retry(dead=queryset)
        except LogUnavailable:
            self.message_user(request, "The event log is away; nothing was changed. Try again when it is back.", messages.ERROR)
            return
        LogEntry.objects.log_actions(request.user.pk, chosen, CHANGE, change_message="sent again")  # type: ignore[arg-type]  # staff are signed in
        self.message_user(request, f"{count} events sent again. Those that fail once more come back here.", messages.SUCCESS)


@admin.register(RollupState)
class RollupStateAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ["name", "filled_to"]


class AssignmentInline(ReadOnly, TabularInline):  # type: ignore[misc]
    model = Assignment
    fields = ["session", "arm", "exposed_at"]
    ordering = ["-exposed_at", "pk"]
    extra = 0
    per_page = 20


@admin.register(Experiment)
class ExperimentAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ["key", "state", "started_at", "stopped_at"]
    list_filter = ["state"]
    search_fields = ["key", "description"]
    fields = ["key", "description", "arms", "state", "started_at", "stopped_at"]
    actions = ["start", "stop"]
    inlines = [AssignmentInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Experiment | None = None) -> list[str]:
        """Arms and key are frozen once it runs: changing a share would move people between arms."""
        frozen = ["state", "started_at", "stopped_at"]
        return frozen if obj is None or obj.state == Experiment.State.DRAFT else ["key", "arms", *frozen]

    def has_delete_permission(self, request: HttpRequest, obj: Experiment | None = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or obj.state == Experiment.State.DRAFT)

    @admin.action(description="Start", permissions=["change"])
    def start(self, request: HttpRequest, queryset: QuerySet[Experiment]) -> None:
        self._each(request, queryset, experiment_start, "runs")

    @admin.action(description="Stop", permissions=["change"])
    def stop(self, request: HttpRequest, queryset: QuerySet[Experiment]) -> None:
        self._each(request, queryset, experiment_stop, "is stopped")

    def _each(self, request: HttpRequest, queryset: QuerySet[Experiment], service: Any, outcome: str) -> None:
        for experiment in queryset:
            try:
                service(actor=request.user, experiment=experiment, now=datetime.now(UTC))
            except (WrongState, ValidationError) as error:
                self.message_user(request, f"{experiment.key}: {' '.join(getattr(error, 'messages', [str(error)]))}", messages.ERROR)
            else:
                self.message_user(request, f"{experiment.key} {outcome}.", messages.SUCCESS)
