"""What ad-ops narrow their lists by, beside plain columns: how a row stands, its pace, when it ends, what its ads wait for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.contrib.filters.admin import DropdownFilter

from ads.models import Ad
from ads.standing import AHEAD, BEHIND, Standing


class Chosen(DropdownFilter):  # type: ignore[misc]
    """A list to pick from. A value nobody offers narrows nothing, as an old bookmark may carry one."""

    offered: tuple[tuple[str, str], ...] = ()

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(self.offered)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return self.narrowed(queryset, value) if value in dict(self.offered) else queryset

    def narrowed(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        raise NotImplementedError


class StandingFilter(Chosen):
    title = "status"
    parameter_name = "standing"
    offered = (("serving", "Serving (live or at risk)"), *((one.name.lower(), one.label) for one in Standing))

    def narrowed(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == "serving":
            return rows.filter(standing__in=[Standing.LIVE, Standing.AT_RISK])
        return rows.filter(standing=Standing[value.upper()])


class CampaignStandingFilter(StandingFilter):
    offered = tuple((one.name.lower(), one.label) for one in Standing if one not in (Standing.SILENT, Standing.SPENT, Standing.DELIVERED))


class PaceFilter(Chosen):
    title = "pace"
    parameter_name = "pace"
    offered = (("behind", "Behind (under 90 % of what is due)"), ("on", "On pace"), ("ahead", "Ahead (over 110 %)"))

    def narrowed(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        going = rows.filter(standing__in=[Standing.LIVE, Standing.AT_RISK, Standing.SILENT, Standing.SPENT, Standing.DELIVERED])
        if value == "behind":
            return going.filter(pace__lt=BEHIND)
        return going.filter(pace__gt=AHEAD) if value == "ahead" else going.filter(pace__gte=BEHIND, pace__lte=AHEAD)


class EndsFilter(Chosen):
    title = "end"
    parameter_name = "ends"
    offered = (("1", "Within a day"), ("3", "Within 3 days"), ("7", "Within 7 days"), ("30", "Within 30 days"), ("over", "Over"))
    column = "ends_at"

    def narrowed(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        now = datetime.now(UTC)
        if value == "over":
            return rows.filter(**{f"{self.column}__lte": now})
        return rows.filter(**{f"{self.column}__gt": now, f"{self.column}__lte": now + timedelta(days=int(value))}).exclude(standing=Standing.ENDED)


class CampaignEndsFilter(EndsFilter):
    column = "ends"


class AdsFilter(Chosen):
    title = "ads"
    parameter_name = "ads"
    offered = (("none", "Has no ad"), ("not_approved", "Has no approved ad"), ("waiting", "Has an ad in review"), ("rejected", "Has a rejected ad"))

    def narrowed(self, rows: QuerySet[Any], value: str) -> QuerySet[Any]:
        if value == "none":
            return rows.filter(ads__isnull=True)
        if value == "not_approved":
            return rows.exclude(pk__in=Ad.objects.filter(review=Ad.Review.APPROVED).values("flight"))
        review = Ad.Review.IN_REVIEW if value == "waiting" else Ad.Review.REJECTED
        return rows.filter(pk__in=Ad.objects.filter(review=review).values("flight"))
