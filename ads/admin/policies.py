"""How many ads each title carries."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from ads.models import AdPolicy

from . import show
from .forms import AdPolicyForm
from .history import Remembered
from .kept import Kept


@admin.register(AdPolicy)
class AdPolicyAdmin(Remembered, Kept):
    form = AdPolicyForm
    list_display = ["of", "breaks", "length", "load", "reserve", "house_ads"]
    list_display_links = ["of"]
    search_fields = ["title__name"]
    autocomplete_fields = ["title"]
    fieldsets = [
        (None, {"fields": ["title"], "description": "Without a title it holds for every title that has no policy of its own."}),
        ("Breaks", {"fields": [("pre_roll", "mid_rolls", "post_roll"), ("most_breaks", "spacing_seconds"), ("break_seconds", "break_ads")]}),
        ("Load", {"fields": ["seconds_per_hour", ("long_watch_seconds", "ad_free_seconds"), "creative_gap_seconds"]}),
        ("Price", {"fields": [("reserve_micros", "house_ads")]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[AdPolicy]:
        rows: QuerySet[AdPolicy] = super().get_queryset(request).select_related("title")
        return rows

    @show.column("Title", ordering="title__name")
    def of(self, policy: AdPolicy) -> str:
        return policy.title.name if policy.title else "Every other title"

    @show.column("Breaks")
    def breaks(self, policy: AdPolicy) -> SafeString:
        places = (("before", policy.pre_roll), ("in", policy.mid_rolls), ("after", policy.post_roll))
        where = ", ".join(words for words, allowed in places if allowed)
        most = "as many as the author allows" if policy.most_breaks is None else f"at most {policy.most_breaks}"
        return show.lines(f"{where} the film" if where else "none", most)

    @show.column("A break", ordering="break_seconds")
    def length(self, policy: AdPolicy) -> SafeString:
        return show.lines(f"{policy.break_seconds} s", f"{policy.break_ads} ads at most")

    @show.column("Load", ordering="seconds_per_hour")
    def load(self, policy: AdPolicy) -> SafeString:
        rest = f"{policy.ad_free_seconds} s free after {policy.long_watch_seconds} s" if policy.long_watch_seconds else "no stretch without ads"
        return show.lines(f"{policy.seconds_per_hour} s an hour", rest)

    @show.column("Reserve", ordering="reserve_micros")
    def reserve(self, policy: AdPolicy) -> SafeString:
        return show.lines(show.money(policy.reserve_micros), "per thousand impressions")
