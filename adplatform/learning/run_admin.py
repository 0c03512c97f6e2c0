"""Training runs in the admin: how far each is, what became of it, and how often its worker had to begin again."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from adplatform.models import TrainingRun
from adplatform.read_only import ReadOnly

from .runs import DEAD_AFTER

LABELS = {"done": "success", "running": "info", "queued": "warning", "failed": "danger", "waits for another worker": "warning"}
SHORT = 80
State = TrainingRun.State


@admin.register(TrainingRun)
class TrainingRunAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Rows the workers write: looked at, never edited. A new one is asked for beside the models."""

    list_display = ["what", "how_far", "progress", "in_short", "attempts", "reason", "began", "took", "made"]
    list_display_links = ["what"]
    list_filter = ["kind", "state", "estimator"]
    list_select_related = ["version"]
    search_fields = ["key", "words", "reason"]
    fields = [
        "key", "kind", "estimator", "engine", "as_of", "reason", "asked_by", "how_far", "progress", "words", "attempts", "created_at", "started_at",
        "heartbeat_at", "finished_at", "made",
    ]  # fmt: skip
    readonly_fields = fields

    @admin.display(description="Run", ordering="created_at")
    def what(self, run: TrainingRun) -> str:
        engine = "" if run.engine == "local" else f" on {run.engine}"
        return f"{run.kind} by {run.estimator.replace('_', ' ')}{engine}"

    @display(description="State", label=LABELS)  # type: ignore[untyped-decorator]
    def how_far(self, run: TrainingRun) -> str:
        silent = run.heartbeat_at is None or timezone.now() - run.heartbeat_at > DEAD_AFTER
        return "waits for another worker" if run.state == State.RUNNING and silent else run.state

    @admin.display(description="Progress", ordering="percent")
    def progress(self, run: TrainingRun) -> SafeString:
        return format_html('<progress value="{0}" max="100" aria-label="{1}"></progress> {0} %', run.percent, f"{run.percent} % done")

    @admin.display(description="In words")
    def in_short(self, run: TrainingRun) -> str:
        return run.words if len(run.words) <= SHORT else f"{run.words[:SHORT]}..."

    @admin.display(description="Began", ordering="started_at")
    def began(self, run: TrainingRun) -> str:
        return f"{run.started_at:%d %b %H:%M:%S}" if run.started_at else "-"

    @admin.display(description="Took")
    def took(self, run: TrainingRun) -> str:
        if run.started_at is None or run.finished_at is None:
            return "-"
        minutes, seconds = divmod(round((run.finished_at - run.started_at).total_seconds()), 60)
        return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"

    @admin.display(description="Version")
    def made(self, run: TrainingRun) -> SafeString | str:
        if run.version is None:
            return "-"
        address = reverse("admin:adplatform_modelversion_change", args=[run.version.pk])
        return format_html('<a href="{}">v{}, {}</a>', address, run.version.number, run.version.get_status_display().lower())
