"""Whatever below /api/ finds no view is answered as problem details, and every kind has its page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.http import HttpRequest
from django.test import Client, RequestFactory

from adplatform import problems


def test_an_unknown_address_of_the_api_is_told_in_json_with_the_one_that_was_meant() -> None:
    answer = Client().get("/api/v1/flights/")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert answer.json() == {
        "type": "/api/problems/not-found",
        "title": "Not found",
        "status": 404,
        "detail": "There is nothing at /api/v1/flights/. Did you mean /api/v1/flights? /api/v1/docs/ names every address.",
        "instance": "/api/v1/flights/",
    }
    assert Client().get("/nowhere")["Content-Type"].startswith("text/html")


def asked(path: str) -> HttpRequest:
    return RequestFactory().get(path)


def test_what_falls_out_of_a_view_of_the_api_is_json_too_and_a_page_elsewhere() -> None:
    too_large = problems.bad_request(asked("/api/v1/x"), RequestDataTooBig("2.5 MB"))
    assert (too_large.status_code, too_large["Content-Type"]) == (413, problems.MEDIA_TYPE)
    assert problems.bad_request(asked("/api/v1/x"), ValueError()).status_code == 400
    assert problems.permission_denied(asked("/api/v1/x"), PermissionDenied("Leads alone.")).status_code == 403
    fault = problems.server_error(asked("/api/v1/x"))
    assert (fault.status_code, b"logged" in fault.content) == (500, True)
    assert problems.server_error(asked("/x"))["Content-Type"] != problems.MEDIA_TYPE


@pytest.mark.django_db
def test_a_fault_of_ours_shows_nothing_of_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("secret of the house")

    monkeypatch.setattr("ads.api.rows.AdvertiserRows.list", broken)
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("staff"))
    answer = client.get("/api/v1/advertisers")
    assert (answer.status_code, answer["Content-Type"]) == (500, problems.MEDIA_TYPE)
    assert b"secret" not in answer.content


def test_each_kind_of_problem_has_a_place_that_its_type_leads_to() -> None:
    page = Client().get("/api/problems/")
    for kind in problems.KINDS.values():
        assert f'id="{kind.name}"' in page.text
        assert Client().get(kind.type).status_code == 200
    assert Client().get("/api/problems/no-such-kind").status_code == 404
