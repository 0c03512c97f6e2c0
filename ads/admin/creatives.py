"""Ads: the clips, their review, and what they did."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.safestring import SafeString
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from ads import services
from ads.creatives import services as creatives
from ads.models import Ad, CreativeFile, DeliveryDay
from ads.scope import visible_to
from catalog.models import MediaAsset

from . import clips, links, queue, show
from .clips import file_of, preview, tell_of_upload
from .exchange import Exchanged
from .fields import ClipField
from .history import Remembered
from .kept import STATE_COLOURS, HttpsLinks, Kept
from .paged import Page, Paged, is_list
from .parts import CompanionInline, IconInline, VerificationInline
from .uploads import AdForm, ReviewActionForm

# Files that one question may name.
MOST_ASKED = 50


class AdInline(HttpsLinks, TabularInline):  # type: ignore[misc]
    model = Ad
    form = AdForm
    tab = True
    extra = 0
    can_delete = False
    show_change_link = True
    fields = ["clip", "name", "file", "asset", "category", "headline", "click_through", "skip_after", "universal_ad_id", "review"]
    readonly_fields = ["clip", "review"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ad]:
        rows: QuerySet[Ad] = super().get_queryset(request).select_related("asset__creative_file", "flight__campaign")
        return rows

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.actor = request.user
        return formset

    @show.column("Preview")
    def clip(self, ad: Ad) -> SafeString | str:
        return preview(ad.asset if ad.pk else None)

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "asset":
            kwargs |= {"form_class": ClipField, "queryset": MediaAsset.objects.filter(kind=MediaAsset.Kind.AD).order_by("key")}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


def _delivered(measure: str) -> Any:
    """An ad's figure over all days, from the day rollup."""
    days = DeliveryDay.objects.filter(ad_id=OuterRef("pk")).values("ad_id").annotate(total=Sum(measure)).values("total")
    return Coalesce(Subquery(days), 0)


class PageOfAds(Page):
    def add(self, keys: list[int]) -> None:
        days = DeliveryDay.objects.filter(ad_id__in=keys).values("ad_id").annotate(shown=Sum("impressions"), clicked=Sum("clicks"))
        found = {row["ad_id"]: row for row in days}
        for ad in self.result_list:
            ad.shown, ad.clicked = (found[ad.pk]["shown"], found[ad.pk]["clicked"]) if ad.pk in found else (0, 0)


@admin.register(Ad)
class AdAdmin(Paged, Exchanged, Remembered, Kept):
    form = AdForm
    list_display = ["clip", "name", "campaign_name", "flight_name", "kind", "reviewed", "length", "impressions", "ctr"]
    list_display_links = ["name"]
    list_filter = [("review", ChoicesDropdownFilter), ("flight__campaign", RelatedDropdownFilter), "category"]
    list_filter_submit = True
    list_per_page = 50
    show_full_result_count = False
    page_class = PageOfAds
    search_fields = ["name", "universal_ad_id", "flight__name", "flight__campaign__name"]
    autocomplete_fields = ["flight"]
    fieldsets = [
        (None, {"fields": ["clip", "standing", "file", "asset"]}),
        (
            "The ad",
            {
                "fields": [
                    ("flight", "name"), ("category", "headline"), "click_through", ("skip_after", "universal_ad_id"), "ad_id_registry", "pages",
                ]
            },
        ),
        ("What was uploaded", {"fields": ["facts"], "classes": ["tab"]}),
        ("Who decided", {"fields": ["trail"], "classes": ["tab"]}),
    ]  # fmt: skip
    readonly_fields = ["clip", "standing", "facts", "trail", "pages"]
    of_everybody = ("pages",)
    inlines = [CompanionInline, IconInline, VerificationInline]
    action_form = ReviewActionForm
    actions = ["approve", "reject"]
    actions_submit_line = ["approve_it", "reject_it", "retry_it"]

    def get_plain(self, request: HttpRequest) -> QuerySet[Ad]:
        return super().get_plain(request).select_related("asset__creative_file__uploaded_by", "flight__campaign", "reviewed_by")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ad]:
        """Every ad is counted only where the list is sorted, which may be by what was counted."""
        rows = self.get_plain(request)
        return rows.annotate(shown=_delivered("impressions")) if is_list(request) and "o" in request.GET else rows

    class Media:
        js = ("js/ads/progress.js",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001
        form = super().get_form(request, obj, change, **kwargs)
        form.actor = request.user
        return form

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            # Read-only fields are drawn without the request; room for a note is for those who may decide.
            found.may_decide, found.viewer = self.has_approve_permission(request), request.user
        return found

    def get_urls(self) -> list[Any]:
        return [
            path("progress/", self.admin_site.admin_view(self.progress), name="ads_ad_progress"),
            path("review/", self.admin_site.admin_view(self.review), name="ads_ad_review"),
            *super().get_urls(),
        ]

    def review(self, request: HttpRequest) -> HttpResponse:
        """The next ad that waits for a decision, or the one named by ``ad``."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        return queue.page(request, self)

    def progress(self, request: HttpRequest) -> JsonResponse:
        """How far the files named by ``ids`` are; the page's script asks until all are done."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        ids = [int(word) for word in request.GET.get("ids", "").split(",")[:MOST_ASKED] if word.isascii() and word.isdigit() and len(word) < 19]
        files = visible_to(request.user, CreativeFile.objects.filter(pk__in=ids).select_related("asset"))
        return JsonResponse({"creatives": [clips.news(file) for file in files]})

    def has_approve_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(services.APPROVE)

    @show.column("Preview")
    def clip(self, ad: Ad) -> SafeString | str:
        return preview(ad.asset) if ad.pk else "It shows here once the file is processed."

    @show.column("Where it stands")
    def standing(self, ad: Ad) -> SafeString | str:
        return clips.standing(ad) if ad.pk else "It waits for review as soon as its clip is ready."

    @show.column("The file and its clip")
    def facts(self, ad: Ad) -> SafeString | str:
        return show.once(ad, "facts", lambda: clips.facts_table(ad)) if ad.pk else "-"

    @show.column("From the first upload on")
    def trail(self, ad: Ad) -> SafeString | str:
        return show.once(ad, "trail", lambda: clips.trail(ad)) if ad.pk else "-"

    @show.column("Pages")
    def pages(self, ad: Ad) -> SafeString | str:
        return links.of(ad) if ad.pk else "-"

    @show.column("Campaign", ordering="flight__campaign__name")
    def campaign_name(self, ad: Ad) -> str:
        return ad.flight.campaign.name

    @show.column("Flight", ordering="flight__name")
    def flight_name(self, ad: Ad) -> str:
        return ad.flight.name

    @show.column("Category", ordering="category")
    def kind(self, ad: Ad) -> str:
        return ad.category.replace("_", " ").capitalize()

    @show.column("Review", ordering="review", label=STATE_COLOURS)
    def reviewed(self, ad: Ad) -> str:
        return ad.get_review_display()

    @show.column("Length", ordering="asset__duration")
    def length(self, ad: Ad) -> str:
        return f"{ad.asset.duration:.0f} s" if ad.asset.duration else "-"

    @show.column("Impressions", ordering="shown")
    def impressions(self, ad: Any) -> str:
        return show.count(ad.shown)

    @show.column("CTR")
    def ctr(self, ad: Any) -> str:
        return show.percent(ad.clicked, ad.shown)

    def formfield_for_foreignkey(self, db_field: Any, request: Any, **kwargs: Any) -> Any:
        if db_field.name == "asset":
            kwargs |= {"form_class": ClipField, "queryset": MediaAsset.objects.filter(kind=MediaAsset.Kind.AD).order_by("key")}
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.action(description="Approve", permissions=["approve"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Ad]) -> None:
        note = request.POST.get("note", "")
        self.each(request, queryset, "ad", lambda row: services.ad_approve(actor=request.user, ad=row, note=note), "approved")

    @admin.action(description="Reject", permissions=["approve"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Ad]) -> None:
        note = request.POST.get("note", "")
        self.each(request, queryset, "ad", lambda row: services.ad_reject(actor=request.user, ad=row, note=note), "rejected")

    # The same on the ad's own page

    def steering(self, row: Ad) -> tuple[str, ...]:
        file = file_of(row.asset)
        ready = row.asset.state == MediaAsset.State.READY
        allowed = {
            "approve_it": ready and row.review != Ad.Review.APPROVED,
            "reject_it": ready and row.review != Ad.Review.REJECTED,
            "retry_it": file is not None and file.state == CreativeFile.State.REFUSED,
        }
        return tuple(name for name, sensible in allowed.items() if sensible)

    @show.button("Approve", permission="approve")
    def approve_it(self, request: HttpRequest, obj: Ad) -> None:
        note = request.POST.get("decision_note", "")
        self.one(request, obj, lambda row: services.ad_approve(actor=request.user, ad=row, note=note), "approved")

    @show.button("Reject", permission="approve")
    def reject_it(self, request: HttpRequest, obj: Ad) -> None:
        note = request.POST.get("decision_note", "")
        self.one(request, obj, lambda row: services.ad_reject(actor=request.user, ad=row, note=note), "rejected")

    @show.button("Try again", permission="change")
    def retry_it(self, request: HttpRequest, obj: Ad) -> None:
        file = CreativeFile.objects.filter(asset=obj.asset_id).first()
        if file is not None and self.tried(request, file, lambda row: creatives.creative_retry(actor=request.user, creative=row)):
            self.message_user(request, f"{file.name} is being processed once more.", messages.SUCCESS)

    def save_model(self, request: HttpRequest, obj: Ad, form: Any, change: bool) -> None:  # noqa: FBT001
        super().save_model(request, obj, form, change)
        if form.cleaned_data.get("file"):
            tell_of_upload(self, request, obj)
