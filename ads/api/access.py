"""What every view of the staff API shares: who may use it, what it reads and writes, and how it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db.models import Model
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import NotFound, ParseError, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.pagination import PageNumberPagination
from rest_framework.parsers import JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from adplatform.keys import KeyAuthentication
from ads.scope import visible_to

from .idempotency import key_of, once
from .problems import Problem, handler
from .schema import StaffSchema
from .throttles import PerMinute, Taken

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

    authentication_classes = [KeyAuthentication, SessionAuthentication]
    permission_classes = [StaffMay]
    throttle_classes = [PerMinute]
    parser_classes = [PlainJSON]
    renderer_classes = [JSONRenderer]
    content_negotiation_class = Negotiation
    metadata_class = None
    schema = StaffSchema()
    rights: tuple[str, ...] = ()
    # What the throttle counted for this request.
    limits: Taken | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        method = (request.method or "").lower()
        if (key := key_of(request)) and method in self.http_method_names and hasattr(self, method):
            setattr(self, method, once(self, getattr(self, method), key))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        if self.limits is not None:
            for name, value in self.limits.headers().items():
                response.headers[name] = value
        return super().finalize_response(request, response, *args, **kwargs)

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
    invalid_page_message = "There is no page {page_number}."

    def get_page_size(self, request: Request) -> int:
        text = request.query_params.get(self.page_size_query_param)
        if text is None:
            return self.page_size
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= self.max_page_size):
            raise ValidationError({self.page_size_query_param: [f"A page has 1 to {self.max_page_size} rows."]})
        return int(text)
