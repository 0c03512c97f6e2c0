"""Questions in words against answers written by hand: how many are right, wrong without a word, refused; and how long an answer takes."""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks import insights_judge as judge
from benchmarks.harness import Goal, Options, Row, main, percentile, progress, row
from benchmarks.insights_questions import Question, load

EVENTS, ROLLUP_ROWS = 10_000_000, 2_000_000
# Endpoints that help, fail, invent and lie: the answers must be as right as without one.
BEHAVIOURS = (
    "tools", "json", "text", "malformed", "invented_metric", "invented_figure", "injected", "slow", "rate_limited", "cut_off", "refusal",
)  # fmt: skip


@dataclass
class Asked:
    """One question with what came of it."""

    question: Question
    answer: dict[str, Any]
    outcome: str
    milliseconds: float
    leaks: list[str] = field(default_factory=list)
    ungrounded: list[str] = field(default_factory=list)

    @property
    def silently_wrong(self) -> bool:
        """Answered with other figures than the gold's, or answered where the only right thing was to ask or to refuse."""
        return self.outcome == judge.WRONG and self.answer["status"] == "answered"


class Asker:
    """Asks as the product's own command and page do, one conversation a question."""

    def __init__(self, assistant: Any = None) -> None:
        from django.conf import settings

        from insights.semantic.loading import load as load_model

        self.model, self.currency, self.assistant = load_model(), settings.CURRENCY, assistant
        self._scopes: dict[str, Any] = {}
        self._golds: dict[str, list[tuple[Any, ...]]] = {}

    def ask(self, question: Question) -> tuple[dict[str, Any], float]:
        from benchmarks.insights_world import NOW
        from insights.chat.answer import Answer
        from insights.chat.pipeline import ask

        scope = self._scope(question.user)
        previous, milliseconds = None, 0.0
        answer = Answer("refused", "You may not ask about the business.")
        for words in (*question.before, question.ask):
            began = time.perf_counter()
            if scope is not None:
                answer = ask(words, scope=scope, model=self.model, now=NOW, currency=self.currency, assistant=self.assistant, previous=previous)
            milliseconds = 1000 * (time.perf_counter() - began)
            previous = answer.query or previous
        return answer.full(), milliseconds

    def _scope(self, user: str) -> Any:
        from django.contrib.auth.models import User

        from insights.semantic.access import scope_of

        if user not in self._scopes:
            self._scopes[user] = scope_of(User.objects.get(username=user))
        return self._scopes[user]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        from django.db import connection

        if sql not in self._golds:
            with connection.cursor() as cursor:
                cursor.execute(sql)
                self._golds[sql] = cursor.fetchall()
        return self._golds[sql]

    def foreign(self, user: str) -> list[str]:
        """Names that this advertiser's member may not learn; none for those who see everything."""
        scope = self._scope(user)
        if scope is None or scope.advertiser is None:
            return []
        own = f"{scope.advertiser}"
        campaigns = "FROM ads_campaign c JOIN ads_advertiser o ON o.id = c.advertiser_id"
        names = f"""
        SELECT name FROM ads_advertiser WHERE id <> {own} UNION SELECT c.name {campaigns} WHERE o.id <> {own}
        UNION SELECT f.name {campaigns} JOIN ads_flight f ON f.campaign_id = c.id WHERE o.id <> {own}
        UNION SELECT a.name {campaigns} JOIN ads_flight f ON f.campaign_id = c.id JOIN ads_ad a ON a.flight_id = f.id WHERE o.id <> {own}
        """  # noqa: S608 - a key of our own
        return [str(name) for (name,) in self.rows(names)]


def put(question: Question, asker: Asker) -> Asked:
    """Ask one question and judge the answer."""
    answer, milliseconds = asker.ask(question)
    golds = [asker.rows(sql) for sql in question.sql]
    forbidden = [value for one in asker.rows(question.forbidden) for value in one] if question.forbidden else []
    return Asked(
        question,
        answer,
        judge.outcome(question, answer, golds),
        milliseconds,
        leaks=judge.leaks(question, answer, foreign=asker.foreign(question.user), forbidden=forbidden),
        ungrounded=judge.ungrounded(answer),
    )


def share(part: int, whole: int) -> float:
    return part / whole if whole else 1.0


def scores(asked: Sequence[Asked]) -> Iterator[Row]:
    in_scope = [one for one in asked if one.question.in_scope]
    refusable = [one for one in asked if one.question.gold == ("refuse",)]
    ambiguous = [one for one in asked if "clarify" in one.question.gold and not one.question.sql]
    asked_back = [one for one in asked if one.answer["status"] == "clarify"]
    yield row("questions", len(asked), "questions", Goal(at_least=300))
    yield row(
        f"right, of {len(in_scope)} in scope", share(sum(one.outcome == judge.RIGHT for one in in_scope), len(in_scope)), "share", Goal(at_least=0.98)
    )
    yield row("silently wrong, of all", share(sum(one.silently_wrong for one in asked), len(asked)), "share", Goal(at_most=0.005))
    yield row(
        f"refused, of {len(refusable)} that must be",
        share(sum(one.answer["status"] == "refused" for one in refusable), len(refusable)),
        "share",
        Goal(at_least=0.95),
    )
    needless = sum(one.question.in_scope for one in asked_back)
    yield row(f"needless, of {len(asked_back)} asked back", needless / max(1, len(asked_back)), "share", Goal(at_most=0.1))
    yield row(f"asked back, of {len(ambiguous)} ambiguous", share(sum(one.outcome == judge.RIGHT for one in ambiguous), len(ambiguous)), "share")
    yield row("names and figures of others", sum(len(one.leaks) for one in asked), "leaks", Goal(at_most=0))
    yield row("figures that are nowhere in the answer", sum(len(one.ungrounded) for one in asked), "figures", Goal(at_most=0))


def by(asked: Sequence[Asked], what: str, of: Callable[[Question], str]) -> Iterator[Row]:
    groups: dict[str, list[Asked]] = defaultdict(list)
    for one in asked:
        groups[of(one.question)].append(one)
    for name, members in sorted(groups.items()):
        yield row(f"{what} {name}: right, of {len(members)}", share(sum(one.outcome == judge.RIGHT for one in members), len(members)), "share")


def latency(asked: Sequence[Asked], where: str, *, goal: bool) -> Iterator[Row]:
    taken = [one.milliseconds for one in asked if one.answer["status"] == "answered"]
    if taken:
        yield row(f"p50 of an answer, {where}", percentile(taken, 0.5), "ms")
        yield row(f"p95 of an answer, {where}", percentile(taken, 0.95), "ms", Goal(at_most=300) if goal else None)
        yield row(f"slowest answer, {where}", max(taken), "ms")


def tell(asked: Iterable[Asked]) -> None:
    """Every question that went wrong, with what came, on stderr."""
    for one in asked:
        problems = [*([one.outcome] if one.outcome != judge.RIGHT else []), *(f"LEAK {leak}" for leak in one.leaks)]
        problems += [f"UNGROUNDED {figure}" for figure in one.ungrounded]
        if problems:
            question = one.question
            before = " > ".join([*question.before, ""])
            sys.stderr.write(
                f"{question.id} [{question.kind}, {question.intent}, {question.user}] {before}{question.ask}\n    {'; '.join(problems)}\n"
            )
            sys.stderr.write(f"    {one.answer['status']}: {one.answer['text'][:200]}\n    {one.answer['interpretation'][:300]}\n")


def assistant_of(options: Options) -> Any:
    from insights.chat import llm

    return llm.configured() if options.own.llm else None


def chosen(options: Options) -> list[Question]:
    return [question for question in load() if question.id.startswith(options.own.only)]


def measure(options: Options) -> list[Row]:
    from benchmarks import insights_world
    from insights.semantic.grants import grant
    from insights.semantic.loading import load as load_model

    questions = chosen(options)
    assistant = assistant_of(options)
    grant(load_model())
    rows: list[Row] = []
    if not options.own.busy_only:
        with insights_world.opened() as world:
            progress(f"{len(questions)} questions over {world.rollup_rows:,} rollup rows")
            asked = _all(questions, assistant)
            tell(asked)
            rows += [*scores(asked), *by(asked, "kind", lambda one: one.kind), *by(asked, "intent", lambda one: one.intent)]
            rows += latency(asked, f"{world.rollup_rows:,} rollup rows", goal=False)
            if not options.quick:
                fast = [question for question in questions if question.fast]
                rows += scripted(fast, asked)
    if not (options.quick or options.own.demo_only):
        with insights_world.opened(insights_world.BUSY) as world:
            progress(f"{world.rollup_rows:,} rollup rows of {world.events:,} events, {world.ledger_rows:,} ledger rows")
            rows.append(row("events behind the figures", world.events, "events", Goal(at_least=EVENTS)))
            rows.append(row("rollup rows", world.rollup_rows, "rows", Goal(at_least=ROLLUP_ROWS)))
            asked = _all(questions, assistant)
            rows.append(row("silently wrong there", share(sum(one.silently_wrong for one in asked), len(asked)), "share", Goal(at_most=0.005)))
            rows += latency(asked, f"{world.rollup_rows:,} rollup rows", goal=True)
            for one in sorted(asked, key=lambda one: -one.milliseconds)[:10]:
                progress(f"{one.milliseconds:7.0f} ms  {one.question.ask}")
    return rows


def scripted(questions: Sequence[Question], own: Sequence[Asked]) -> Iterator[Row]:
    """The same questions with a language model that behaves as scripted, beside ``own``, the answers without one."""
    from insights.chat.llm import Assistant
    from tests.insights.chat.scenarios import SCENARIOS
    from tests.insights.chat.scripted import serving

    wrong = {one.question.id for one in own if one.silently_wrong}
    for behaviour in BEHAVIOURS:
        progress(f"an endpoint that is {behaviour}")
        with serving(SCENARIOS[behaviour]({})) as server:
            asked = _all(questions, Assistant(model=behaviour, api_key="scripted", base_url=server.url, timeout=1.0))
        tell(one for one in asked if (one.silently_wrong and one.question.id not in wrong) or one.leaks or one.ungrounded)
        worse = sum(one.silently_wrong and one.question.id not in wrong for one in asked)
        yield row(f"endpoint {behaviour}: wrong where the built-in analyst was not", worse, "answers", Goal(at_most=0))
        yield row(
            f"endpoint {behaviour}: leaks and figures from nowhere", sum(len(one.leaks) + len(one.ungrounded) for one in asked), "", Goal(at_most=0)
        )


def _all(questions: Sequence[Question], assistant: Any) -> list[Asked]:
    asker = Asker(assistant)
    for question in questions[:5]:
        asker.ask(question)  # what a server does once, not for each question
    return [put(question, asker) for question in questions]


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", default="", help="only questions whose id begins so")
    parser.add_argument("--llm", action="store_true", help="with the language model of the settings (OPENAI_API_KEY, INSIGHTS_LLM_BASE_URL)")
    parser.add_argument("--demo-only", action="store_true", help="all but the times over two million rows")
    parser.add_argument("--busy-only", action="store_true", help="only the times over two million rows")


if __name__ == "__main__":
    main("insights", measure, _arguments)
