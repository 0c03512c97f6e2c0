"""``manage.py ask_check``: what it says of an endpoint that does well, badly, or is not there."""

from __future__ import annotations

from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.test import override_settings

from insights.chat import analyst
from insights.chat.context import Context
from insights.chat.llm.checked import FILTERS, PERIODS
from insights.chat.reader import vocabulary_for
from insights.chat.reading import Understood
from insights.semantic.access import OPERATOR
from insights.semantic.loading import load
from tests.insights.business import NOW, Business
from tests.insights.chat.scenarios import SCENARIOS, query
from tests.insights.chat.scripted import Call, Server, vectors

pytestmark = pytest.mark.django_db(databases=["default", "insights"])


def plans() -> dict[str, Call]:
    """What the built-in analyst reads in the model file's examples, as a good model would call for it."""
    context = Context(OPERATOR, load(), NOW, "USD")
    vocabulary, made = vocabulary_for(context), {}
    for example in load().examples:
        read = analyst.read(example, vocabulary, now=NOW)
        if isinstance(read, Understood):
            told: dict[str, Any] = read.query.model_dump(mode="json", exclude_defaults=True)
            for name in FILTERS:
                for part in told.get(name, ()):
                    part.pop("labels", None)
            for name in PERIODS:
                (told.get(name) or {}).pop("label", None)
            made[example] = query(**told)
    return made


def checked(server: Server) -> str:
    out = StringIO()
    with (
        time_machine.travel(NOW, tick=False),
        override_settings(INSIGHTS_LLM_BASE_URL=server.url, INSIGHTS_LLM_MODEL="scripted", INSIGHTS_LLM_EMBEDDING_MODEL="scripted-vectors"),
    ):
        try:
            call_command("ask_check", stdout=out)
        except CommandError as error:
            out.write(str(error))
    return out.getvalue()


def test_a_model_that_does_well_is_said_to(business: Business, server: Server) -> None:
    good = SCENARIOS["json"](plans())
    server.brain = lambda seen: vectors(seen) if "input" in seen.body else good(seen)
    told = checked(server)
    assert "5 of 5 as they should be" in told
    assert "tools no, json yes" in told
    assert "Vectors by scripted-vectors: yes" in told


def test_a_model_that_plans_something_else_is_a_miss_that_says_what(business: Business, server: Server) -> None:
    server.brain = SCENARIOS["tools"](dict.fromkeys(plans(), query(intent="value", cube="breaks", measures=["fill_rate"])))
    told = checked(server)
    assert "0 of 5 as they should be" in told
    assert "other figures than the built-in analyst's: value of fill_rate" in told


def test_without_a_model_it_says_what_to_set() -> None:
    with pytest.raises(CommandError, match="set OPENAI_API_KEY or INSIGHTS_LLM_BASE_URL"):
        call_command("ask_check")
