"""``/api/v1/ask/<message>/share``, ``/pin`` and ``/schedule``, and what was kept so."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import NotFound
from rest_framework.exceptions import ValidationError as Invalid
from rest_framework.request import Request
from rest_framework.response import Response

from insights.chat.api import MAY_NOT_ASK, NOT_YOURS, TOO_MANY, AskingView, own_message
from insights.chat.limits import AskThrottle
from insights.chat.schema import AnswerSerializer
from insights.models import Pin, ScheduledQuestion

from . import services
from .again import answered_again
from .calendar import EVERY

CANNOT = OpenApiResponse(description="This answer cannot be kept so; the detail says why")
NO_SUCH = "There is none of this number among yours."


class ShareSerializer(serializers.Serializer[Any]):
    url = serializers.CharField(help_text="Whoever opens it is answered anew, within what they may see")
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()


class TitleSerializer(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=120, required=False, allow_blank=True)


class PinChangeSerializer(TitleSerializer):
    position = serializers.IntegerField(min_value=0, max_value=1000, required=False)


class PinSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    title = serializers.CharField()
    question = serializers.CharField()
    position = serializers.IntegerField()
    pinned_at = serializers.DateTimeField()


class WhenSerializer(serializers.Serializer[Any]):
    every = serializers.ChoiceField(choices=EVERY)
    hour = serializers.IntegerField(min_value=0, max_value=23, default=7, help_text="UTC")


class ScheduleSerializer(WhenSerializer):
    id = serializers.IntegerField()
    question = serializers.CharField()
    next_at = serializers.DateTimeField()
    last_sent_at = serializers.DateTimeField(allow_null=True)
    last_problem = serializers.CharField(allow_blank=True)


class ShareView(AskingView):
    throttle_classes = [AskThrottle]

    @extend_schema(
        operation_id="ask_share", request=None, responses={201: ShareSerializer, 400: CANNOT, 403: MAY_NOT_ASK, 404: NOT_YOURS, 429: TOO_MANY}
    )
    def post(self, request: Request, message: int) -> Response:
        """A link to an answer of yours."""
        user, _ = self.asker()
        try:
            shared = services.answer_share(actor=user, message=own_message(user, message), now=timezone.now())
        except services.CannotKeep as problem:
            raise Invalid({"detail": str(problem)}) from problem
        url = request.build_absolute_uri(reverse("ask-shared", args=[shared.token]))
        return Response({"url": url, "token": shared.token, "expires_at": shared.expires_at}, status=status.HTTP_201_CREATED)


class SharedView(AskingView):
    throttle_classes = [AskThrottle]

    @extend_schema(
        operation_id="ask_shared",
        responses={200: AnswerSerializer, 403: MAY_NOT_ASK, 404: OpenApiResponse(description="The link is over or never was"), 429: TOO_MANY},
    )
    def get(self, request: Request, token: str) -> Response:
        """What a link leads to, answered for you."""
        user, _ = self.asker()
        now = timezone.now()
        shared = services.shared_by_token(token, now=now)
        if shared is None:
            raise NotFound("This link is over, was taken back, or never was.")
        return Response(_kept_answer(user, shared.question, shared.query))

    @extend_schema(operation_id="ask_shared_revoke", responses={204: None, 403: MAY_NOT_ASK, 404: NOT_YOURS, 429: TOO_MANY})
    def delete(self, request: Request, token: str) -> Response:
        """Take a link of yours back."""
        if not services.share_revoke(actor=self.asker()[0], token=token, now=timezone.now()):
            raise NotFound(NO_SUCH)
        return Response(status=status.HTTP_204_NO_CONTENT)


class PinView(AskingView):
    throttle_classes = [AskThrottle]

    @extend_schema(
        operation_id="ask_pin", request=TitleSerializer, responses={201: PinSerializer, 400: CANNOT, 403: MAY_NOT_ASK, 404: NOT_YOURS, 429: TOO_MANY}
    )
    def post(self, request: Request, message: int) -> Response:
        """Put an answer of yours on your board."""
        user, _ = self.asker()
        asked = TitleSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        title = asked.validated_data.get("title", "")
        try:
            pin = services.answer_pin(actor=user, message=own_message(user, message), title=title, now=timezone.now())
        except services.CannotKeep as problem:
            raise Invalid({"detail": str(problem)}) from problem
        return Response(PinSerializer(pin).data, status=status.HTTP_201_CREATED)


class PinsView(AskingView):
    @extend_schema(operation_id="ask_pins", responses={200: PinSerializer(many=True), 403: MAY_NOT_ASK})
    def get(self, request: Request) -> Response:
        """Your board."""
        return Response(PinSerializer(Pin.objects.filter(user=self.asker()[0]), many=True).data)


class PinnedView(AskingView):
    @extend_schema(operation_id="ask_pinned", responses={200: AnswerSerializer, 403: MAY_NOT_ASK, 404: NOT_YOURS})
    def get(self, request: Request, pin: int) -> Response:
        """A pin of yours, answered anew."""
        user, _ = self.asker()
        kept = Pin.objects.filter(user=user, pk=pin).first()
        if kept is None:
            raise NotFound(NO_SUCH)
        return Response(_kept_answer(user, kept.question, kept.query))

    @extend_schema(operation_id="ask_pin_change", request=PinChangeSerializer, responses={204: None, 400: CANNOT, 403: MAY_NOT_ASK, 404: NOT_YOURS})
    def patch(self, request: Request, pin: int) -> Response:
        """Rename or move a pin of yours."""
        asked = PinChangeSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        if not services.pin_change(actor=self.asker()[0], pin=pin, **asked.validated_data):
            raise NotFound(NO_SUCH)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(operation_id="ask_pin_remove", responses={204: None, 403: MAY_NOT_ASK, 404: NOT_YOURS})
    def delete(self, request: Request, pin: int) -> Response:
        """Take a pin of yours off the board."""
        if not services.pin_remove(actor=self.asker()[0], pin=pin):
            raise NotFound(NO_SUCH)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ScheduleView(AskingView):
    throttle_classes = [AskThrottle]

    @extend_schema(
        operation_id="ask_schedule",
        request=WhenSerializer,
        responses={201: ScheduleSerializer, 400: CANNOT, 403: MAY_NOT_ASK, 404: NOT_YOURS, 429: TOO_MANY},
    )
    def post(self, request: Request, message: int) -> Response:
        """Get an answer of yours by mail, anew each time."""
        user, _ = self.asker()
        asked = WhenSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            made = services.answer_schedule(actor=user, message=own_message(user, message), now=timezone.now(), **asked.validated_data)
        except services.CannotKeep as problem:
            raise Invalid({"detail": str(problem)}) from problem
        return Response(ScheduleSerializer(made).data, status=status.HTTP_201_CREATED)


class SchedulesView(AskingView):
    @extend_schema(operation_id="ask_schedules", responses={200: ScheduleSerializer(many=True), 403: MAY_NOT_ASK})
    def get(self, request: Request) -> Response:
        """What you get by mail."""
        return Response(ScheduleSerializer(ScheduledQuestion.objects.filter(user=self.asker()[0], active=True), many=True).data)


class ScheduledView(AskingView):
    @extend_schema(operation_id="ask_schedule_end", responses={204: None, 403: MAY_NOT_ASK, 404: NOT_YOURS})
    def delete(self, request: Request, schedule: int) -> Response:
        """Get this by mail no more."""
        if not services.schedule_end(actor=self.asker()[0], schedule=schedule):
            raise NotFound(NO_SUCH)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _kept_answer(user: User, question: str, query: dict[str, Any]) -> dict[str, Any]:
    return answered_again(user, question, query, now=timezone.now())
