"""Keys to the API: made once, kept as a hash, refused when they are over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from adplatform.keys import key_make, key_revoke
from adplatform.models import ApiKey

pytestmark = pytest.mark.django_db
NOW = datetime(2027, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def staff() -> User:
    return User.objects.create_superuser("somebody")


def asked(key: str, scheme: str = "Bearer") -> Any:
    return Client().get("/api/v1/advertisers", headers={"Authorization": f"{scheme} {key}"})


def test_a_key_opens_the_api_and_only_its_hash_is_kept(staff: User) -> None:
    row, text = key_make(user=staff, name="import", days=30, now=timezone.now())
    assert asked(text).status_code == asked(text, "Token").status_code == 200
    row.refresh_from_db()
    assert row.last_used_at is not None
    assert text not in str(list(ApiKey.objects.values_list()))
    assert text.startswith(row.prefix)


def test_a_key_is_refused_in_words_once_it_is_over(staff: User) -> None:
    with time_machine.travel(NOW, tick=False):
        short, revoked, closed = (key_make(user=staff, name=name, days=30, now=NOW) for name in ("short", "revoked", "closed"))
        assert key_revoke(key=revoked[0], now=NOW)
        assert not key_revoke(key=revoked[0], now=NOW + timedelta(days=1))
        assert "was revoked on 01 Mar 2027" in asked(revoked[1]).json()["detail"]
        for wrong in ("im_" + "x" * 43, "nonsense", "im_\x00"):
            assert asked(wrong).status_code == 401
    with time_machine.travel(NOW + timedelta(days=31), tick=False):
        refused = asked(short[1])
        assert (refused.status_code, "expired on 31 Mar 2027" in refused.json()["detail"]) == (401, True)
    with time_machine.travel(NOW, tick=False):
        User.objects.update(is_active=False)
        assert "is closed" in asked(closed[1]).json()["detail"]


def test_staff_make_a_key_in_the_admin_see_it_once_and_revoke_it() -> None:
    one, other = (User.objects.create_user(name, is_staff=True) for name in ("one", "other"))
    key_make(user=other, name="of the other", days=None, now=timezone.now())
    client = Client()
    client.force_login(one)
    made = client.post("/admin/adplatform/apikey/add/", {"name": "nightly import", "days": "90"})
    key = ApiKey.objects.get(user=one)
    text = made.text.split("<code>")[1].split("</code>")[0]
    assert text.startswith(key.prefix)
    assert "no-store" in made["Cache-Control"]
    listed = client.get("/admin/adplatform/apikey/").text
    assert "nightly import" in listed
    assert text not in listed
    assert "of the other" not in listed
    others = ApiKey.objects.get(user=other)
    client.post("/admin/adplatform/apikey/", {"action": "revoke", "_selected_action": [key.pk, others.pk]})
    assert [key.revoked_at is None for key in ApiKey.objects.order_by("pk")] == [True, False]


def test_the_command_makes_and_revokes_keys(staff: User) -> None:
    out = StringIO()
    call_command("api_key", "somebody", days=7, stdout=out, stderr=StringIO())
    text = out.getvalue().strip()
    assert asked(text).status_code == 200
    call_command("api_key", "somebody", revoke=text[:11], stderr=StringIO())
    assert asked(text).status_code == 401
    with pytest.raises(CommandError, match="There is no user nobody"):
        call_command("api_key", "nobody")
    with pytest.raises(CommandError, match="no key that begins"):
        call_command("api_key", "somebody", revoke="im_")
