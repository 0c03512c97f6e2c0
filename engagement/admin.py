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

from adplatform.read_only import ReadOnly
from catalog.pages import StoryPage, register_story

from .churn.admin import ChurnScoreAdmin
from .editors.decision_admin import DirectorDecisionAdmin, decisions_of
from .editors.views import may_read, title_story
from .models import PlaybackSession, Rating, Viewer
from .playback.plan import Plan, from_json

__all__ = ["ChurnScoreAdmin", "DirectorDecisionAdmin"]

CHANGES = ("tighten", "bring_forward", "move_back", "linger")

register_story(StoryPage(lambda request, key, site: title_story(request, key, site=site), may_read))


def plan_rows(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """(when, what, details) of everything published, then of what is still open."""
    for item in plan.published:
        when = f"{item.t0:.1f} - {item.t1:.1f} s"
        if item.ad is None:
            yield when, plan.scene(item.scene).name, _told(item.change, "tight cut" if item.cut == "tight" else "", item.reason)
        else:
            yield when, f"Ad {item.ad.n} of {item.ad.of}: {item.ad.name}", f"{item.ad.campaign_name}, decision {item.ad.decision}"
    for scene_id in plan.remaining:
        note = plan.note_of(scene_id)
        cut = "tight cut" if scene_id in plan.tight else ""
        yield "open", plan.scene(scene_id).name, _told(note.change if note else "", cut, note.reason if note else "")
    for one in plan.breaks:
        moved = f"moved by {one.moved}" if one.moved else ""
        shorter = f"at most {one.most_seconds:.0f} s" if one.most_seconds is not None else ""
        yield f"break after scene {one.after}", one.state.replace("_", " "), _told(moved, shorter, one.reason)


def _told(*parts: str) -> str:
    return "; ".join(part.replace("_", " ") if part in CHANGES else part for part in parts if part)


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
class PlaybackSessionAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ("title", "viewer", "device", "started_at", "last_seen_at", "show_progress", "show_state", "synthetic")
    list_filter = ("synthetic", "device", "title")
    list_select_related = ("title", "viewer")
    search_fields = ("id", "viewer__name", "title__name")
    date_hierarchy = "started_at"
    fields = (
        "id", "title", "viewer", "device", "hour", "consent", "arms", "started_at", "last_seen_at", "ended_at", "show_progress", "resume_offset",
        "epoch", "plan_version", "as_edited", "show_changes", "show_plan", "synthetic",
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

    @display(description="What the Director did")  # type: ignore[untyped-decorator]
    def show_changes(self, session: PlaybackSession) -> SafeString | str:
        return decisions_of(session)

    @display(description="Plan")  # type: ignore[untyped-decorator]
    def show_plan(self, session: PlaybackSession) -> SafeString | str:
        return _table(plan_rows(from_json(session.plan))) if session.plan else "-"


@admin.register(Rating)
class RatingAdmin(ReadOnly, ModelAdmin):  # type: ignore[misc]
    list_display = ("title", "stars", "viewer", "rated_at")
    list_filter = ("stars", "title")
    list_select_related = ("title", "viewer")
    search_fields = ("title__name", "viewer__name")
