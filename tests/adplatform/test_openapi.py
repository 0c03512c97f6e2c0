"""The API keeps what its own schema promises, whatever is thrown at it."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from django.test import Client
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

application = get_wsgi_application()
schema = schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", application)


def test_the_schema_names_the_public_endpoints() -> None:
    described = Client().get("/api/v1/schema/", {"format": "json"}).json()
    assert described["openapi"].startswith("3.1")
    assert {"/api/v1/events"} <= set(described["paths"])


@pytest.mark.django_db(transaction=True)
@schema.parametrize()
def test_every_documented_operation_answers_as_documented(case: schemathesis.Case[Any]) -> None:
    response = case.call()
    case.validate_response(response, checks=[not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance])
