"""Readings of models in the admin: what was read, over which window, and what it says in words."""

from __future__ import annotations

import json

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from adplatform.models import ModelReading
from adplatform.read_only import ReadOnly

from .readings import beyond

ALARM, UNCERTAIN, WITHIN, NOT_JUDGED = "alarm", "outside, not certain", "within its bound", "not judged"
LABELS = {ALARM: "danger", UNCERTAIN: "warning", WITHIN: "success", NOT_JUDGED: "info"}


@admin.register(ModelReading)
class ModelReadingAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    """Rows that monitoring writes: looked at, never edited."""

    list_display = ["what", "of_model", "window", "state", "figure", "words"]
    list_display_links = ["what"]
    list_filter = ["alarm", "version__kind", "version__alias", "measure"]
    list_select_related = ["version"]
    search_fields = ["subject", "measure", "words"]
    date_hierarchy = "window_to"
    ordering = ["-window_to", "-alarm", "measure", "subject"]
    list_per_page = 50
    show_full_result_count = False
    fields = ["what", "of_model", "window", "state", "words", "figure", "rows", "read_at", "all_figures"]
    readonly_fields = fields

    @admin.display(description="Reading", ordering="measure")
    def what(self, reading: ModelReading) -> str:
        measure = reading.measure.replace("_", " ")
        return f"{measure} · {reading.subject.replace('_', ' ')}" if reading.subject else measure

    @admin.display(description="Model", ordering="version")
    def of_model(self, reading: ModelReading) -> SafeString:
        version = reading.version
        address = reverse("admin:adplatform_modelversion_change", args=[version.pk])
        return format_html('<a href="{}">{} v{}</a>', address, version.kind, version.number)

    @admin.display(description="Window (UTC)", ordering="window_to")
    def window(self, reading: ModelReading) -> str:
        if (reading.window_to - reading.window_from).days:
            return f"{reading.window_from:%d %b}, the day"
        return f"{reading.window_from:%d %b %H:%M}-{reading.window_to:%H:%M}"

    @display(description="State", ordering="alarm", label=LABELS)  # type: ignore[untyped-decorator]
    def state(self, reading: ModelReading) -> str:
        if reading.alarm:
            return ALARM
        if reading.bound is None or reading.value is None:
            return NOT_JUDGED
        return UNCERTAIN if beyond(reading.measure, reading.value, reading.bound) else WITHIN

    @admin.display(description="Figure", ordering="value")
    def figure(self, reading: ModelReading) -> str:
        if reading.value is None:
            return "-"
        interval = f" ({reading.low:.4g} to {reading.high:.4g})" if reading.low is not None and reading.high is not None else ""
        bound = f", bound {reading.bound:.4g}" if reading.bound is not None else ""
        return f"{reading.value:.4g}{interval}{bound}"

    @admin.display(description="All figures")
    def all_figures(self, reading: ModelReading) -> SafeString:
        return format_html("<pre>{}</pre>", json.dumps(reading.figures, indent=2, sort_keys=True))
