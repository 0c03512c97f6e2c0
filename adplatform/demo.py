"""The demo's logins: made at first run with random passwords, kept in the var folder and never in the code."""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import TypedDict

from django.contrib.auth.models import Group, User
from django.db import transaction

from adplatform.permissions import AD_OPS, AD_OPS_LEAD, ADVERTISER_MEMBER, EXECUTIVE, GROUPS, VIEWER


class Login(TypedDict):
    role: str
    username: str
    password: str


# Of which advertiser it is, is told where advertisers are made.
MEMBER = "advertiser"
ACCOUNTS = (
    ("Ad-ops", "adops", AD_OPS),
    ("Ad-ops lead", "adlead", AD_OPS_LEAD),
    ("Executive", "executive", EXECUTIVE),
    ("Advertiser", MEMBER, ADVERTISER_MEMBER),
    ("Viewer", "viewer", VIEWER),
    ("Administrator", "admin", None),
)


def ensure_logins(kept: Path) -> list[Login]:
    """The demo logins of this installation; accounts or passwords that are missing are made anew."""
    logins: list[Login] = json.loads(kept.read_text()) if kept.exists() else []
    passwords = {login["username"]: login["password"] for login in logins}
    made: list[Login] = []
    for role, username, group in ACCOUNTS:
        password = passwords.get(username) or secrets.token_urlsafe(9)
        _ensure_account(username=username, password=password, group=group)
        made.append({"role": role, "username": username, "password": password})
    kept.touch(mode=0o600)
    kept.write_text(json.dumps(made, indent=2))
    return made


@transaction.atomic
def _ensure_account(*, username: str, password: str, group: str | None) -> None:
    user, _ = User.objects.get_or_create(username=username)
    user.is_superuser = group is None
    user.is_staff = group is None or GROUPS[group].staff
    if not user.check_password(password):
        user.set_password(password)
    user.save()
    user.groups.set(Group.objects.filter(name=group) if group else [])
