"""``GET /api/v1/decisions`` and what hangs on one: breaks as they were decided, for staff who ask what was shown, why, and what came of it.

Decisions are millions and lie in partitions by day: a list is of a bounded time, goes on from where it stopped, and is never counted.
"""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db import OperationalError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from adplatform.eventlog import ids
from adplatform.moments import NotATime, read_moment, read_since
from ads.models import AdEvent, Decision, LedgerEntry
from ads.replay import NotReplayable, replay
from ads.scope import visible_to

from .access import StaffView
from .decisions import decisions
from .filters import refuse_unknown
from .money import AmountField
from .problems import Problem

LONGEST = timedelta(days=31)
PAGE, MOST = 50, 200
SECONDS = 5
FILTERS = ("session", "title", "flight", "ad", "served", "since", "until", "cursor", "page_size")
LARGEST = 2**63 - 1


class ShownSerializer(serializers.Serializer[Any]):
    slot = serializers.IntegerField()
    ad = serializers.IntegerField()
    name = serializers.CharField()
    flight = serializers.IntegerField()
    campaign = serializers.IntegerField()
    campaign_name = serializers.CharField()
    advertiser = serializers.IntegerField()
    duration = serializers.FloatField()
    price = AmountField(source="price_micros", help_text="Of this impression")
    pctr = serializers.FloatField(help_text="Expected click rate, 0-1")
    propensity = serializers.FloatField(allow_null=True, help_text="Chance with which it was drawn")
    explored = serializers.BooleanField()


class DecisionRowSerializer(serializers.ModelSerializer[Decision]):
    """One break. ``slots`` holds what was reserved, in playing order; empty when nothing was."""

    slots = ShownSerializer(many=True)
    device = serializers.CharField()
    considered = serializers.IntegerField(help_text="Ads that were looked at")
    eligible = serializers.IntegerField(help_text="Of those, how many could have been shown")

    class Meta:
        model = Decision
        fields = [
            "id", "decided_at", "session", "title", "break_id", "device", "slots", "considered", "eligible", "model_version", "control", "synthetic",
            "milliseconds",
        ]  # fmt: skip


class DecisionPageSerializer(serializers.Serializer[Any]):
    next = serializers.URLField(allow_null=True, help_text="The page before in time; null at the end")
    since = serializers.DateTimeField(help_text="The time that was looked through")
    until = serializers.DateTimeField()
    results = DecisionRowSerializer(many=True)


class DecisionSerializer(DecisionRowSerializer):
    """``request`` is the break as it was asked for; ``explanation`` has the parts of the score of the best twenty and a reason for each of
    the rest, by code, with ``words``."""

    request = serializers.DictField()
    explanation = serializers.DictField()

    class Meta(DecisionRowSerializer.Meta):
        fields = [*DecisionRowSerializer.Meta.fields, "viewer", "inventory_version", "seed", "request", "explanation"]


class EventSerializer(serializers.ModelSerializer[AdEvent]):
    class Meta:
        model = AdEvent
        fields = ["id", "type", "slot", "ad", "flight", "occurred_at", "received_at", "valid", "reason"]


class ChargeSerializer(serializers.ModelSerializer[LedgerEntry]):
    amount = AmountField(source="amount_micros")

    class Meta:
        model = LedgerEntry
        fields = ["slot", "kind", "flight", "campaign", "advertiser", "ad", "amount", "reason", "occurred_at", "booked_at"]


class FollowedSerializer(serializers.Serializer[Any]):
    events = EventSerializer(many=True)
    charges = ChargeSerializer(many=True, help_text="What it cost, reversals included")


class ReplaySerializer(serializers.Serializer[Any]):
    same = serializers.BooleanField(allow_null=True, help_text="Whether it comes out the same, bit for bit; null when it cannot be decided again")
    words = serializers.CharField()
    differences = serializers.ListField(child=serializers.CharField())


# Reading what was asked for


@dataclass(frozen=True)
class Asked:
    since: datetime
    until: datetime
    where: Q
    size: int
    after: tuple[datetime, uuid.UUID] | None


def asked(query: Mapping[str, str], now: datetime) -> Asked:
    """Raises ValidationError in words, for each parameter that makes no sense."""
    until = _time(query, "until", read_moment, now)
    since = _time(query, "since", lambda text: read_since(text, until), until - timedelta(days=1))
    if not since < until:
        raise ValidationError({"since": ["It lies after until."]})
    if until - since > LONGEST:
        raise ValidationError({"since": [f"Ask for at most {LONGEST.days} days at once; go on with an earlier until."]})
    size = _number(query, "page_size", f"A page has 1 to {MOST} rows.", most=MOST)
    return Asked(since, until, _where(query), size or PAGE, _cursor(query.get("cursor")))


def _where(query: Mapping[str, str]) -> Q:
    where = Q()
    if (session := query.get("session")) is not None:
        try:
            where &= Q(session=uuid.UUID(session))
        except ValueError:
            raise ValidationError({"session": [f"“{session[:60]}” is no session's id; one is a UUID."]}) from None
    if (title := _number(query, "title", "The title is given by its id, a whole number.")) is not None:
        where &= Q(title=title)
    for name in ("flight", "ad"):
        if (number := _number(query, name, f"The {name} is given by its id, a whole number.")) is not None:
            where &= Q(slots__contains=[{name: number}])
    if (served := query.get("served")) is not None:
        if served not in ("true", "false"):
            raise ValidationError({"served": ["Write true for breaks with ads, false for those that stayed empty."]})
        where &= Q(slots=[]) if served == "false" else ~Q(slots=[])
    return where


def _number(query: Mapping[str, str], name: str, words: str, *, most: int = LARGEST) -> int | None:
    text = query.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 1 <= int(text) <= most):
        raise ValidationError({name: [words]})
    return int(text)


def _time(query: Mapping[str, str], name: str, read: Any, without: datetime) -> datetime:
    if (text := query.get(name)) is None:
        return without
    try:
        found: datetime = read(text)
    except NotATime as error:
        raise ValidationError({name: [f"{error}."]}) from None
    return found


def _cursor(text: str | None) -> tuple[datetime, uuid.UUID] | None:
    if text is None:
        return None
    try:
        moment, _, last = base64.urlsafe_b64decode(text.encode("ascii")).decode().partition("|")
        return datetime.fromisoformat(moment).astimezone(UTC), uuid.UUID(last)
    except (ValueError, UnicodeError, OverflowError, binascii.Error):
        raise ValidationError({"cursor": ["Take the cursor as `next` gives it."]}) from None


def cursor_after(decision: Decision) -> str:
    return base64.urlsafe_b64encode(f"{decision.decided_at.isoformat()}|{decision.pk}".encode()).decode()


# Reading the rows


def page_of(rows: QuerySet[Decision], what: Asked) -> list[Decision]:
    """The newest first, one more than a page holds. Raises Problem when it takes too long to find them."""
    rows = rows.filter(what.where, decided_at__gte=what.since, decided_at__lt=what.until, day__gte=what.since.date(), day__lte=what.until.date())
    if what.after is not None:
        moment, last = what.after
        rows = rows.filter(decided_at__lte=moment, day__lte=moment.date()).exclude(decided_at=moment, pk__gte=last)
    rows = _with_figures(rows).defer("state", "explanation", "request").order_by("-decided_at", "-pk")
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{SECONDS}s"])
            return list(rows[: what.size + 1])
    except OperationalError as error:
        words = f"Finding these took more than {SECONDS} s. Narrow since and until, or name a session."
        raise Problem("unavailable", words, headers={"Retry-After": "5"}) from error


def _with_figures(rows: QuerySet[Decision]) -> QuerySet[Decision]:
    return rows.annotate(device=F("request__device"), considered=F("explanation__considered"), eligible=F("explanation__eligible"))


def stored(user: Any, named: uuid.UUID) -> Decision:
    """Raises NotFound; an id names the day, and with it the one partition that is looked into."""
    try:
        day = ids.day_of(named)
    except ValueError:
        raise NotFound(f"There is no decision {named}; its id is a UUID of version 7.") from None
    found = _with_figures(visible_to(user, Decision.objects.filter(pk=named, day=day))).first()
    if found is None:
        raise NotFound(f"There is no decision {named}: it is older than what is kept, or its event has not been consumed yet.")
    return found


def replayed(decision: Decision) -> dict[str, Any]:
    try:
        again = replay(decision)
    except NotReplayable as error:
        return {"same": None, "words": f"It cannot be decided again: {error}.", "differences": []}
    words = "the same ads, prices, chances and scores, bit for bit" if again.same else "it comes out differently"
    return {"same": again.same, "words": f"Decided again from what was stored: {words}.", "differences": list(again.differences)}


# Views


def _query(name: str, words: str, kind: Any = str) -> OpenApiParameter:
    return OpenApiParameter(name, kind, OpenApiParameter.QUERY, description=words)


def _parameters() -> Iterator[OpenApiParameter]:
    whole = {"type": "integer", "minimum": 1}
    yield _query("session", "Id of a playback session", {"type": "string", "format": "uuid"})
    yield from (_query(name, f"Id of {'an' if name == 'ad' else 'a'} {name}", whole) for name in ("title", "flight", "ad"))
    yield _query("served", "false for breaks that stayed empty", bool)
    yield _query("since", "24h, 7d or 2w before until, or an ISO time; 24h when left out")
    yield _query("until", "An ISO time; now when left out")
    yield _query("cursor", "As `next` gives it")
    yield _query("page_size", f"1 to {MOST}; {PAGE} when left out", {"type": "integer", "minimum": 1, "maximum": MOST})


class DecisionList(StaffView):
    rights = ("ads.view_decision",)
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="decisions_list", summary="List decisions, newest first", tags=["decisions"], parameters=[*_parameters()],
        responses={200: DecisionPageSerializer},
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        refuse_unknown(request, FILTERS)
        what = asked(request.query_params.dict(), datetime.now(UTC))
        found = page_of(visible_to(request.user, Decision.objects.all()), what)
        shown = found[: what.size]
        following = None
        if len(found) > what.size:
            # The time of the first page holds for all of them.
            query = {**request.query_params.dict(), "since": _plain(what.since), "until": _plain(what.until), "cursor": cursor_after(shown[-1])}
            following = request.build_absolute_uri(f"{request.path}?{urlencode(query)}")
        return Response(DecisionPageSerializer({"next": following, "since": what.since, "until": what.until, "results": shown}).data)


def _plain(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat()


class DecisionOne(StaffView):
    rights = ("ads.view_decision",)
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="decisions_retrieve", summary="Read one decision with its explanation", tags=["decisions"], responses={200: DecisionSerializer}
    )
    def get(self, request: Request, decision: uuid.UUID) -> Response:
        refuse_unknown(request, ())
        return Response(DecisionSerializer(stored(request.user, decision)).data)


class DecisionFollowed(StaffView):
    rights = ("ads.view_decision", "ads.view_adevent", "ads.view_ledgerentry")
    http_method_names = ["get", "head"]

    @extend_schema(
        operation_id="decisions_events", summary="What came of a decision: its events, and what was charged", tags=["decisions"],
        responses={200: FollowedSerializer},
    )  # fmt: skip
    def get(self, request: Request, decision: uuid.UUID) -> Response:
        refuse_unknown(request, ())
        row = stored(request.user, decision)
        # An event's id is derived from its decision's, so it lies on the same day.
        events = AdEvent.objects.filter(decision=row.pk, day=row.day).order_by("slot", "occurred_at")
        charges = LedgerEntry.objects.filter(decision=row.pk).order_by("slot", "booked_at")
        return Response(FollowedSerializer({"events": events, "charges": charges}).data)


class DecisionReplay(StaffView):
    rights = ("ads.view_decision",)
    http_method_names = ["post"]

    @extend_schema(
        operation_id="decisions_replay", summary="Decide it again from what was stored with it", tags=["decisions"], request=None,
        responses={200: ReplaySerializer},
    )  # fmt: skip
    def post(self, request: Request, decision: uuid.UUID) -> Response:
        """Writes nothing: it says whether the same ads, prices and chances come out."""
        return Response(ReplaySerializer(replayed(stored(request.user, decision))).data)


_list = DecisionList.as_view()


@csrf_exempt
def decisions_door(request: HttpRequest) -> HttpResponseBase:
    """One address for two: a player posts the break it wants filled, staff read those that were."""
    return _list(request) if request.method in ("GET", "HEAD") else decisions(request)


# Where the schema looks for the view behind a function.
decisions_door.cls, decisions_door.initkwargs = DecisionList, {}  # type: ignore[attr-defined]
