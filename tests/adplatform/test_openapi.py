"""The API keeps what its own schema promises, whatever is thrown at it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from django.contrib.auth.models import User
from django.core.wsgi import get_wsgi_application
from django.test import Client
from django.utils import timezone
from drf_spectacular.renderers import OpenApiYamlRenderer
from hypothesis import settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from adplatform.keys import key_make

# Tags of what is asked for with a key.
STAFF = ["selling", "creatives", "reports", "decisions"]

application = get_wsgi_application()
schema = schemathesis.openapi.from_wsgi("/api/v1/schema/?format=json", application)


def test_the_schema_names_the_public_endpoints() -> None:
    described = Client().get("/api/v1/schema/", {"format": "json"}).json()
    assert described["openapi"].startswith("3.1")
    assert {"/api/v1/events"} <= set(described["paths"])


def test_the_kept_schema_is_what_is_served() -> None:
    served = Client().get("/api/v1/schema/", headers={"Accept": OpenApiYamlRenderer.media_type}).content.decode()
    kept = (Path(__file__).resolve().parents[2] / "docs/openapi.yaml").read_text()
    assert served == kept, "The API has changed: run make schema, look at the difference and keep docs/openapi.yaml with it."


@pytest.mark.django_db(transaction=True)
@schema.exclude(tag=STAFF).parametrize()
def test_every_documented_operation_answers_as_documented(case: schemathesis.Case[Any]) -> None:
    response = case.call()
    case.validate_response(response, checks=[not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance])


@pytest.fixture
def key() -> str:
    return key_make(user=User.objects.create_superuser("tool"), name="tests", days=None, now=timezone.now())[1]


@pytest.mark.django_db(transaction=True)
@schema.include(tag=STAFF).parametrize()
@settings(max_examples=12)
def test_every_operation_of_staff_answers_as_documented_whatever_a_tool_sends(case: schemathesis.Case[Any], key: str) -> None:
    response = case.call(headers={"Authorization": f"Bearer {key}"})
    case.validate_response(response, checks=[not_a_server_error, status_code_conformance, content_type_conformance])
