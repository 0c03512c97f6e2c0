"""``GET /api/v1/errors``: what players said went wrong, by error code."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from ads.models import Campaign, Flight
from ads.reports.errors import error_counts
from ads.scope import EVERYBODY, advertiser_of, visible_to

from .access import StaffView
from .filters import refuse_unknown
from .reports import moment


class ErrorCountSerializer(serializers.Serializer[Any]):
    code = serializers.IntegerField(help_text="Of VAST 4.2, section 2.3.6.3")
    words = serializers.CharField()
    count = serializers.IntegerField()
    last = serializers.DateTimeField(help_text="When the latest happened")


class Errors(StaffView):
    rights = ("ads.view_flight",)
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="errors_list",
        summary="What players said went wrong, by error code",
        tags=["reports"],
        parameters=[
            OpenApiParameter("since", str, description="24h, 7d, 2w, or an ISO time; by default 7d"),
            OpenApiParameter("flight", int, description="Of this flight alone"),
            OpenApiParameter("campaign", int, description="Of this campaign alone"),
        ],
        responses={200: ErrorCountSerializer(many=True)},
    )
    def get(self, request: Request) -> Response:
        """The most frequent code first. Without a flight or a campaign, breaks without an ad (303) are counted too."""
        refuse_unknown(request, ["since", "flight", "campaign"])
        now = datetime.now(UTC)
        since = moment(request.query_params.get("since", "7d"), now)
        return Response(ErrorCountSerializer([asdict(one) for one in error_counts(since, now, flights=self._flights(request))], many=True).data)

    def _flights(self, request: Request) -> list[int] | None:
        """Those that are meant and that the caller may see; None for all there is. Raises NotFound."""
        flights = visible_to(request.user, Flight.objects.all())
        if (named := request.query_params.get("flight")) is not None:
            flights = flights.filter(pk=self.found(Flight.objects.all(), named).pk)
        if (named := request.query_params.get("campaign")) is not None:
            flights = flights.filter(campaign=self.found(Campaign.objects.all(), named).pk)
        if advertiser_of(request.user) is EVERYBODY and not request.query_params.keys() & {"flight", "campaign"}:
            return None
        return list(flights.values_list("pk", flat=True))
