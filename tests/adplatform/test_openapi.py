"""The API keeps what its own schema promises, whatever is thrown at it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.contrib.auth.models import Permission, User
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.db.models import Q
from django.test import Client
from django.utils import timezone
from drf_spectacular.renderers import OpenApiYamlRenderer
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance, status_code_conformance

from adplatform.keys import key_make
from adplatform.permissions import AD_OPS_LEAD, GROUPS, codenames
from ads.models import AdPolicy
from tests.ads.inventory import make_ad

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


CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
SOAK = os.environ.get("HYPOTHESIS_PROFILE") == "soak"
EXAMPLES = 300 if SOAK else 5
# Each boundary of each field, one after the other, is dozens of requests an operation: for the long run.
schema.config.phases.coverage.enabled = SOAK


@pytest.fixture
def one_connection() -> Iterator[None]:
    """The app runs in this thread: it keeps the test's connection, so that each operation is rolled back as one test."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.mark.django_db
@pytest.mark.usefixtures("one_connection")
@schema.exclude(tag=STAFF).parametrize()
@hypothesis.settings(max_examples=EXAMPLES)
def test_every_documented_operation_answers_as_documented(case: schemathesis.Case[Any]) -> None:
    case.validate_response(case.call(), checks=CHECKS)


@pytest.fixture
def lead(settings: Any) -> dict[str, str]:
    """Headers of the ad-ops lead, who may do the most of all groups, as often as they like."""
    settings.API_READS_PER_MINUTE = settings.API_WRITES_PER_MINUTE = 0
    user = User.objects.create_user("lead", is_staff=True)
    rights = Q()
    for app, codename in codenames(GROUPS[AD_OPS_LEAD]):
        rights |= Q(content_type__app_label=app, codename=codename)
    user.user_permissions.set(Permission.objects.filter(rights))
    return {"Authorization": f"Bearer {key_make(user=user, name='tests', days=None, now=timezone.now())[1]}"}


@pytest.fixture
def there() -> dict[str, Any]:
    """Ids of rows that are there, by the word of the address before them: what is made up finds none."""
    ad = make_ad()
    policy = AdPolicy.objects.filter(title=None).first() or AdPolicy.objects.create()
    campaign = ad.flight.campaign
    return {"ads": ad.pk, "flights": ad.flight_id, "campaigns": campaign.pk, "advertisers": campaign.advertiser_id, "policies": policy.pk}


@pytest.mark.django_db
@pytest.mark.usefixtures("one_connection")
@schema.include(tag=STAFF).parametrize()
@hypothesis.settings(max_examples=EXAMPLES)
def test_every_operation_of_staff_answers_as_documented_whatever_a_tool_sends(
    case: schemathesis.Case[Any], lead: dict[str, str], there: dict[str, Any]
) -> None:
    kind = case.operation.path.split("/")[3]
    if "id" in (case.path_parameters or {}) and kind in there:
        case.validate_response(case.call(headers=lead), checks=CHECKS)
        case.path_parameters["id"] = there[kind]
    case.validate_response(case.call(headers=lead), checks=CHECKS)
