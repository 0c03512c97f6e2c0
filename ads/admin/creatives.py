"""Ads: the clips, their review, and what they did."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, JsonResponse
from django.urls import path
from django.utils.safestring import SafeString
from simple_history.admin import SimpleHistoryAdmin
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter

from ads import services
from ads.models import Ad, CreativeFile, DeliveryDay
from ads.scope import visible_to
from catalog.models import MediaAsset

from . import links, show
from .clips import preview, told
from .exchange import Exchanged
from .fields import ClipField
from .kept import STATE_COLOURS, HttpsLinks, Kept
from .uploads import AdForm

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


@admin.register(Ad)
class AdAdmin(Exchanged, SimpleHistoryAdmin, Kept):  # type: ignore[misc]
    form = AdForm
    list_display = ["clip", "name", "campaign_name", "flight_name", "kind", "reviewed", "length", "impressions", "ctr"]
    list_display_links = ["name"]
    list_filter = [("review", ChoicesDropdownFilter), ("flight__campaign", RelatedDropdownFilter), "category"]
    list_filter_submit = True
    search_fields = ["name", "universal_ad_id", "flight__name", "flight__campaign__name"]
    autocomplete_fields = ["flight"]
    fields = ["clip", "pages", "flight", "name", "file", "asset", "category", "headline", "click_through", "skip_after", "universal_ad_id", "review"]
    readonly_fields = ["clip", "pages", "review"]
    of_everybody = ("pages",)
    actions = ["approve", "reject"]
    actions_submit_line = ["approve_it", "reject_it"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ad]:
        rows: QuerySet[Ad] = super().get_queryset(request).select_related("asset__creative_file", "flight__campaign")
        return rows.annotate(shown=_delivered("impressions"), clicked=_delivered("clicks"))

    class Media:
        js = ("js/ads/progress.js",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001
        form = super().get_form(request, obj, change, **kwargs)
        form.actor = request.user
        return form

    def get_urls(self) -> list[Any]:
        return [path("progress/", self.admin_site.admin_view(self.progress), name="ads_ad_progress"), *super().get_urls()]

    def progress(self, request: HttpRequest) -> JsonResponse:
        """How far the files named by ``ids`` are; the page's script asks until all are done."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        ids = [int(word) for word in request.GET.get("ids", "").split(",")[:MOST_ASKED] if word.isascii() and word.isdigit() and len(word) < 19]
        files = visible_to(request.user, CreativeFile.objects.filter(pk__in=ids).select_related("asset"))
        answers = [told(file) | {"preview": preview(file.asset) if file.state == CreativeFile.State.READY else ""} for file in files]
        return JsonResponse({"creatives": answers})

    def has_approve_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm(services.APPROVE)

    @show.column("Preview")
    def clip(self, ad: Ad) -> SafeString | str:
        return preview(ad.asset if ad.pk else None)

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
        self.each(request, queryset, "ad", lambda row: services.ad_approve(actor=request.user, ad=row), "approved")

    @admin.action(description="Reject", permissions=["approve"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Ad]) -> None:
        self.each(request, queryset, "ad", lambda row: services.ad_reject(actor=request.user, ad=row), "rejected")

    # The same on the ad's own page

    def steering(self, row: Ad) -> tuple[str, ...]:
        return tuple(name for name, state in (("approve_it", Ad.Review.APPROVED), ("reject_it", Ad.Review.REJECTED)) if row.review != state)

    @show.button("Approve", permission="approve")
    def approve_it(self, request: HttpRequest, obj: Ad) -> None:
        self.one(request, obj, lambda row: services.ad_approve(actor=request.user, ad=row), "approved")

    @show.button("Reject", permission="approve")
    def reject_it(self, request: HttpRequest, obj: Ad) -> None:
        self.one(request, obj, lambda row: services.ad_reject(actor=request.user, ad=row), "rejected")
