"""``GET /api/v1/reports/{delivery,reach,statements}``: what the pages of reports show, for tools; JSON, and CSV with every row and micro."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from adplatform.moments import NotATime, read_day
from ads.models import Advertiser
from ads.reports import files
from ads.reports.audience import KINDS, MOST, NotKnown, audience
from ads.reports.delivery import delivery
from ads.reports.figures import DIMENSIONS, MEASURES
from ads.reports.query import AUDIENCES, FILTERS, PARAMETERS, PERIODS, Unreadable, read_query
from ads.reports.statement import NoMonth, Statement, read_month, statement
from ads.scope import EVERYBODY, advertiser_of

from .access import StaffView
from .filters import refuse_unknown


class CSVRenderer(BaseRenderer):
    """Names the form: the views send the file themselves, while it is made."""

    media_type = "text/csv"
    format = "csv"
    charset = "utf-8"

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        """Of a problem, which is told as one."""
        return JSONRenderer().render(data, *args, **kwargs)


def sent(rows: Any, name: str) -> StreamingHttpResponse:
    return StreamingHttpResponse(
        files.csv_chunks(rows), content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


class Figures(serializers.DictField):
    """Counts as whole numbers, money in micros (of a ratio with decimals), shares 0-1; null where it would be divided by nothing."""

    child = serializers.FloatField(allow_null=True)


class DeliveryRowSerializer(serializers.Serializer[Any]):
    keys = serializers.DictField(help_text="By dimension: an id, a word, a day")
    names = serializers.DictField(child=serializers.CharField())
    figures = Figures()
    before = Figures(allow_null=True, help_text="As much time before; where that was asked for and no dimension is of time")


class DeliverySerializer(serializers.Serializer[Any]):
    since = serializers.DateTimeField()
    until = serializers.DateTimeField(help_text="Not included")
    found = serializers.IntegerField(help_text="How many rows there are; `totals` are of all of them")
    synthetic = serializers.ChoiceField(["none", "some", "all"], help_text="How much of it was the synthetic audience")
    notes = serializers.ListField(child=serializers.CharField())
    totals = Figures()
    before = Figures(allow_null=True)
    rows = DeliveryRowSerializer(many=True)


_SEVERAL = "; several with commas"
DELIVERY_PARAMETERS = [
    OpenApiParameter("by", str, description=f"At most four of {', '.join(DIMENSIONS)}, with commas; empty: totals alone"),
    OpenApiParameter("show", str, description=f"Of {', '.join(MEASURES)}, with commas"),
    OpenApiParameter("period", str, enum=list(PERIODS), description="28d by default; custom takes `from` and `to`"),
    OpenApiParameter("from", str, description="First day (UTC), as 2026-11-01"),
    OpenApiParameter("to", str, description="Last day, included"),
    OpenApiParameter("compare", str, description="1: beside as much time right before"),
    OpenApiParameter("audience", str, enum=list(AUDIENCES)),
    OpenApiParameter("sort", str, description="A dimension or a figure of the report; a minus before it: the largest first"),
    OpenApiParameter("rows", str, description="At most so many rows, 200 by default; a CSV holds all"),
    *(OpenApiParameter(name, str, description=f"Only this {name}{_SEVERAL}") for name in FILTERS),
]


class DeliveryReport(StaffView):
    rights = ("ads.view_campaign",)
    renderer_classes = [JSONRenderer, CSVRenderer]
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="reports_delivery",
        summary="Delivery by any few of campaign, flight, ad, title, genre, device and time",
        tags=["reports"],
        parameters=DELIVERY_PARAMETERS,
        responses={(200, "application/json"): DeliverySerializer, (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> Any:
        """Figures are net (valid, counted once) at the time of delivery; money in micros. `Accept: text/csv` or `format=csv`: every row."""
        refuse_unknown(request, sorted(PARAMETERS - {"format"}))
        try:
            query = read_query(request._request.GET, now=datetime.now(UTC), advertiser=advertiser_of(request.user))
        except Unreadable as error:
            raise ValidationError({name: [words] for name, words in error.problems.items()}) from error
        if request.accepted_renderer.format == "csv":
            return sent(files.delivery_rows(query), "delivery.csv")
        found = delivery(query)
        rows = [
            {"keys": dict(zip(query.by, row.keys, strict=True)), "names": dict(zip(query.by, row.names, strict=True)), "figures": row.figures,
             "before": row.before}
            for row in found.rows
        ]  # fmt: skip
        body = {"since": query.since, "until": query.until, "found": found.found, "synthetic": found.synthetic, "notes": list(found.words)}
        return Response({**body, "totals": found.totals, "before": found.before, "rows": rows})


class PeopleSerializer(serializers.Serializer[Any]):
    people = serializers.IntegerField(allow_null=True, help_text="Different people, an estimate; null: fewer than 50")
    low = serializers.IntegerField(allow_null=True, help_text="Lower end of its 95 % interval")
    high = serializers.IntegerField(allow_null=True)
    impressions = serializers.IntegerField(help_text="That count")
    frequency = serializers.FloatField(allow_null=True, help_text="Impressions for each person")
    counted = serializers.BooleanField(help_text="False while impressions are known and their people are not yet")


class ReachSerializer(serializers.Serializer[Any]):
    first = serializers.DateField()
    last = serializers.DateField(help_text="Included")
    together = PeopleSerializer(help_text="Who was reached by any of them, each counted once")
    each = serializers.DictField(child=PeopleSerializer(), help_text="By id, where several were asked for; these must not be added up")


class ReachReport(StaffView):
    rights = ("ads.view_campaign",)
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="reports_reach",
        summary="How many different people were reached, and how often",
        tags=["reports"],
        parameters=[
            OpenApiParameter("from", str, description="First day (UTC), as 2026-11-01; by default four weeks ago"),
            OpenApiParameter("to", str, description="Last day, included; by default today"),
            *(OpenApiParameter(kind, str, description=f"Of this {kind}{_SEVERAL}; one kind alone") for kind in KINDS),
        ],
        responses={200: ReachSerializer},
    )
    def get(self, request: Request) -> Response:
        """Estimated with HyperLogLog sketches, which hold nobody's id; groups of fewer than 50 people are not told."""
        refuse_unknown(request, ["from", "to", *KINDS])
        last = _day(request, "to", datetime.now(UTC).date())
        first = _day(request, "from", last - timedelta(days=27))
        of, subjects = asked_of(request.query_params)
        try:
            found = audience(first, last, of=of, subjects=subjects, advertiser=advertiser_of(request.user))
        except NotKnown as error:
            raise ValidationError({"detail": [str(error)]}) from error
        each = {str(subject): asdict(people) for subject, people in found.each.items()}
        return Response({"first": first, "last": last, "together": asdict(found.together), "each": each})


def asked_of(given: Any) -> tuple[str, list[int]]:
    """The one kind of thing, and its ids. Raises ValidationError."""
    named = [kind for kind in KINDS if given.get(kind)]
    if len(named) > 1:
        raise ValidationError({named[1]: ["Ask for one kind: how they overlap is not kept."]})
    if not named:
        return "", []
    words = [word for text in given.getlist(named[0]) for word in text.split(",") if word]
    if len(words) > MOST or any(not (word.isascii() and word.isdigit() and len(word) < 19) for word in words):
        raise ValidationError({named[0]: [f"Give ids, at most {MOST}, with commas."]})
    return named[0], list(dict.fromkeys(int(word) for word in words))


def _day(request: Request, name: str, default: date) -> date:
    text = request.query_params.get(name)
    if not text:
        return default
    try:
        return read_day(text)
    except NotATime as error:
        raise ValidationError({name: [f"{error}."]}) from error


class LineSerializer(serializers.Serializer[Any]):
    campaign = serializers.IntegerField()
    campaign_name = serializers.CharField()
    flight = serializers.IntegerField()
    flight_name = serializers.CharField()
    pricing = serializers.CharField()
    kind = serializers.CharField()
    quantity = serializers.IntegerField()
    micros = serializers.IntegerField()
    lowest = serializers.IntegerField(help_text="Least micros of one charge")
    highest = serializers.IntegerField()


class UnchargedSerializer(serializers.Serializer[Any]):
    campaign_name = serializers.CharField()
    flight_name = serializers.CharField()
    kind = serializers.CharField()
    reason = serializers.CharField()
    quantity = serializers.IntegerField()


class GivenBackSerializer(serializers.Serializer[Any]):
    campaign_name = serializers.CharField()
    flight_name = serializers.CharField()
    kind = serializers.CharField()
    day = serializers.DateField()
    charged_in = serializers.DateField(help_text="First day of the month in which it had been charged")
    reason = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    quantity = serializers.IntegerField()
    micros = serializers.IntegerField(help_text="Negative")


class MonthStatementSerializer(serializers.Serializer[Any]):
    """All money in micros. ``total`` is the sum of the ledger's entries of the month."""

    number = serializers.CharField()
    advertiser = serializers.IntegerField()
    advertiser_name = serializers.CharField()
    month = serializers.DateField(help_text="Its first day")
    state = serializers.ChoiceField(["open", "settling", "closed"])
    currency = serializers.CharField()
    opening = serializers.IntegerField(help_text="All months before")
    charged = serializers.IntegerField()
    reversed = serializers.IntegerField(help_text="Given back in the month, 0 or less")
    total = serializers.IntegerField()
    closing = serializers.IntegerField()
    delivered = serializers.IntegerField(help_text="Of what was delivered in the month, whenever it was booked or given back")
    rollup = serializers.IntegerField(help_text="The same by the figures that delivery reports read")
    lines = LineSerializer(many=True)
    uncharged = UnchargedSerializer(many=True, help_text="Delivered and booked at 0")
    given_back = GivenBackSerializer(many=True)


class StatementReport(StaffView):
    renderer_classes = [JSONRenderer, CSVRenderer]
    http_method_names = ["get", "head"]
    # What the advertiser's own people need; others need the right to the ledger too.
    rights = ("ads.view_campaign",)

    @extend_schema(
        operation_id="reports_statement",
        summary="The statement of an advertiser and a month, the ledger to the micro",
        tags=["reports"],
        parameters=[
            OpenApiParameter("advertiser", str, OpenApiParameter.PATH, description="Id of the advertiser"),
            OpenApiParameter("month", str, OpenApiParameter.PATH, description="As 2026-11, UTC"),
        ],
        responses={(200, "application/json"): MonthStatementSerializer, (200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, advertiser: str, month: str) -> Any:
        """Booked on the time a charge was received; what was given back stands in the month in which that was done."""
        refuse_unknown(request, [])
        if advertiser_of(request.user) is EVERYBODY and not request.user.has_perm("ads.view_ledgerentry"):
            self.permission_denied(request, message="Statements take the right to read the ledger.")
        who: Any = self.found(Advertiser.objects.all(), advertiser)
        now = datetime.now(UTC)
        try:
            found = statement(who, read_month(month, now=now), now=now)
        except NoMonth as error:
            raise NotFound(str(error)) from error
        if request.accepted_renderer.format == "csv":
            return sent(files.statement_rows(found), f"{found.number}.csv")
        return Response(MonthStatementSerializer(_told(found)).data)


def _told(found: Statement) -> dict[str, Any]:
    sums = {name: getattr(found, name) for name in ("number", "charged", "reversed", "total", "closing")}
    return {**asdict(found), **sums, "currency": settings.CURRENCY}
