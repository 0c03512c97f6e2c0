"""``manage.py ask "How much did we spend yesterday?" [--json] [--as USER] [--now ISO] [--semantic FILE]``"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from adplatform.moments import NotATime, read_moment
from insights.chat import llm
from insights.chat.answer import Answer
from insights.chat.grounding import shown_rows
from insights.chat.pipeline import ask
from insights.semantic.access import OPERATOR, Scope, scope_of
from insights.semantic.loading import SemanticModelError, load


class Command(BaseCommand):
    help = "Answer a business question from the rollups, with the SQL that was run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("question")
        parser.add_argument("--json", action="store_true", help="print {status, interpretation, sql, params, columns, rows, text, chart}")
        parser.add_argument("--as", dest="user", metavar="USER", help="ask as this user, seeing only what they may see")
        parser.add_argument("--now", metavar="ISO", help="what time it is, for words such as yesterday (default: the clock)")
        parser.add_argument("--semantic", metavar="FILE", help="another semantic model (YAML) over tables of the same database")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            model = load(options["semantic"])
        except SemanticModelError as error:
            raise CommandError(str(error)) from error
        scope, now = _scope(options["user"]), _now(options["now"])
        if scope is None:
            answer = Answer("refused", f"{options['user']} may not ask about the business; an administrator can add them to a group that may.")
        else:
            answer = ask(options["question"], scope=scope, model=model, now=now, currency=settings.CURRENCY, assistant=llm.configured())
        self.stdout.write(json.dumps(answer.public(), indent=2, ensure_ascii=False) if options["json"] else _readable(answer))


def _scope(username: str | None) -> Scope | None:
    if username is None:
        return OPERATOR
    user = User.objects.filter(username=username).first()
    if user is None:
        raise CommandError(f"there is no user {username!r}; see `manage.py createsuperuser` or the admin's user list")
    return scope_of(user)


def _now(given: str | None) -> datetime:
    if given is None:
        return timezone.now()
    try:
        return read_moment(given)
    except NotATime as error:
        raise CommandError(f"--now: {error}") from error


def _readable(answer: Answer) -> str:
    lines = [answer.text]
    lines += [f"  - {choice.label}" for choice in answer.choices]
    if answer.rows:
        table = [[column.label for column in answer.columns], *shown_rows(answer.columns, answer.rows, answer.currency)]
        widths = [max(len(row[index]) for row in table) for index in range(len(answer.columns))]
        lines += ["", *("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in table)]
    if answer.interpretation:
        lines += ["", f"Read as: {answer.interpretation}"]
    if answer.sql:
        lines += ["", answer.sql, json.dumps(answer.params, ensure_ascii=False)]
    lines += ["", f"({answer.engine}{f'; data as of {answer.as_of}' if answer.as_of else ''})"]
    return "\n".join(lines + ([answer.note] if answer.note else []))
