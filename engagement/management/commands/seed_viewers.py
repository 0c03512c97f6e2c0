from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from engagement.seeding import ACCOUNT, seed_viewers


class Command(BaseCommand):
    help = "Gives the demo viewer's account its profiles; safe to run again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--account", default=ACCOUNT, help="username whose profiles they become")

    def handle(self, *args: Any, **options: Any) -> None:
        account = User.objects.filter(username=options["account"]).first()
        if account is None:
            raise CommandError(f"there is no account called {options['account']}; `manage.py prepare_demo` makes the demo's logins")
        self.stdout.write(f"{seed_viewers(account)} profiles belong to {account.username}.")
