"""``POST /api/v1/ask``: a question in, the whole answer out."""

from __future__ import annotations

import time
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers, status
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from insights.models import Conversation
from insights.semantic.access import may_open_page, scope_of
from insights.semantic.loading import load

from . import llm
from .conversation import message_record, messages_of
from .pipeline import ask
from .text import MAX_QUESTION


class MayAsk(BasePermission):
    message = "Only executives and ad operations may ask here."

    def has_permission(self, request: Request, view: Any) -> bool:
        return may_open_page(request.user)


class AskThrottle(UserRateThrottle):
    scope = "ask"
    rate = "30/min"


class QuestionSerializer(serializers.Serializer[Any]):
    question = serializers.CharField(max_length=MAX_QUESTION)
    conversation = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=2**63 - 1)


class ColumnSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    role = serializers.CharField()
    unit = serializers.CharField(allow_blank=True)


class ChoiceSerializer(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]
    question = serializers.CharField()


class AnswerSerializer(serializers.Serializer[Any]):
    """The contract of ``manage.py ask --json`` and what the page shows around it."""

    conversation = serializers.IntegerField()
    message = serializers.IntegerField()
    question = serializers.CharField()
    status = serializers.ChoiceField(choices=["answered", "clarify", "refused"])
    interpretation = serializers.CharField(allow_blank=True)
    sql = serializers.CharField(allow_blank=True)
    params = serializers.DictField()
    columns = ColumnSerializer(many=True)
    rows = serializers.ListField(child=serializers.ListField())
    cells = serializers.ListField(child=serializers.ListField(child=serializers.CharField()))
    text = serializers.CharField()
    chart = serializers.DictField(allow_null=True)
    choices = ChoiceSerializer(many=True)
    engine = serializers.CharField()
    note = serializers.CharField(allow_blank=True)
    as_of = serializers.CharField(allow_null=True)
    currency = serializers.CharField()
    milliseconds = serializers.FloatField()


class AskView(APIView):
    permission_classes = [IsAuthenticated, MayAsk]
    throttle_classes = [AskThrottle]
    parser_classes = [JSONParser]
    renderer_classes = [JSONRenderer]

    @extend_schema(
        operation_id="ask",
        request=QuestionSerializer,
        responses={
            200: AnswerSerializer,
            400: OpenApiResponse(description="The question is missing or too long"),
            403: OpenApiResponse(description="Not signed in, no CSRF token, or not a group that may ask"),
            404: OpenApiResponse(description="The conversation is not the caller's"),
            429: OpenApiResponse(description="Too many questions in a minute"),
        },
    )
    def post(self, request: Request) -> Response:
        asked = QuestionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        user, scope = request.user, scope_of(request.user)
        if not isinstance(user, User) or scope is None:
            return Response({"detail": MayAsk.message}, status=status.HTTP_403_FORBIDDEN)
        question, conversation = asked.validated_data["question"], asked.validated_data.get("conversation")
        try:
            if conversation:
                messages_of(user, conversation)
            return Response(_answered(user, scope, question, conversation))
        except Conversation.DoesNotExist:
            return Response({"detail": "There is no such conversation of yours."}, status=status.HTTP_404_NOT_FOUND)


def _answered(user: User, scope: Any, question: str, conversation: int | None) -> dict[str, Any]:
    now, began = timezone.now(), time.perf_counter()
    answer = ask(question, scope=scope, model=load(), now=now, currency=settings.CURRENCY, assistant=llm.configured()).full()
    milliseconds = round(1000 * (time.perf_counter() - began), 1)
    message = message_record(actor=user, conversation=conversation, question=question, answer=answer, asked_at=now, milliseconds=milliseconds)
    return answer | {"conversation": message.conversation_id, "message": message.pk, "question": question, "milliseconds": milliseconds}
