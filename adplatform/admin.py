"""Admin of the platform's own floor: what could not be stored, and how far the rollups are."""

from __future__ import annotations

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from adplatform.eventlog.dead import dead_events_retry, readable
from adplatform.eventlog.stream import LogUnavailable
from adplatform.experiments.admin import ExperimentAdmin
from adplatform.key_admin import ApiKeyAdmin
from adplatform.learning.admin import ModelVersionAdmin
from adplatform.learning.monitoring.admin import ModelReadingAdmin
from adplatform.learning.run_admin import TrainingRunAdmin
from adplatform.models import ArchivedDay, DeadEvent, RollupDay, RollupState
from adplatform.read_only import ReadOnly

__all__ = ["ApiKeyAdmin", "ExperimentAdmin", "ModelReadingAdmin", "ModelVersionAdmin", "TrainingRunAdmin"]


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


@admin.register(RollupDay)
class RollupDayAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ["name", "day", "state", "finished_at", "seconds", "facts", "differed", "late"]
    list_filter = ["name", "state"]
    date_hierarchy = "day"


@admin.register(ArchivedDay)
class ArchivedDayAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ["table", "day", "rows", "megabytes", "archived_at", "only_copy"]
    list_filter = ["table"]
    date_hierarchy = "day"
    fields = ["table", "day", "rows", "size", "path", "sha256", "content_hash", "archived_at", "dropped_at"]

    @admin.display(description="Megabytes", ordering="size")
    def megabytes(self, archived: ArchivedDay) -> str:
        return f"{archived.size / 1e6:,.2f}"

    @admin.display(description="Only copy", boolean=True)
    def only_copy(self, archived: ArchivedDay) -> bool:
        """The partition is gone: whoever loses this file loses the day."""
        return archived.dropped_at is not None
