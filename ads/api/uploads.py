"""``/api/v1/creatives``: a video goes in, an ad that waits for review comes out; how far it is, and why not where it was refused."""

from __future__ import annotations

from typing import Any

import django_filters as df
from django.conf import settings
from django.core.exceptions import ValidationError as Unsound
from django.db.models import QuerySet
from django.utils.datastructures import MultiValueDict
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import mixins, serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.parsers import DataAndFiles, FileUploadParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from ads import services
from ads.creatives import services as creatives
from ads.creatives.checks import warnings
from ads.creatives.reasons import reason_of
from ads.models import Ad, CreativeFile, Flight
from ads.scope import visible_to

from .access import Pages, PlainJSON, StaffView, found
from .filters import OneOf, refuse_unknown
from .problems import Problem
from .serializers import as_json

# Of the form around a file.
ROOM_FOR_FIELDS = 1024 * 1024
OF_THE_AD = ("name", "category", "click_through", "headline", "skip_after", "universal_ad_id", "ad_id_registry")


class RawVideo(FileUploadParser):
    """The video itself as the body, named by Content-Disposition."""

    media_type = "video/*"
    errors = {**FileUploadParser.errors, "no_filename": "Name the file: Content-Disposition: attachment; filename=spot.mp4"}

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        read: Any = super().parse(stream, media_type, parser_context)
        files = MultiValueDict({name: [file] for name, file in read.files.items()})
        # As a form's files are: closed with the request, whatever became of them.
        parser_context["request"]._request._files = files
        return DataAndFiles(MultiValueDict(), files)


class UploadSerializer(serializers.Serializer[Any]):
    """``ad`` gives an ad that is there another clip; ``flight`` and the fields after it make a new ad; with neither the clip stands alone,
    and its ``asset`` may be named by ``POST /api/v1/ads``."""

    file = serializers.FileField(allow_empty_file=True, help_text="MP4, MOV or WebM")
    ad = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    flight = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    name = serializers.CharField(required=False, max_length=120)
    category = serializers.CharField(required=False, max_length=40)
    click_through = serializers.URLField(required=False, max_length=500)
    headline = serializers.CharField(required=False, max_length=90, allow_blank=True)
    skip_after = serializers.FloatField(required=False, min_value=0, allow_null=True)
    universal_ad_id = serializers.CharField(required=False, max_length=100, allow_blank=True, help_text="Empty: one of our own is made")
    ad_id_registry = serializers.CharField(required=False, max_length=60, help_text="For example ad-id.org")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        given = [name for name in ("flight", *OF_THE_AD) if name in attrs]
        if "ad" in attrs and given:
            raise serializers.ValidationError({"ad": [f"An ad that is there keeps its terms; leave out {', '.join(given)}, or leave out ad."]})
        if given and (missing := [name for name in ("flight", "name", "category", "click_through") if name not in attrs]):
            raise serializers.ValidationError({name: ["A new ad needs it."] for name in missing})
        return attrs


class CreativeSerializer(serializers.ModelSerializer[CreativeFile]):
    """``progress`` is 0-1; ``reason`` a code of docs/creatives.md, ``problem`` and ``remedy`` say it in words."""

    title = serializers.SerializerMethodField(help_text="The reason in a few words")
    remedy = serializers.SerializerMethodField(help_text="What to do about it")
    ads = serializers.SerializerMethodField(help_text="Ids of the ads that show this clip")
    warnings = serializers.SerializerMethodField(help_text="What a reviewer should know, in words")
    also_used_by = serializers.SerializerMethodField(help_text="Other ads with the very same file, in words")

    class Meta:
        model = CreativeFile
        fields = [
            "id", "name", "size", "sha256", "state", "stage", "progress", "attempts", "reason", "title", "problem", "remedy", "facts", "warnings",
            "asset", "ads", "also_used_by", "uploaded_at", "started_at", "finished_at",
        ]  # fmt: skip

    def get_title(self, creative: CreativeFile) -> str:
        return reason_of(creative.reason).title if creative.reason else ""

    def get_remedy(self, creative: CreativeFile) -> str:
        return reason_of(creative.reason).remedy if creative.reason else ""

    def get_ads(self, creative: CreativeFile) -> list[int]:
        return [ad.pk for ad in creative.asset.ads.all()]

    def get_warnings(self, creative: CreativeFile) -> list[str]:
        target = float(creative.asset.look.get("loudness", settings.CREATIVE_LOUDNESS_LUFS))
        return list(warnings(creative.facts, target_lufs=target)) if creative.state == CreativeFile.State.READY else []

    def get_also_used_by(self, creative: CreativeFile) -> list[str]:
        # On a list it would cost queries for each row.
        return list(creatives.others_like(creative.sha256, actor=self.context["request"].user, but=creative.pk)) if self.context.get("single") else []


class CreativeFilters(df.FilterSet):  # type: ignore[misc]
    state = OneOf("state", CreativeFile.State.choices)


@extend_schema_view(
    list=extend_schema(summary="List uploaded files, the last first", tags=["creatives"]),
    retrieve=extend_schema(summary="How far an uploaded file is, what it is, or why it was refused", tags=["creatives"]),
)
class Creatives(StaffView, mixins.ListModelMixin, mixins.RetrieveModelMixin, GenericViewSet[CreativeFile]):
    queryset = CreativeFile.objects.select_related("asset").prefetch_related("asset__ads").order_by("-uploaded_at", "-pk")
    serializer_class = CreativeSerializer
    pagination_class = Pages
    filter_backends = [DjangoFilterBackend]
    filterset_class = CreativeFilters
    http_method_names = ["get", "post", "head"]
    lookup_value_regex = "[^/.]+"

    def get_queryset(self) -> QuerySet[CreativeFile]:
        return visible_to(self.request.user, super().get_queryset())

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        refuse_unknown(request, [*CreativeFilters.base_filters, "page", "page_size"])
        return super().list(request, *args, **kwargs)

    def get_object(self) -> Any:
        return self.found(self.get_queryset(), str(self.kwargs["pk"]))

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "single": self.action != "list"}

    def get_parsers(self) -> Any:
        uploads = getattr(self, "action_map", {}).get("post") == "create"
        return [MultiPartParser(), RawVideo()] if uploads else [PlainJSON()]

    @extend_schema(
        summary="Upload a video: of a new ad, of one that is there, or for later",
        tags=["creatives"],
        request={"multipart/form-data": UploadSerializer},
        responses={201: CreativeSerializer},
    )
    def create(self, request: Request) -> Response:
        _refuse_length(request)
        given = UploadSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        try:
            creative = self._kept(request, dict(given.validated_data))
        except creatives.TooLarge as error:
            raise Problem("too-large", " ".join(error.messages)) from error
        except Unsound as error:
            raise ValidationError(as_json(error.message_dict)) from error
        return Response(self.get_serializer(self.get_queryset().get(pk=creative.pk)).data, status=status.HTTP_201_CREATED)

    def _kept(self, request: Request, given: dict[str, Any]) -> CreativeFile:
        file, actor = given.pop("file"), request.user
        if "ad" in given:
            self._may(request, "ads.change_ad")
            ad = found(actor, Ad.objects.all(), str(given["ad"]))
            ad = creatives.creative_replace(actor=actor, ad=ad, file=file, filename=file.name)  # type: ignore[arg-type]
        elif "flight" in given:
            self._may(request, "ads.add_ad")
            flight = found(actor, Flight.objects.select_related("campaign"), str(given.pop("flight")))
            ad = creatives.creative_upload(actor=actor, flight=flight, file=file, filename=file.name, **given)  # type: ignore[arg-type]
        else:
            return creatives.clip_upload(actor=actor, file=file, filename=file.name)
        return CreativeFile.objects.get(asset=ad.asset_id)

    def _may(self, request: Request, right: str) -> None:
        if not request.user.has_perm(right):
            raise PermissionDenied(f"This takes the right {right}; docs/permissions.md says who has it.")

    @extend_schema(summary="Process a refused file once more", tags=["creatives"], request=None, responses={200: CreativeSerializer})
    @action(detail=True, methods=["post"], rights=("ads.change_creativefile",), filter_backends=[], pagination_class=None)
    def retry(self, request: Request, pk: str = "") -> Response:
        creative = self.get_object()
        try:
            creatives.creative_retry(actor=request.user, creative=creative)
        except services.WrongState as error:
            raise Problem("wrong-state", str(error)) from error
        return Response(self.get_serializer(self.get_queryset().get(pk=creative.pk)).data)


def _refuse_length(request: Request) -> None:
    """By what the request says of itself, before a byte of it is read. Raises Problem."""
    said = request.META.get("CONTENT_LENGTH") or "0"
    if said.isdigit() and int(said) > settings.CREATIVE_MOST_BYTES + ROOM_FOR_FIELDS:
        raise Problem("too-large", " ".join(creatives.too_large(int(said)).messages))
