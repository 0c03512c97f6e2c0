"""The Director's decisions in the admin: a list to search by what was done, to whom and why, and a page that tells one in words."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from unfold.admin import ModelAdmin
from unfold.decorators import display

from adplatform.read_only import ReadOnly
from ads.admin.show import once
from catalog.models import Scene, Title
from engagement.director.deciding import CONTROL
from engagement.models import DirectorDecision, DirectorOutcome, PlaybackSession

from . import decision_text

JSON_COLUMNS = ("features", "alternatives")


class TitleFilter(admin.SimpleListFilter):
    title = "title"
    parameter_name = "title"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(key), name) for key, name in Title.objects.values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[DirectorDecision]) -> QuerySet[DirectorDecision]:
        value = self.value()
        return queryset.filter(title=int(value)) if value and value.isascii() and value.isdecimal() and len(value) < 19 else queryset


class WhenFilter(admin.SimpleListFilter):
    """By the index of time: a drill-down by day would read the whole table to know which days there are."""

    title = "when"
    parameter_name = "hours"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("1", "The last hour"), ("24", "The last 24 hours"), ("168", "The last 7 days")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[DirectorDecision]) -> QuerySet[DirectorDecision]:
        hours = self.value()
        known = hours in dict(self.lookup_choices)
        return queryset.filter(decided_at__gte=timezone.now() - timedelta(hours=int(hours))) if hours and known else queryset


class ArmFilter(admin.SimpleListFilter):
    title = "arm of the experiment"
    parameter_name = "group"
    NONE = "none"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("directed", "Directed"), (CONTROL, "Control"), (self.NONE, "No experiment ran")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[DirectorDecision]) -> QuerySet[DirectorDecision]:
        match self.value():
            case "directed":
                return queryset.exclude(arm__in=("", CONTROL))
            case "control":
                return queryset.filter(arm=CONTROL)
            case self.NONE:
                return queryset.filter(arm="")
        return queryset


@admin.register(DirectorDecision)
class DirectorDecisionAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ("decided_at", "show_title", "show_scene", "show_action", "show_intended", "show_reason", "show_gain", "show_watched", "synthetic")
    list_filter = (WhenFilter, "action", "intended", "explored", "applied", ArmFilter, TitleFilter, "trigger", "synthetic")
    search_fields = ("session", "reason")
    search_help_text = "A session's id, or words of the reason"
    # The exact size of a table that grows with every boundary is worth no second scan.
    show_full_result_count = False
    fields: ClassVar[tuple[str, ...]] = ("show_decision",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[DirectorDecision]:
        rows: QuerySet[DirectorDecision] = super().get_queryset(request)
        if request.resolver_match and "object_id" in request.resolver_match.kwargs:
            return rows
        return rows.defer(*JSON_COLUMNS).annotate(
            title_name=Subquery(Title.objects.filter(pk=OuterRef("title")).values("name")),
            scene_name=Subquery(Scene.objects.filter(pk=OuterRef("scene")).values("name")),
            watched=Subquery(DirectorOutcome.objects.filter(pk=OuterRef("pk")).values("watched")),
        )

    @display(description="Title")  # type: ignore[untyped-decorator]
    def show_title(self, decision: Any) -> str:
        return decision.title_name or "-"

    @display(description="Scene on screen")  # type: ignore[untyped-decorator]
    def show_scene(self, decision: Any) -> str:
        return decision.scene_name or "-"

    @display(description="Did", label={"kept": "info", "applied": "success", "explored": "warning", "too late": "danger"})  # type: ignore[untyped-decorator]
    def show_action(self, decision: DirectorDecision) -> tuple[str, str]:
        action = decision.get_action_display()
        if decision.action != decision_text.KEEP and not decision.applied:
            return "too late", f"{action} (too late)"
        if decision.explored:
            return "explored", f"{action} (by chance)"
        return ("kept" if decision.action == decision_text.KEEP else "applied"), action

    @display(description="Would have")  # type: ignore[untyped-decorator]
    def show_intended(self, decision: DirectorDecision) -> str:
        return decision.get_intended_display() if decision.intended and decision.intended != decision.action else "the same"

    @display(description="Reason")  # type: ignore[untyped-decorator]
    def show_reason(self, decision: DirectorDecision) -> SafeString:
        return format_html('<span class="decision-reason">{}</span>', decision.reason)

    @display(description="Sure to gain, per 1,000")  # type: ignore[untyped-decorator]
    def show_gain(self, decision: DirectorDecision) -> str:
        return "-" if decision.gain_low is None else decision_text.money(decision.gain_low, settings.CURRENCY)

    @display(description="Next scene watched")  # type: ignore[untyped-decorator]
    def show_watched(self, decision: Any) -> str:
        return "-" if decision.watched is None else f"{decision.watched:.0%}"

    @display(description="Decision")  # type: ignore[untyped-decorator]
    def show_decision(self, decision: DirectorDecision) -> SafeString:
        return once(decision, "decision", lambda: _panel(decision))


def _panel(decision: DirectorDecision) -> SafeString:
    """Four small queries: title, scenes, outcome, session."""
    scenes = {scene.pk: scene for scene in Scene.objects.filter(pk__in=[one for one in (decision.scene, decision.following) if one])}
    outcome = DirectorOutcome.objects.filter(pk=decision.pk).first()
    context = {
        "decision": decision,
        "title": Title.objects.filter(pk=decision.title).first(),
        "scene": scenes.get(decision.scene or 0),
        "following": scenes.get(decision.following or 0),
        "session": PlaybackSession.objects.filter(pk=decision.session).defer("plan").first(),
        "happened": decision_text.happened(decision),
        "came_of_it": decision_text.came_of_it(decision, outcome),
        "outcome": outcome,
        "alternatives": decision_text.alternatives(decision.alternatives, currency=settings.CURRENCY),
        "features": decision_text.features(decision.features),
        "gain": None if decision.gain is None else decision_text.money(decision.gain, settings.CURRENCY),
        "gain_low": None if decision.gain_low is None else decision_text.money(decision.gain_low, settings.CURRENCY),
    }
    return render_to_string("engagement/admin/decision.html", context)


def decisions_of(session: PlaybackSession) -> SafeString:
    """What the Director did in one session, in order, each with the way to its page. Two queries."""
    return once(session, "decisions", lambda: _decisions_table(session))


def _decisions_table(session: PlaybackSession) -> SafeString:
    rows = DirectorDecision.objects.filter(session=session.pk).defer(*JSON_COLUMNS).order_by("decided_at")[:200]
    scenes = {scene.pk: scene.name for scene in Scene.objects.filter(title=session.title_id)}
    told = [
        {
            "at": row.decided_at,
            "link": reverse("admin:engagement_directordecision_change", args=[row.pk]),
            "place": row.place,
            "scene": scenes.get(row.scene or 0, "-"),
            "happened": decision_text.happened(row),
            "reason": row.reason,
            "changed": row.applied,
        }
        for row in rows
    ]
    if not told:
        return mark_safe("The Director has decided nothing in this session.")
    return render_to_string("engagement/admin/session_decisions.html", {"rows": told})
