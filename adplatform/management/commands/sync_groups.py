"""Makes the groups and their permissions what adplatform/permissions.py declares."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from adplatform.permissions import GROUPS, codenames


class Command(BaseCommand):
    help = "Create the groups and give each exactly the permissions declared in adplatform/permissions.py"

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        known = {
            (permission.content_type.app_label, permission.codename): permission for permission in Permission.objects.select_related("content_type")
        }
        for name, rights in GROUPS.items():
            wanted = list(codenames(rights))
            unknown = [pair for pair in wanted if pair not in known]
            if unknown:
                raise CommandError(f"{name}: no such permission {unknown[0][0]}.{unknown[0][1]}; run `manage.py migrate` first")
            group, _ = Group.objects.get_or_create(name=name)
            group.permissions.set([known[pair] for pair in wanted])
        self.stdout.write(f"{len(GROUPS)} groups in step with their declaration")
