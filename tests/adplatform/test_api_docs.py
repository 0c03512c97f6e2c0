"""The reference of the API: every operation, with what it takes and a call that can be copied."""

from __future__ import annotations

import json
import re

import pytest
from django.test import Client

from adplatform.api_docs import example, groups, schema, type_of


@pytest.fixture(scope="module")
def page() -> str:
    answer = Client().get("/api/v1/docs/")
    assert answer.status_code == 200
    return answer.text


def test_every_operation_stands_on_the_page_once_and_every_link_within_it_leads_somewhere(page: str) -> None:
    operations = [operation["operationId"] for methods in schema()["paths"].values() for operation in methods.values()]
    assert len(operations) == len(set(operations))
    anchors = re.findall(r' id="([^"]+)"', page)
    assert len(anchors) == len(set(anchors))
    assert set(operations) <= set(anchors)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(anchors)
    assert "<script" not in page
    assert " style=" not in page


def test_a_write_is_shown_with_a_body_that_can_be_read() -> None:
    described = {one.anchor: one for group in groups(schema(), "https://ads.example") for one in group.operations}
    made = described["advertisers_create"]
    body = made.curl.split("-d '")[1].split("'")[0]
    assert set(json.loads(body)) == {"name", "category"}
    assert '"https://ads.example/api/v1/advertisers"' in made.curl
    assert "Bearer $KEY" in made.curl
    assert "Bearer" not in described["post_api_v1_decisions"].curl
    assert [row.type for row in described["flights_create"].body if row.name == "pricing"] == ["cpm | cpcv | cpc"]


def test_types_and_examples_are_told_in_few_words() -> None:
    document = {
        "components": {
            "schemas": {"Kind": {"enum": ["a", "b"], "type": "string"}, "Node": {"type": "object", "properties": {"id": {"type": "integer"}}}}
        }
    }
    node = {"$ref": "#/components/schemas/Node"}
    assert type_of(document, {"type": "array", "items": node}) == "list of Node"
    assert type_of(document, {"oneOf": [{"$ref": "#/components/schemas/Kind"}, {"type": "null"}]}) == "a | b or null"
    assert type_of(document, {"type": ["string", "null"], "format": "uuid"}) == "string (uuid) or null"
    assert example(document, node) == {"id": 1}


def test_every_operation_says_what_it_does_and_how_it_refuses() -> None:
    for path, methods in schema()["paths"].items():
        for method, operation in methods.items():
            assert operation.get("tags"), f"{method} {path} has no tag"
            assert operation.get("summary") or operation.get("description"), f"{method} {path} says nothing of itself"
            assert any(status.startswith("4") for status in operation["responses"]), f"{method} {path} documents no refusal"
