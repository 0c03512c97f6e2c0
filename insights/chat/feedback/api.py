"""``POST /api/v1/ask/<message>/feedback`` and ``/propose``: what the asker thinks of an answer of theirs."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied as NotAllowed
from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle

from insights.chat.api import NOT_YOURS, AskingView, own_message
from insights.chat.verified import services as verified
from insights.models import Feedback

from . import services

FORBIDDEN = OpenApiResponse(description="Not signed in, no CSRF token, or not for this caller")
TOO_MANY = OpenApiResponse(description="Too many in a minute")


class JudgingThrottle(UserRateThrottle):
    scope = "ask_feedback"
    rate = "60/min"


class FeedbackSerializer(serializers.Serializer[Any]):
    good = serializers.BooleanField()
    reason = serializers.ChoiceField(choices=Feedback.Reason.choices, required=False, allow_blank=True, help_text="Why it was not good")
    comment = serializers.CharField(required=False, allow_blank=True, max_length=services.MOST_COMMENT)


class ProposedSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    question = serializers.CharField()
    state = serializers.ChoiceField(choices=["proposed", "verified", "rejected"])


class FeedbackView(AskingView):
    throttle_classes = [JudgingThrottle]

    @extend_schema(
        operation_id="ask_feedback",
        request=FeedbackSerializer,
        responses={
            200: FeedbackSerializer,
            400: OpenApiResponse(description="It says neither good nor bad"),
            403: FORBIDDEN,
            404: NOT_YOURS,
            429: TOO_MANY,
        },
    )
    def post(self, request: Request, message: int) -> Response:
        """Whether an answer of yours was good; said again it takes the place of what was said before."""
        user, _ = self.asker()
        sent = FeedbackSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        given = services.feedback_give(actor=user, message=own_message(user, message), now=timezone.now(), **sent.validated_data)
        return Response({"good": given.good, "reason": given.reason, "comment": given.comment})


class ProposeView(AskingView):
    throttle_classes = [JudgingThrottle]

    @extend_schema(
        operation_id="ask_propose",
        request=None,
        responses={
            200: ProposedSerializer,
            400: OpenApiResponse(description="It cannot be a verified question; says why"),
            403: FORBIDDEN,
            404: NOT_YOURS,
            429: TOO_MANY,
        },
    )
    def post(self, request: Request, message: int) -> Response:
        """Propose an answered question of yours as a verified one. Staff check it before it answers anybody."""
        user, _ = self.asker()
        try:
            row = verified.verified_propose(actor=user, message=own_message(user, message))
        except verified.Refused as problem:
            raise ValidationError({"detail": str(problem)}) from problem
        except NotAllowed as problem:
            raise PermissionDenied(str(problem)) from problem
        return Response({"id": row.pk, "question": row.question, "state": row.state})
