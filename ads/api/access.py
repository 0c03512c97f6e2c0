"""What every view of the staff API shares: who may use it, what it reads and writes, and how it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Model
from rest_framework.authentication import SessionAuthentication, TokenAuthentication
from rest_framework.exceptions import NotFound, ParseError, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from ads.scope import visible_to

from .problems import Problem, handler
from .schema import StaffSchema

# Larger than any row with its targeting, by far.
BODY_BYTES = 1024 * 1024


class StaffMay(BasePermission):
    """Staff with Django's view, add or change permission for the model; a view or action may ask for rights of its own."""

    message = "Your groups do not allow this; docs/permissions.md says which do."
    verbs = {"GET": ("view",), "HEAD": ("view",), "POST": ("add",), "PATCH": ("change",), "DELETE": ("add", "change")}

    def has_permission(self, request: Request, view: Any) -> bool:
        user = request.user
        if not (user.is_authenticated and user.is_active and getattr(user, "is_staff", False)):
            return False
        return all(user.has_perm(right) for right in self._needed(request, view))

    def _needed(self, request: Request, view: Any) -> tuple[str, ...]:
        own: tuple[str, ...] = getattr(view, "rights", ())
        if own:
            return own
        options = view.queryset.model._meta
        # A method that is not there needs no right of its own: the answer is 405.
        verbs = self.verbs.get(request.method or "", ("view",))
        return tuple(f"{options.app_label}.{verb}_{options.model_name}" for verb in verbs)


class PlainJSON(JSONParser):
    """JSON as anybody would write it: text nested thousands deep is refused like any other that cannot be read."""

    def parse(self, stream: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().parse(_Bounded(stream), *args, **kwargs)  # type: ignore[arg-type]  # it reads alone
        except RecursionError as error:
            raise ParseError("This JSON is nested too deeply to be read.") from error


class _Bounded:
    """A body that tells when it is larger than any of ours, whatever its length claims."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def read(self, *_: Any) -> bytes:
        text: bytes = self.stream.read(BODY_BYTES + 1)
        if len(text) > BODY_BYTES:
            raise Problem("too-large", f"A body has at most {BODY_BYTES:,} bytes here.")
        return text


class Negotiation(DefaultContentNegotiation):
    """``?format=`` names a form of the answer; one that is not there is a mistake like any other."""

    def filter_renderers(self, renderers: Any, format: str) -> Any:
        found = [renderer for renderer in renderers if renderer.format == format]
        if not found:
            raise ValidationError({"format": [f"There is no format “{format}” here; there is {', '.join(one.format for one in renderers)}."]})
        return found


class StaffView(APIView):
    """An APIView, or what goes in front of a ViewSet: the one way in for tools and pages of staff.

    ``rights`` names permissions; where it is empty they follow from the method and the model of ``queryset``. Errors leave as problem
    details, rows of other advertisers are not there (`found`).
    """

    authentication_classes = [TokenAuthentication, SessionAuthentication]
    permission_classes = [StaffMay]
    parser_classes = [PlainJSON]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = Negotiation
    metadata_class = None
    schema = StaffSchema()
    rights: tuple[str, ...] = ()

    def get_exception_handler(self) -> Callable[..., Any]:
        return handler

    def found(self, rows: Any, named: str) -> Any:
        """The row of this id among ``rows`` (a queryset) that the caller may see. Raises NotFound in words."""
        return found(self.request.user, rows, named)


def found(user: Any, rows: Any, named: str) -> Model:
    """Raises NotFound, alike for rows that are not there and those of another advertiser."""
    name = rows.model._meta.verbose_name
    if not (named.isascii() and named.isdigit() and len(named) < 19):
        raise NotFound(f"“{named[:40]}” is no id; an id is a whole number.")
    row: Model | None = visible_to(user, rows).filter(pk=int(named)).first()
    if row is None:
        raise NotFound(f"There is no {name} {named}.")
    return row


class Pages(PageNumberPagination):
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500
    invalid_page_message = "There is no such page: {message}."


def whole_number(request: Request, name: str) -> int | None:
    """A query parameter that is an id. Raises ValidationError in words."""
    text = request.query_params.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise ValidationError({name: [f"“{text}” is no id."]})
    return int(text)


def one_of(request: Request, name: str, choices: Any) -> str | None:
    """A query parameter that is one of a few words. Raises ValidationError in words."""
    text = request.query_params.get(name)
    if text is not None and text not in choices:
        raise ValidationError({name: [f"There is no {name} “{text}”; there are {', '.join(choices)}."]})
    return text
