"""The list of flights: how each stands, is paced, was seen lately, and what to do next."""

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

from ads.models import Flight
from ads.standing import Standing, flights_standing, with_ads

from . import bars, show
from .narrow import AdsFilter, EndsFilter, PaceFilter, StandingFilter
from .paged import Paged, PageWithDays


class PageOfFlights(PageWithDays):
    key = "flight_id"


class FlightList(Paged):
    """The columns, filters and order of the list; `FlightAdmin` adds the page."""

    list_display = ["named", "status", "delivery", "lately", "spend", "ctr", "vcr", "left", "next"]
    list_display_links = ["named"]
    list_filter = [
        StandingFilter,
        PaceFilter,
        EndsFilter,
        AdsFilter,
        ("tier", ChoicesDropdownFilter),
        ("pricing", ChoicesDropdownFilter),
        ("pacing", ChoicesDropdownFilter),
        ("campaign__advertiser", AutocompleteSelectFilter),
        ("campaign", AutocompleteSelectFilter),
        ("state", ChoicesDropdownFilter),
    ]
    list_filter_submit = True
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["name", "campaign__name", "campaign__advertiser__name"]
    search_help_text = "Flight, campaign or advertiser"

    page_class = PageOfFlights

    def get_plain(self, request: HttpRequest) -> QuerySet[Flight]:
        return super().get_plain(request).select_related("campaign__advertiser", "balance", "forecast")

    def told(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        # The shapes of the traffic are long and shown on the flight's own page alone.
        return with_ads(flights_standing(rows, datetime.now(UTC))).defer("forecast__supply", "forecast__layers", "forecast__conflicts")

    @show.column("Flight", ordering="campaign__name")
    def named(self, flight: Flight) -> SafeString:
        bid = "free" if flight.tier == Flight.Tier.HOUSE else show.money(flight.bid_micros, digits=3 if flight.bid_micros < 100_000 else 2)
        return format_html(
            '<span class="named"><b title="{}">{}</b><small title="{}">{}</small><small>{} {}, {}</small></span>',
            flight.name, flight.name, flight.campaign.advertiser.name, flight.campaign.name, flight.get_pricing_display(), bid, show.tier(flight),
        )  # fmt: skip

    @show.column("Status", ordering="standing")
    def status(self, flight: Any) -> SafeString:
        return bars.state(flight.standing, why=_why(flight))

    @show.column("Delivery", ordering="pace")
    def delivery(self, flight: Any) -> SafeString:
        share = flight.done / flight.whole if flight.whole else None
        started = flight.starts_at <= datetime.now(UTC) and flight.standing != Standing.DRAFT
        over = flight.standing in (Standing.ENDED, Standing.DELIVERED, Standing.SPENT)
        if flight.goal_amount is None:
            words = "of its budget; no goal" if flight.whole else "no goal"
            if flight.tier == Flight.Tier.SPONSORSHIP:
                words = f"of its budget; {flight.share_of_voice or 0:.0%} of breaks"
        else:
            words = show.goal_words(flight)
        return bars.delivery(share, due=flight.due if started else None, words=words, pace=flight.pace if started else None, ended=over)

    @show.column("Last 14 days", ordering="balance__impressions")
    def lately(self, flight: Any) -> SafeString:
        balance = show.balance_of(flight)
        shown = balance.impressions if balance else 0
        return format_html("{}<small>{} impression{}</small>", bars.sparkline(flight.last_days), show.count(shown), "" if shown == 1 else "s")

    @show.column("Spend", ordering="balance__booked_micros")
    def spend(self, flight: Flight) -> SafeString:
        balance = show.balance_of(flight)
        return show.lines(show.money(balance.booked_micros if balance else 0), f"of {show.money(flight.budget_micros, digits=0)}")

    @show.column("CTR", ordering=Coalesce(F("ctr"), -1.0))
    def ctr(self, flight: Any) -> str:
        return "-" if flight.ctr is None else f"{flight.ctr:.2%}"

    @show.column("VCR", ordering=Coalesce(F("vcr"), -1.0))
    def vcr(self, flight: Any) -> str:
        return "-" if flight.vcr is None else f"{flight.vcr:.0%}"

    @show.column("Days left", ordering="ends_at")
    def left(self, flight: Flight) -> SafeString:
        return ends(flight.starts_at, flight.ends_at)

    @show.column("Next")
    def next(self, flight: Any) -> SafeString | str:
        words, address = next_step(flight)
        return format_html('<a class="text-link" href="{}">{}</a>', address, words) if address else words or "-"


def ends(starts: datetime, over: datetime) -> SafeString:
    """Days left, and the last day; both dates in the tooltip."""
    dates = f"{starts:%d %b %Y} to {over:%d %b %Y}"
    return format_html('<span class="figure" title="{}">{}<small>to {}</small></span>', dates, days_left(starts, over), f"{over:%d %b}")


def days_left(starts: datetime, ends: datetime) -> str:
    """In days, of the last one in hours."""
    now = datetime.now(UTC)
    if now >= ends:
        return "over"
    if now < starts:
        days = (starts - now).days
        return f"starts in {days} days" if days > 1 else "starts tomorrow" if days else f"starts in {int((starts - now).total_seconds() // 3600)} h"
    hours = (ends - now).total_seconds() / 3600
    return f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"


def _why(flight: Any) -> str:
    forecast = getattr(flight, "forecast", None)
    return {
        Standing.AT_RISK: forecast.warning if forecast else "",
        Standing.SILENT: "No ad of it is approved with its clip ready, so nothing serves.",
        Standing.SPENT: "What is left of its budget does not pay for one more event.",
        Standing.DELIVERED: "All of its goal is delivered.",
        Standing.PAUSED: "Its campaign is paused." if flight.campaign.state == "paused" else "Paused by staff.",
    }.get(Standing(flight.standing), "")


def next_step(flight: Any) -> tuple[str, str]:
    """(words, address) of what to do next with the flight; an address is empty where nothing is to be done."""
    page, why = (reverse(f"admin:ads_flight_{name}", args=[flight.pk]) for name in ("change", "why"))
    if flight.standing in (Standing.DRAFT, Standing.SILENT) and not flight.has_approved:
        if flight.has_waiting:
            return "Have its ad reviewed", reverse("admin:ads_ad_changelist") + f"?flight__id__exact={flight.pk}"
        return "Add an ad", f"{reverse('admin:ads_ad_add')}?flight={flight.pk}"
    return {
        Standing.DRAFT: ("Launch it", page),
        Standing.AT_RISK: ("See what would help", why),
        Standing.SPENT: ("Extend it", page),
        Standing.DELIVERED: ("Extend it", page),
        Standing.PAUSED: ("Resume it", page),
        Standing.LIVE: ("See why it is behind", why) if flight.pace is not None and flight.pace < 0.9 else ("", ""),
    }.get(Standing(flight.standing), ("", ""))
