"""``manage.py api_key USER``: make a key to the API for somebody, or revoke one."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from adplatform.keys import LONGEST_DAYS, key_make, key_revoke
from adplatform.models import ApiKey


class Command(BaseCommand):
    help = "Makes a key to the API with a person's rights and prints it once; --revoke takes one back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("user", help="User name")
        parser.add_argument("--name", default="command line", help="What uses it")
        parser.add_argument("--days", type=int, help="How long it is good; left out, until it is revoked")
        parser.add_argument("--revoke", metavar="PREFIX", help="Revoke the key that begins so, instead of making one")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(username=options["user"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['user']}.")
        if options["revoke"]:
            self._revoke(user, options["revoke"])
            return
        days = options["days"]
        if days is not None and not 1 <= days <= LONGEST_DAYS:
            raise CommandError(f"A key is good for 1 to {LONGEST_DAYS} days.")
        try:
            key, text = key_make(user=user, name=options["name"], days=days, now=timezone.now())
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stderr.write(f"A key for {user}, {_until(key)}. It is shown this once:")
        self.stdout.write(text)

    def _revoke(self, user: User, prefix: str) -> None:
        found = list(ApiKey.objects.filter(user=user, prefix__startswith=prefix, revoked_at=None)[:2])
        if len(found) != 1:
            raise CommandError(f"{user} has {'several keys' if found else 'no key'} that begin{'' if found else 's'} with {prefix}.")
        key_revoke(key=found[0], now=timezone.now())
        self.stderr.write(f"{found[0]} is revoked.")


def _until(key: ApiKey) -> str:
    return f"good until {key.expires_at:%d %b %Y}" if key.expires_at else "good until it is revoked"
