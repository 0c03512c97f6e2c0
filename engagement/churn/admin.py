"""Viewers who may not come back, the likeliest first, with the reasons in words. Read-only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import Max, OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from adplatform.models import ModelVersion
from adplatform.read_only import ReadOnly
from engagement.models import ChurnScore

from .reasons import in_words
from .training import KIND


class RiskFilter(admin.SimpleListFilter):
    title = "risk"
    parameter_name = "risk"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("at", f"At risk: {settings.CHURN_AT_RISK:.0%} or more"), ("below", "Below that")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ChurnScore]) -> QuerySet[ChurnScore]:
        if self.value() == "at":
            return queryset.filter(risk__gte=settings.CHURN_AT_RISK)
        return queryset.filter(risk__lt=settings.CHURN_AT_RISK) if self.value() == "below" else queryset


class NewestFilter(admin.SimpleListFilter):
    """Without a choice a viewer stands in the list once, as of today or of the last day that was scored."""

    title = "day"
    parameter_name = "days"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("all", "Every day")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        yield {"selected": self.value() is None, "query_string": changelist.get_query_string(remove=[self.parameter_name]), "display": "Last day"}
        for value, words in self.lookup_choices:
            chosen = changelist.get_query_string({self.parameter_name: value})
            yield {"selected": self.value() == value, "query_string": chosen, "display": words}

    def queryset(self, request: HttpRequest, queryset: QuerySet[ChurnScore]) -> QuerySet[ChurnScore]:
        if self.value() == "all" or (request.resolver_match and "object_id" in request.resolver_match.kwargs):
            return queryset
        return queryset.filter(day=ChurnScore.objects.aggregate(last=Max("day"))["last"])


@admin.register(ChurnScore)
class ChurnScoreAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ("show_viewer", "show_risk", "show_why", "day", "scored_at", "show_model", "show_synthetic")
    list_display_links = ("show_risk",)
    list_filter = (RiskFilter, NewestFilter, "viewer__synthetic")
    list_select_related = ("viewer",)
    search_fields = ("viewer__name",)
    ordering = ("-risk", "viewer_id")
    fields = ("show_viewer", "show_risk", "show_reasons", "day", "scored_at", "show_model", "show_synthetic")

    def get_queryset(self, request: HttpRequest) -> QuerySet[ChurnScore]:
        scores: QuerySet[ChurnScore] = super().get_queryset(request)
        version = ModelVersion.objects.filter(kind=KIND, number=OuterRef("model_version"))
        return scores.annotate(version_pk=Subquery(version.values("pk")[:1]))

    @display(description="Viewer", ordering="viewer__name")  # type: ignore[untyped-decorator]
    def show_viewer(self, score: ChurnScore) -> SafeString:
        """A link to their playbacks: who may read the scores may read those."""
        address = f"{reverse('admin:engagement_playbacksession_changelist')}?viewer__id__exact={score.viewer_id}"
        return format_html('<a href="{}" title="Their playbacks">{}</a>', address, score.viewer)

    @display(description="Risk of staying away", ordering="risk")  # type: ignore[untyped-decorator]
    def show_risk(self, score: ChurnScore) -> str:
        return f"{score.risk:.0%} within {settings.CHURN_HORIZON_DAYS:g} days"

    @display(description="Why")  # type: ignore[untyped-decorator]
    def show_why(self, score: ChurnScore) -> str:
        return in_words(score.reasons) or "Nothing raises it"

    @display(description="Why, strongest first")  # type: ignore[untyped-decorator]
    def show_reasons(self, score: ChurnScore) -> SafeString | str:
        if not score.reasons:
            return "Nothing raises the risk of this viewer above that of others, or this kind of model cannot say what does."
        rows = ((one["words"], one["feature"].replace("_", " "), f"{one['effect']:+.2f}") for one in score.reasons)
        body = format_html_join("", '<tr><td class="pr-6">{}</td><td class="pr-6">{}</td><td>{}</td></tr>', rows)
        return format_html(
            '<table><thead><tr><th class="pr-6">Reason</th><th class="pr-6">Measured as</th><th>Raises the log-odds by</th></tr></thead>'
            "<tbody>{}</tbody></table>",
            body,
        )

    @display(description="Model")  # type: ignore[untyped-decorator]
    def show_model(self, score: ChurnScore) -> SafeString | str:
        pk, name = getattr(score, "version_pk", None), f"{KIND} v{score.model_version}"
        return format_html('<a href="{}">{}</a>', reverse("admin:adplatform_modelversion_change", args=[pk]), name) if pk else name

    @display(description="Synthetic", boolean=True)  # type: ignore[untyped-decorator]
    def show_synthetic(self, score: ChurnScore) -> bool:
        return score.viewer.synthetic
