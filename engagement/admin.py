"""Viewers, sessions with their plans in plain sight, ratings and the Director's decisions. What was watched is a record: nobody edits it."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import admin
from django.db.models import Count, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import display

from catalog.models import Scene
from catalog.pages import StoryPage, register_story

from .churn.admin import ChurnScoreAdmin
from .editors.views import may_read, title_story
from .models import DirectorDecision, PlaybackSession, Rating, Viewer
from .playback.plan import Plan, from_json

__all__ = ["ChurnScoreAdmin"]

register_story(StoryPage(lambda request, key, site: title_story(request, key, site=site), may_read))


class _ReadOnly:
    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


def plan_rows(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """(when, what, details) of everything published, then of what is still open."""
    for item in plan.published:
        when = f"{item.t0:.1f} - {item.t1:.1f} s"
        if item.ad is None:
            yield when, plan.scene(item.scene).name, item.reason or ("tight cut" if item.cut == "tight" else "")
        else:
            yield when, f"Ad {item.ad.n} of {item.ad.of}: {item.ad.name}", f"{item.ad.campaign_name}, decision {item.ad.decision}"
    for scene_id in plan.remaining:
        yield "open", plan.scene(scene_id).name, next((note.reason for note in plan.notes if note.scene == scene_id), "")
    for one in plan.breaks:
        yield f"break after scene {one.after}", one.state.replace("_", " "), one.reason


def _table(rows: Iterator[tuple[str, str, str]]) -> SafeString:
    body = format_html_join("", '<tr><td class="pr-6">{}</td><td class="pr-6">{}</td><td>{}</td></tr>', rows)
    return format_html("<table><tbody>{}</tbody></table>", body)


@admin.register(Viewer)
class ViewerAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ("name", "account", "age_band", "tier", "monthly_hours", "ads_consent", "show_sessions", "synthetic")
    list_filter = ("synthetic", "ads_consent", "tier", "age_band")
    list_select_related = ("account",)
    search_fields = ("name", "account__username")
    autocomplete_fields = ("account",)
    filter_horizontal = ("favourite_genres",)
    readonly_fields = ("browser", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Viewer]:
        viewers: QuerySet[Viewer] = super().get_queryset(request)
        return viewers.annotate(session_count=Count("sessions"))

    @display(description="Sessions", ordering="session_count")  # type: ignore[untyped-decorator]
    def show_sessions(self, viewer: Viewer) -> int:
        return int(getattr(viewer, "session_count", 0))


@admin.register(PlaybackSession)
class PlaybackSessionAdmin(_ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ("title", "viewer", "device", "started_at", "last_seen_at", "show_progress", "show_state", "synthetic")
    list_filter = ("synthetic", "device", "title")
    list_select_related = ("title", "viewer")
    search_fields = ("id", "viewer__name", "title__name")
    date_hierarchy = "started_at"
    fields = (
        "id", "title", "viewer", "device", "hour", "consent", "arms", "started_at", "last_seen_at", "ended_at", "show_progress", "resume_offset",
        "epoch", "plan_version", "show_plan", "synthetic",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[PlaybackSession]:
        sessions: QuerySet[PlaybackSession] = super().get_queryset(request)
        return sessions if request.resolver_match and "object_id" in request.resolver_match.kwargs else sessions.defer("plan")

    @display(description="Seen")  # type: ignore[untyped-decorator]
    def show_progress(self, session: PlaybackSession) -> str:
        return f"{session.progress:.0%}"

    @display(description="State", label={"finished": "success", "open": "info"})  # type: ignore[untyped-decorator]
    def show_state(self, session: PlaybackSession) -> str:
        return "finished" if session.ended_at else "open"

    @display(description="Plan")  # type: ignore[untyped-decorator]
    def show_plan(self, session: PlaybackSession) -> SafeString | str:
        return _table(plan_rows(from_json(session.plan))) if session.plan else "-"


@admin.register(DirectorDecision)
class DirectorDecisionAdmin(_ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ("decided_at", "show_action", "reason", "show_engagement", "model_version", "milliseconds", "synthetic")
    list_filter = ("action", "applied", "synthetic")
    search_fields = ("session", "reason")
    date_hierarchy = "decided_at"
    fields = (
        "id", "session", "title", "show_scene", "decided_at", "show_action", "reason", "show_engagement", "show_alternatives", "features",
        "propensity", "model_version", "milliseconds", "synthetic",
    )  # fmt: skip

    @display(description="Action", label={"keep": "info", "bring forward": "success", "bring forward (too late)": "warning"})  # type: ignore[untyped-decorator]
    def show_action(self, decision: DirectorDecision) -> str:
        action = decision.action.replace("_", " ")
        return action if decision.applied or decision.action == "keep" else f"{action} (too late)"

    @display(description="Expected to be watched")  # type: ignore[untyped-decorator]
    def show_engagement(self, decision: DirectorDecision) -> str:
        return "-" if decision.engagement is None else f"{decision.engagement:.0%}"

    @display(description="Scene on screen")  # type: ignore[untyped-decorator]
    def show_scene(self, decision: DirectorDecision) -> str:
        return str(Scene.objects.filter(pk=decision.scene or 0).select_related("title").first() or "-")

    @display(description="What could come next")  # type: ignore[untyped-decorator]
    def show_alternatives(self, decision: DirectorDecision) -> SafeString:
        rows = (
            (one["action"].replace("_", " "), one["name"], "-" if one["expected"] is None else f"{one['expected']:.0%} expected")
            for one in decision.alternatives
        )
        return _table(rows)


@admin.register(Rating)
class RatingAdmin(_ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ("title", "stars", "viewer", "rated_at")
    list_filter = ("stars", "title")
    list_select_related = ("title", "viewer")
    search_fields = ("title__name", "viewer__name")
