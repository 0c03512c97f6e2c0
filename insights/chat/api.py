"""``POST /api/v1/ask``: a question in, the whole answer out. What was asked before lies under ``/api/v1/ask/conversations``."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ads.api.access import PlainJSON
from insights.models import Message
from insights.semantic.access import Scope, may_open_page, scope_of

from .answering import BadQuery, Question, answered, query_sent
from .conversation import NoSuchConversation, conversation_change, conversations_of, message_of, messages_of, told
from .export import BOM, file_name, table_csv
from .limits import AskThrottle
from .schema import AnswerSerializer, ChangeSerializer, ConversationSerializer, QuestionSerializer, TranscriptSerializer

FORBIDDEN = "Only executives, ad operations and the people of an advertiser may ask here."
NOT_YOURS = OpenApiResponse(description="It is not the caller's")
MAY_NOT_ASK = OpenApiResponse(description="Not signed in, no CSRF token, or not a group that may ask")
TOO_MANY = OpenApiResponse(description="Too many questions in a minute")


class MayAsk(BasePermission):
    message = FORBIDDEN

    def has_permission(self, request: Request, view: Any) -> bool:
        return may_open_page(request.user)


class AskingView(APIView):
    """For those who may ask, over what is theirs."""

    permission_classes = [IsAuthenticated, MayAsk]
    parser_classes = [PlainJSON]
    renderer_classes = [JSONRenderer]

    def asker(self) -> tuple[User, Scope]:
        user, scope = self.request.user, scope_of(self.request.user)
        if not isinstance(user, User) or scope is None:
            raise PermissionDenied(FORBIDDEN)
        return user, scope


class AskView(AskingView):
    throttle_classes = [AskThrottle]

    @extend_schema(
        operation_id="ask",
        request=QuestionSerializer,
        responses={
            200: AnswerSerializer,
            400: OpenApiResponse(description="The question is missing or too long, or the query cannot be run"),
            403: MAY_NOT_ASK,
            404: OpenApiResponse(description="The conversation is not the caller's"),
            429: TOO_MANY,
        },
    )
    def post(self, request: Request) -> Response:
        asked = QuestionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        user, scope = self.asker()
        sent = asked.validated_data
        try:
            query = query_sent(sent.get("query"), scope=scope, now=timezone.now())
            question = Question(sent["question"], sent.get("conversation"), query, sent.get("id", ""), sent.get("edited", ""))
            return Response(answered(user, scope, question, now=timezone.now()))
        except BadQuery as problem:
            raise ValidationError({"query": [str(problem)]}) from problem
        except NoSuchConversation as problem:
            raise NotFound(str(problem)) from problem


class ConversationsView(AskingView):
    @extend_schema(
        operation_id="ask_conversations",
        parameters=[
            OpenApiParameter("q", str, description="Words that were said in it, all of them"),
            OpenApiParameter("archived", bool, description="Those that were put away, instead of the others"),
        ],
        responses={200: ConversationSerializer(many=True), 403: MAY_NOT_ASK},
    )
    def get(self, request: Request) -> Response:
        user, _ = self.asker()
        archived = request.query_params.get("archived", "") in ("1", "true")
        search = request.query_params.get("q", "")[:200].replace("\x00", "")
        return Response(ConversationSerializer(conversations_of(user, search=search, archived=archived), many=True).data)


class ConversationView(AskingView):
    @extend_schema(operation_id="ask_conversation", responses={200: TranscriptSerializer, 403: MAY_NOT_ASK, 404: NOT_YOURS})
    def get(self, request: Request, conversation: int) -> Response:
        """All that was asked and answered in it, oldest first."""
        user, _ = self.asker()
        try:
            return Response({"messages": [told(message) for message in messages_of(user, conversation)]})
        except NoSuchConversation as problem:
            raise NotFound(str(problem)) from problem

    @extend_schema(
        operation_id="ask_conversation_change",
        request=ChangeSerializer,
        responses={
            204: OpenApiResponse(description="Changed"),
            400: OpenApiResponse(description="Nothing to change"),
            403: MAY_NOT_ASK,
            404: NOT_YOURS,
        },
    )
    def patch(self, request: Request, conversation: int) -> Response:
        """Name it, put it away or bring it back."""
        user, _ = self.asker()
        wanted = ChangeSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        try:
            conversation_change(actor=user, conversation=conversation, **wanted.validated_data)
        except NoSuchConversation as problem:
            raise NotFound(str(problem)) from problem
        return Response(status=status.HTTP_204_NO_CONTENT)


def own_message(user: User, message: int) -> Message:
    found = message_of(user, message)
    if found is None:
        raise NotFound("There is no such answer of yours.")
    return found


class MessageView(AskingView):
    @extend_schema(operation_id="ask_message", responses={200: AnswerSerializer, 403: MAY_NOT_ASK, 404: NOT_YOURS})
    def get(self, request: Request, message: int) -> Response:
        """An answer as it was given."""
        return Response(told(own_message(self.asker()[0], message)))


class TableView(AskingView):
    @extend_schema(
        operation_id="ask_table",
        parameters=[
            OpenApiParameter("bom", bool, description="Begin with a byte order mark, which Excel takes UTF-8 by"),
            OpenApiParameter("table", int, description="0: the answer's rows; 1 and up: what it shows below them"),
        ],
        responses={(200, "text/csv"): OpenApiTypes.STR, 403: MAY_NOT_ASK, 404: NOT_YOURS},
    )
    def get(self, request: Request, message: int) -> HttpResponse:
        """An answer's table with its exact figures."""
        found = own_message(self.asker()[0], message)
        tables = [found.answer, *(found.answer.get("more") or [])]
        number = request.query_params.get("table", "0")
        if not (number.isascii() and number.isdecimal() and len(number) < 4 and int(number) < len(tables)):
            raise NotFound(f"This answer has {len(tables)} tables, counted from 0.")
        table = tables[int(number)]
        text = table_csv(table.get("columns", []), table.get("rows", []), currency=found.answer.get("currency", ""))
        mark = BOM if request.query_params.get("bom", "") in ("1", "true") else ""
        response = HttpResponse(f"{mark}{text}", content_type="text/csv; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="{file_name(found.question)}"'
        response["Cache-Control"] = "private, no-store"
        return response
