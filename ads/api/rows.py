"""``/api/v1/{advertisers,campaigns,flights,ads,policies}``: list, read, create, change and steer; what was never served can be deleted.

Every write is a service, so it is checked, audited under the caller's name and told to the serving processes like one of the admin.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError as Unsound
from django.db import IntegrityError
from django.db.models import QuerySet
from django_filters import FilterSet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from ads import services
from ads.models import Ad, AdPolicy, Advertiser, Campaign, Flight, FlightForecast
from ads.removal import StillNeeded, row_delete
from ads.scope import advertiser_of, visible_to

from .access import Pages, StaffView
from .filters import AdFilters, AdPolicyFilters, AdvertiserFilters, CampaignFilters, FlightFilters, refuse_unknown
from .problems import Problem
from .reports import ForecastSerializer, FunnelSerializer, funnel_of
from .serializers import AdPolicySerializer, AdSerializer, AdvertiserSerializer, CampaignSerializer, FlightSerializer, ReviewSerializer, as_json
from .versions import etag_of, guarded
from .why import GainsSerializer, gains_of, window_of

SINCE = OpenApiParameter("since", str, description="24h, 7d or 2w back, or an ISO time; 7d when left out")
UNTIL = OpenApiParameter("until", str, description="The same, later than since; now when left out")


def documented(noun: str, serializer: Any) -> Callable[[Any], Any]:
    """The five operations of a resource, described."""
    plural = {"policy": "policies"}.get(noun, f"{noun}s")

    def described(summary: str, answers: dict[int, Any], **more: Any) -> Any:
        return extend_schema(summary=summary, tags=["selling"], responses=answers, **more)

    return extend_schema_view(
        list=described(f"List {plural}", {200: serializer(many=True)}),
        retrieve=described(f"Read one {noun}", {200: serializer}),
        create=described(f"Create: {noun}", {201: serializer}),
        partial_update=described(f"Change: {noun}", {200: serializer}),
        destroy=described(f"Delete: {noun}, if it was never served", {204: None}),
    )


class Rows(StaffView, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[Any]):
    pagination_class = Pages
    filter_backends = [DjangoFilterBackend]
    http_method_names = ["get", "post", "patch", "delete", "head"]
    lookup_value_regex = "[^/.]+"
    filterset_class: type[FilterSet]
    versioned = True

    def get_queryset(self) -> QuerySet[Any]:
        return visible_to(self.request.user, super().get_queryset())

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_unknown(request, [*self.filterset_class.base_filters, "page", "page_size"])
        return super().list(request, *args, **kwargs)

    def get_object(self) -> Any:
        row = self.found(self.get_queryset(), str(self.kwargs["pk"]))
        self.check_object_permissions(self.request, row)
        return row

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        given = self.get_serializer(data=request.data)
        given.is_valid(raise_exception=True)
        row = self.get_queryset().model(**given.validated_data)
        self._written(lambda: services.row_create(actor=request.user, row=row))
        row.refresh_from_db()
        return self._answer(row, status=status.HTTP_201_CREATED, headers={"Location": f"{request.path}/{row.pk}"})

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        row = self.get_object()
        given = self.get_serializer(row, data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        changes = given.validated_data
        write = lambda: services.row_update(actor=request.user, row=row, changes=changes)  # noqa: E731 (it is handed on)
        self._written(lambda: guarded(request, row, write, changes=changes))
        row.refresh_from_db()
        return self._answer(row)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        row = self.get_object()
        try:
            guarded(request, row, lambda: row_delete(actor=request.user, row=row))
        except StillNeeded as error:
            raise Problem("still-needed", str(error)) from error
        return Response(status=status.HTTP_204_NO_CONTENT)

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_unknown(request, ())
        return self._answer(self.get_object())

    def steer(self, service: Callable[[Any], Any]) -> Response:
        """Run a service on the row that the address names."""
        row = self.get_object()
        try:
            self._written(lambda: guarded(self.request, row, lambda: service(row)))
        except services.WrongState as error:
            raise Problem("wrong-state", str(error)) from error
        row.refresh_from_db()
        return self._answer(row)

    def _answer(self, row: Any, **more: Any) -> Response:
        shown = self.get_serializer_class()(row, context={**self.get_serializer_context(), "single": True}).data
        return Response(shown, **more | {"headers": {**more.get("headers", {}), "ETag": etag_of(row)}})

    def _written(self, write: Callable[[], Any]) -> Any:
        try:
            return write()
        except Unsound as error:
            raise ValidationError(as_json(error.message_dict)) from error
        except IntegrityError as error:
            raise Problem("changed-meanwhile", "Somebody else wrote the same name or row just now; read it again and decide anew.") from error


@documented("advertiser", AdvertiserSerializer)
class AdvertiserRows(Rows):
    queryset = Advertiser.objects.order_by("name")
    serializer_class = AdvertiserSerializer
    filterset_class = AdvertiserFilters


def steering(words: str, serializer: Any, asked: Any = None) -> Callable[[Any], Any]:
    return extend_schema(summary=words, tags=["selling"], request=asked, responses={200: serializer})


@documented("campaign", CampaignSerializer)
class CampaignRows(Rows):
    queryset = Campaign.objects.order_by("name")
    serializer_class = CampaignSerializer
    filterset_class = CampaignFilters

    @steering("Stop every flight of the campaign from serving", CampaignSerializer)
    @action(detail=True, methods=["post"], rights=("ads.change_campaign",))
    def pause(self, request: Request, pk: str = "") -> Response:
        return self.steer(lambda row: services.campaign_pause(actor=request.user, campaign=row))

    @steering("Let a paused campaign serve again", CampaignSerializer)
    @action(detail=True, methods=["post"], rights=("ads.change_campaign",))
    def resume(self, request: Request, pk: str = "") -> Response:
        return self.steer(lambda row: services.campaign_resume(actor=request.user, campaign=row))

    @steering("End the campaign for good", CampaignSerializer)
    @action(detail=True, methods=["post"], rights=("ads.change_campaign",))
    def end(self, request: Request, pk: str = "") -> Response:
        return self.steer(lambda row: services.campaign_end(actor=request.user, campaign=row))


@documented("flight", FlightSerializer)
class FlightRows(Rows):
    queryset = Flight.objects.select_related("campaign").order_by("campaign", "name")
    serializer_class = FlightSerializer
    filterset_class = FlightFilters

    @extend_schema(
        summary="Why the flight did not serve",
        tags=["selling"],
        parameters=[SINCE, UNTIL],
        responses={200: FunnelSerializer},
    )
    @action(detail=True, url_path="why-not", rights=("ads.view_flight", "ads.view_decision"), filter_backends=[], pagination_class=None)
    def why_not(self, request: Request, pk: str = "") -> Response:
        flight = self.get_object()
        asked = request.query_params
        return Response(FunnelSerializer(funnel_of(flight, asked.get("since", "7d"), asked.get("until"), datetime.now(UTC))).data)

    @extend_schema(
        summary="The changes that would free most delivery, each tried on logged requests",
        tags=["selling"],
        parameters=[SINCE, UNTIL],
        responses={200: GainsSerializer},
    )
    @action(detail=True, rights=("ads.view_flight", "ads.view_decision"), filter_backends=[], pagination_class=None)
    def gains(self, request: Request, pk: str = "") -> Response:
        flight, now = self.get_object(), datetime.now(UTC)
        since, until = window_of(request.query_params.get("since", "7d"), request.query_params.get("until"), now)
        return Response(GainsSerializer(gains_of(flight, since, until, user=request.user, now=now)).data)

    @extend_schema(summary="What the flight can expect, from logged requests", tags=["selling"], responses={200: ForecastSerializer})
    @action(detail=True, rights=("ads.view_flight", "ads.view_flightforecast"), filter_backends=[], pagination_class=None)
    def forecast(self, request: Request, pk: str = "") -> Response:
        found = FlightForecast.objects.filter(flight=self.get_object()).select_related("flight__campaign").first()
        if found is None:
            raise NotFound("No forecast was computed for this flight yet.")
        return Response(ForecastSerializer(found, context={"advertiser": advertiser_of(request.user)}).data)

    @steering("Let a draft serve", FlightSerializer)
    @action(detail=True, methods=["post"], rights=("ads.change_flight",))
    def launch(self, request: Request, pk: str = "") -> Response:
        return self.steer(lambda row: services.flight_launch(actor=request.user, flight=row, now=datetime.now(UTC)))

    @steering("Stop the flight from serving", FlightSerializer)
    @action(detail=True, methods=["post"], rights=("ads.change_flight",))
    def pause(self, request: Request, pk: str = "") -> Response:
        return self.steer(lambda row: services.flight_pause(actor=request.user, flight=row))

    @steering("Let a paused flight serve again", FlightSerializer)
    @action(detail=True, methods=["post"], rights=("ads.change_flight",))
    def resume(self, request: Request, pk: str = "") -> Response:
        return self.steer(lambda row: services.flight_resume(actor=request.user, flight=row))

    @steering("End the flight for good", FlightSerializer)
    @action(detail=True, methods=["post"], rights=("ads.change_flight",))
    def end(self, request: Request, pk: str = "") -> Response:
        return self.steer(lambda row: services.flight_end(actor=request.user, flight=row))


def noted(request: Request) -> str:
    """The note of a decision, empty when none was sent. Raises ValidationError."""
    given = ReviewSerializer(data=request.data)
    given.is_valid(raise_exception=True)
    return str(given.validated_data.get("note", ""))


@documented("ad", AdSerializer)
class AdRows(Rows):
    queryset = Ad.objects.select_related("asset", "flight").order_by("flight", "name")
    serializer_class = AdSerializer
    filterset_class = AdFilters

    @steering("Let the ad serve; for ad-ops leads", AdSerializer, ReviewSerializer)
    @action(detail=True, methods=["post"], rights=("ads.change_ad", services.APPROVE))
    def approve(self, request: Request, pk: str = "") -> Response:
        note = noted(request)
        return self.steer(lambda row: services.ad_approve(actor=request.user, ad=row, note=note))

    @steering("Keep the ad from serving, with a note that says why; for ad-ops leads", AdSerializer, ReviewSerializer)
    @action(detail=True, methods=["post"], rights=("ads.change_ad", services.APPROVE))
    def reject(self, request: Request, pk: str = "") -> Response:
        note = noted(request)
        return self.steer(lambda row: services.ad_reject(actor=request.user, ad=row, note=note))


@documented("policy", AdPolicySerializer)
class AdPolicyRows(Rows):
    queryset = AdPolicy.objects.order_by("pk")
    serializer_class = AdPolicySerializer
    filterset_class = AdPolicyFilters
