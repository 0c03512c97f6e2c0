"""``manage.py ask_check``: what the configured language model's endpoint supports, and how it does on five questions."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from insights.chat import llm
from insights.chat.context import Context
from insights.chat.llm import budget, dialect
from insights.chat.llm.embed import embed, engine, problem
from insights.chat.llm.trial import trial
from insights.chat.reader import vocabulary_for
from insights.semantic.access import OPERATOR
from insights.semantic.loading import load


class Command(BaseCommand):
    help = "Try the configured language model: what its endpoint supports, and whether it finds the figures that the built-in analyst finds."

    def handle(self, *args: Any, **options: Any) -> None:
        assistant = llm.configured()
        if assistant is None:
            raise CommandError("no language model is configured: set OPENAI_API_KEY or INSIGHTS_LLM_BASE_URL, see docs/asking-model.md")
        model = load()
        context = Context(OPERATOR, model, timezone.now(), model.currency or settings.CURRENCY)
        before = budget.spent(None, context.now)
        self.stdout.write(f"{assistant.model}:")
        good = tried = 0
        for one in trial(assistant, context, vocabulary_for(context), model.examples):
            tried, good = tried + 1, good + one.good
            self.stdout.write(f"  {'ok  ' if one.good else 'MISS'} {one.milliseconds:>6.0f} ms  {one.question}\n         {one.told}")
        speaks = asdict(dialect.remembered(assistant.endpoint.rest.name))
        self.stdout.write(f"{good} of {tried} as they should be; {budget.spent(None, context.now) - before} tokens.")
        self.stdout.write("It is asked with: " + ", ".join(f"{name} {'yes' if has else 'no'}" for name, has in speaks.items()))
        if engine():
            made = embed(["click through rate"])
            self.stdout.write(f"Vectors by {engine()}: {'yes' if made is not None else f'no, {problem()}'}")
        if good < tried:
            raise CommandError("the model does not do as it should; what it cannot do, the built-in analyst answers")
