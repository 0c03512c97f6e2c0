"""The list of campaigns: the sums of their flights, and how they stand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.contrib.filters.admin import AutocompleteSelectFilter, ChoicesDropdownFilter

from ads.models import Campaign
from ads.scope import EVERYBODY, advertiser_of
from ads.standing import Standing, campaigns_standing

from . import bars, show
from .flight_list import ends
from .narrow import CampaignEndsFilter, CampaignStandingFilter
from .paged import Paged, PageWithDays


class PageOfCampaigns(PageWithDays):
    key = "campaign_id"


class CampaignList(Paged):
    """The columns, filters and order of the list; `CampaignAdmin` adds the page."""

    list_display = ["named", "status", "delivery", "lately", "spend", "ctr", "vcr", "left", "next"]
    list_display_links = ["named"]
    list_filter = [CampaignStandingFilter, CampaignEndsFilter, ("advertiser", AutocompleteSelectFilter), ("state", ChoicesDropdownFilter)]
    list_filter_submit = True
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["name", "advertiser__name", "notes"]
    search_help_text = "Campaign, advertiser or notes"

    page_class = PageOfCampaigns

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        """Notes are our own: somebody of an advertiser neither reads them nor finds by them."""
        return self.search_fields if advertiser_of(request.user) is EVERYBODY else [name for name in self.search_fields if name != "notes"]

    def get_plain(self, request: HttpRequest) -> QuerySet[Campaign]:
        return super().get_plain(request).select_related("advertiser")

    def told(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return campaigns_standing(rows, datetime.now(UTC))

    @show.column("Campaign", ordering="name")
    def named(self, campaign: Campaign) -> SafeString:
        return format_html('<span class="named"><b title="{}">{}</b><small>{}</small></span>', campaign.name, campaign.name, campaign.advertiser.name)

    @show.column("Status", ordering="standing")
    def status(self, campaign: Any) -> SafeString:
        risky = f"{campaign.risk_total} of its flights will hardly reach their goal." if campaign.risk_total else ""
        return bars.state(campaign.standing, why=risky)

    @show.column("Budget used", ordering="pace")
    def delivery(self, campaign: Any) -> SafeString:
        started = campaign.starts is not None and campaign.starts <= datetime.now(UTC)
        share = campaign.booked / campaign.budget if campaign.budget else None
        due = campaign.due / campaign.budget if campaign.budget and started else None
        words = f"of {show.money(campaign.budget, digits=0)}" if campaign.budget else "no budget yet"
        return bars.delivery(share, due=due, words=words, pace=campaign.pace if started else None, ended=campaign.standing == Standing.ENDED)

    @show.column("Last 14 days", ordering="shown")
    def lately(self, campaign: Any) -> SafeString:
        return format_html("{}<small>{} impressions</small>", bars.sparkline(campaign.last_days), show.count(campaign.shown))

    @show.column("Spend", ordering="booked")
    def spend(self, campaign: Any) -> SafeString:
        flights = "no flight" if not campaign.flight_total else f"{campaign.live_total} of {campaign.flight_total} flights serve"
        return show.lines(show.money(campaign.booked), flights)

    @show.column("CTR", ordering=Coalesce(F("ctr"), -1.0))
    def ctr(self, campaign: Any) -> str:
        return "-" if campaign.ctr is None else f"{campaign.ctr:.2%}"

    @show.column("VCR", ordering=Coalesce(F("vcr"), -1.0))
    def vcr(self, campaign: Any) -> str:
        return "-" if campaign.vcr is None else f"{campaign.vcr:.0%}"

    @show.column("Days left", ordering="ends")
    def left(self, campaign: Any) -> SafeString | str:
        if campaign.starts is None:
            return "no flight yet"
        return ends(campaign.starts, campaign.ends)

    @show.column("Next")
    def next(self, campaign: Any) -> SafeString | str:
        flights = f"{reverse('admin:ads_flight_changelist')}?campaign__id__exact={campaign.pk}"
        if not campaign.flight_total:
            return format_html('<a class="text-link" href="{}?campaign={}">Add a flight</a>', reverse("admin:ads_flight_add"), campaign.pk)
        if campaign.risk_total:
            return format_html('<a class="text-link" href="{}&amp;standing=at_risk">{} at risk</a>', flights, campaign.risk_total)
        return format_html('<a class="text-link" href="{}">Its flights</a>', flights)
