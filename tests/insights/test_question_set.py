"""The fast part of the question set (`benchmarks/insights_questions`), and in a soak all of it: nothing answered wrongly without a word, nothing
of others told, no figure that is nowhere in the answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
from pytest_django.plugin import DjangoDbBlocker

from benchmarks import insights_world
from benchmarks.insights import Asked, Asker, put
from benchmarks.insights_questions import KINDS, Question, load

pytestmark = pytest.mark.django_db(databases=["default", "insights"])
QUESTIONS = load()
FAST = [question for question in QUESTIONS if question.fast]


@pytest.fixture(scope="module")
def world(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[insights_world.World]:
    with django_db_blocker.unblock(), insights_world.opened(insights_world.SMALL) as filled:
        yield filled


def ask(questions: Sequence[Question]) -> list[Asked]:
    asker = Asker()
    return [put(question, asker) for question in questions]


def gates(asked: Sequence[Asked]) -> None:
    assert [(one.question.id, one.answer["text"]) for one in asked if one.silently_wrong] == []
    assert [(one.question.id, one.leaks) for one in asked if one.leaks] == []
    assert [(one.question.id, one.ungrounded) for one in asked if one.ungrounded] == []


def test_the_set_is_large_and_holds_every_kind_of_question() -> None:
    assert len(QUESTIONS) >= 300
    assert {question.kind for question in QUESTIONS} == set(KINDS)
    assert {question.kind for question in FAST} == set(KINDS)


def test_no_fast_question_is_answered_wrongly_tells_of_others_or_makes_a_figure_up(world: insights_world.World) -> None:
    gates(ask(FAST))


@pytest.mark.soak
def test_the_whole_set_passes_the_gates(world: insights_world.World) -> None:
    asked = ask(QUESTIONS)
    gates(asked)
    in_scope = [one for one in asked if one.question.in_scope]
    assert sum(one.outcome == "right" for one in in_scope) >= 0.98 * len(in_scope)
