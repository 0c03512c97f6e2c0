"""``GET /api/v1/ask/suggest?q=``: what a half-typed question could become; without words, what to begin with."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle

from insights.semantic.loading import load

from . import suggestions
from .api import AskingView
from .context import Context


class TypingThrottle(UserRateThrottle):
    scope = "ask_suggest"
    rate = "240/min"


class SuggestionSerializer(serializers.Serializer[Any]):
    question = serializers.CharField()
    kind = serializers.CharField(help_text="yours, verified, example; or what completes the words: measure, dimension, value, name")
    verified = serializers.BooleanField()


class SuggestionsSerializer(serializers.Serializer[Any]):
    suggestions = SuggestionSerializer(many=True)


class SuggestView(AskingView):
    throttle_classes = [TypingThrottle]

    @extend_schema(
        operation_id="ask_suggest",
        parameters=[OpenApiParameter("q", str, description="What was typed so far; left out: questions to begin with")],
        responses={
            200: SuggestionsSerializer,
            403: OpenApiResponse(description="Not signed in, or not a group that may ask"),
            429: OpenApiResponse(description="Too many in a minute"),
        },
    )
    def get(self, request: Request) -> Response:
        user, scope = self.asker()
        words, now = request.query_params.get("q", "").replace("\x00", "").strip(), timezone.now()
        if not words:
            return Response({"suggestions": suggestions.shown(suggestions.for_user(user, scope, now=now))})
        model = load()
        context = Context(scope, model, now, model.currency or settings.CURRENCY, user.pk)
        return Response({"suggestions": suggestions.shown(suggestions.typed(words, user, context))})
