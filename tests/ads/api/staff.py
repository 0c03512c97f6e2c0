"""People who use the staff API, and how they ask."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.test import Client

from adplatform.permissions import ADVERTISER_MEMBER
from ads.models import Advertiser, AdvertiserMember


def superuser() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("somebody"))
    return client


def member_of(advertiser: Advertiser, *rights: str) -> Client:
    """Somebody of an advertiser, with ``rights`` beside those of the group: what is narrowed stays so whatever they may."""
    user = User.objects.create_user(f"of {advertiser}", is_staff=True)
    call_command("sync_groups", verbosity=0)
    user.groups.add(Group.objects.get(name=ADVERTISER_MEMBER))
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="ads", codename__in=rights))
    AdvertiserMember.objects.create(advertiser=advertiser, user=user)
    client = Client()
    client.force_login(user)
    return client


def post(client: Client, path: str, body: Any = None, **headers: str) -> Any:
    return client.post(
        f"/api/v1/{path}", body or {}, content_type="application/json", headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def patch(client: Client, path: str, body: Any, **headers: str) -> Any:
    return client.patch(
        f"/api/v1/{path}", body, content_type="application/json", headers={name.replace("_", "-"): value for name, value in headers.items()}
    )
