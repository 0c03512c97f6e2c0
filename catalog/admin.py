"""The catalogue in Django admin: titles with their scenes and graph, clips with their state, and a way to have them rebuilt."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from catalog import pages, selectors
from catalog.models import Genre, MediaAsset, Scene, Title
from catalog.scene_forms import SceneForm, SceneFormSet, SceneRowForm
from catalog.tasks import rebuild_media

READY_LABELS = {"ready": "success", "building": "info", "missing": "warning", "broken": "danger"}


def _picture(url: str, width: int, words: str) -> SafeString | str:
    return format_html('<img src="{}" width="{}" alt="{}" loading="lazy">', url, width, words) if url else "-"


def _ask_for_rebuild(request: HttpRequest, asset_ids: list[int], title_ids: list[int]) -> None:
    transaction.on_commit(lambda: rebuild_media.delay(asset_ids, title_ids=title_ids))
    messages.success(request, f"{len(asset_ids)} clips will be checked, and rebuilt where they are missing, damaged or changed.")


class SceneInline(TabularInline):  # type: ignore[misc]
    model = Scene
    form = SceneRowForm
    formset = SceneFormSet
    fields = ["position", "name", "mood", "intensity", "optional", "break_after", "asset"]
    autocomplete_fields = ["asset"]
    extra = 0
    tab = True
    show_change_link = True


@admin.register(Genre)
class GenreAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ["name", "slug"]
    search_fields = ["name"]
    prepopulated_fields = {"slug": ["name"]}


@admin.register(Title)
class TitleAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ["show_poster", "name", "show_genres", "year", "setting", "published", "show_media", "show_story"]
    list_display_links = ["name"]
    list_filter = ["published", "genres", "setting"]
    search_fields = ["name", "synopsis"]
    prepopulated_fields = {"slug": ["name"]}
    filter_horizontal = ["genres"]
    readonly_fields = ["poster", "card", "hero"]
    inlines = [SceneInline]
    actions = ["rebuild"]
    actions_detail = ["story"]

    def has_story_permission(self, request: HttpRequest, object_id: object = None) -> bool:
        return pages.may_read_story(request)

    def get_list_display(self, request: HttpRequest) -> list[str]:
        return [name for name in self.list_display if name != "show_story" or pages.may_read_story(request)]

    @action(description="Story and retention", permissions=["story"], url_path="story", icon="timeline")  # type: ignore[untyped-decorator]
    def story(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return pages.draw_story(request, object_id, self.admin_site)

    @display(description="Story")  # type: ignore[untyped-decorator]
    def show_story(self, title: Title) -> SafeString:
        return format_html('<a class="text-link" href="{}">Graph and retention</a>', reverse("admin:catalog_title_story", args=[title.pk]))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Title]:
        ready = Count("scenes", filter=Q(scenes__asset__state=MediaAsset.State.READY))
        titles: QuerySet[Title] = super().get_queryset(request).prefetch_related("genres")
        return titles.annotate(scene_count=Count("scenes"), ready_count=ready)

    @display(description="Poster")  # type: ignore[untyped-decorator]
    def show_poster(self, title: Title) -> str:
        return _picture(selectors.poster_url(title), 48, title.name)

    @display(description="Genres")  # type: ignore[untyped-decorator]
    def show_genres(self, title: Title) -> str:
        return ", ".join(genre.name for genre in title.genres.all())

    @display(description="Clips", label={True: "success", False: "warning"})  # type: ignore[untyped-decorator]
    def show_media(self, title: Any) -> tuple[bool, str]:
        return title.scene_count > 0 and title.ready_count == title.scene_count, f"{title.ready_count} of {title.scene_count} ready"

    @admin.action(description="Check the clips and pictures, rebuild what is not right", permissions=["change"])
    def rebuild(self, request: HttpRequest, queryset: QuerySet[Title]) -> None:
        title_ids = list(queryset.values_list("pk", flat=True))
        _ask_for_rebuild(request, list(MediaAsset.objects.filter(scene__title__in=title_ids).values_list("pk", flat=True)), title_ids)


@admin.register(Scene)
class SceneAdmin(ModelAdmin):  # type: ignore[misc]
    form = SceneForm
    list_display = ["show_still", "__str__", "mood", "intensity", "optional", "break_after", "show_state"]
    list_display_links = ["__str__"]
    list_filter = ["title", "mood", "optional", "break_after"]
    list_select_related = ["title", "asset"]
    search_fields = ["name", "title__name"]
    autocomplete_fields = ["asset"]
    readonly_fields = ["title"]

    def has_add_permission(self, request: HttpRequest, obj: Scene | None = None) -> bool:
        # A scene is added on its title's page, where its neighbours are seen.
        return False

    @display(description="Picture")  # type: ignore[untyped-decorator]
    def show_still(self, scene: Scene) -> str:
        return _picture(selectors.still_url(scene.asset) if scene.asset else "", 96, scene.name)

    @display(description="Clip", label=READY_LABELS)  # type: ignore[untyped-decorator]
    def show_state(self, scene: Scene) -> str:
        return scene.asset.state if scene.asset else MediaAsset.State.MISSING


@admin.register(MediaAsset)
class MediaAssetAdmin(ModelAdmin):  # type: ignore[misc]
    list_display = ["show_still", "key", "kind", "show_seconds", "show_state", "problem", "updated_at"]
    list_display_links = ["key"]
    list_filter = ["kind", "state"]
    search_fields = ["key", "scene__name", "scene__title__name"]
    readonly_fields = ["recipe", "path", "init_uri", "segments", "files", "duration", "width", "height", "state", "problem", "updated_at"]
    actions = ["rebuild"]

    @display(description="Picture")  # type: ignore[untyped-decorator]
    def show_still(self, asset: MediaAsset) -> str:
        return _picture(selectors.still_url(asset), 96, asset.key)

    @display(description="Seconds", ordering="duration")  # type: ignore[untyped-decorator]
    def show_seconds(self, asset: MediaAsset) -> str:
        return f"{asset.duration:.1f}"

    @display(description="State", label=READY_LABELS, ordering="state")  # type: ignore[untyped-decorator]
    def show_state(self, asset: MediaAsset) -> str:
        return asset.state

    @admin.action(description="Check, and rebuild what is missing, damaged or changed", permissions=["change"])
    def rebuild(self, request: HttpRequest, queryset: QuerySet[MediaAsset]) -> None:
        _ask_for_rebuild(request, list(queryset.values_list("pk", flat=True)), [])
