"""A question that the built-in analyst cannot read is read by the model, and what the model says is taken only after every check."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from pytest_django.plugin import DjangoDbBlocker

from insights.chat import reader
from insights.chat.answer import BUILT_IN
from insights.chat.context import Context
from insights.chat.llm import Assistant
from insights.chat.llm.accounted import accounted
from insights.chat.llm.checked import Invalid, checked
from insights.chat.pipeline import Asked, stages
from insights.chat.reading import Understood
from insights.chat.vocabulary import Vocabulary
from insights.semantic.access import OPERATOR, Scope
from insights.semantic.loading import load
from tests.insights.business import HOSTILE, NOW, Business
from tests.insights.chat.scenarios import SCENARIOS, good, planned, query, why
from tests.insights.chat.scripted import Call, Reply, Seen, Server, said

from .asking import asked, fell_back, without

pytestmark = pytest.mark.django_db(databases=["default", "insights"])
QUESTION = "How much dough did we pocket yesterday?"
YESTERDAY = {"start": "2026-11-20T00:00:00Z", "end": "2026-11-21T00:00:00Z"}
WORDS = [{"words": "dough", "means": "spend"}, {"words": "did we pocket", "means": "spend"}]
PLAN: dict[str, Any] = {"intent": "value", "cube": "ledger", "measures": ["spend"], "period": YESTERDAY, "words": WORDS}
GOOD = {QUESTION: query(**PLAN)}


def plan(**changes: Any) -> Call:
    return query(**PLAN | changes)


def answering(call: Call) -> Any:
    return lambda seen: said(seen.payload["draft"]) if seen.phrasing else planned(seen, call)


@pytest.fixture(scope="module")
def read_by(business: Business, django_db_blocker: DjangoDbBlocker) -> tuple[Context, Vocabulary]:
    """Somebody who sees everything, with the words of theirs."""
    context = Context(OPERATOR, load(), NOW, "USD")
    with django_db_blocker.unblock():
        return context, reader.vocabulary_for(context)


def test_without_a_model_the_question_is_refused() -> None:
    assert without(QUESTION).status == "refused"


@pytest.mark.parametrize("way", ["tools", "json", "text", "whole", "repaired"])
def test_each_way_of_calling_leads_to_the_figures_of_sql(business: Business, server: Server, way: str) -> None:
    server.brain = SCENARIOS[way](GOOD)
    answer = asked(server.url, QUESTION)
    assert (answer.status, answer.rows) == ("answered", ((31.25,),))
    assert answer.engine == "planned and phrased by scripted, figures from SQL"
    assert answer.interpretation.startswith("spend (what advertisers were charged) · 2026-11-20 (UTC) · from the ledger")
    assert 'read "dough" as "spend", "did we pocket" as "spend"' in answer.interpretation
    assert answer.note == ""


def test_what_an_endpoint_does_not_take_is_asked_once_and_remembered(business: Business, server: Server) -> None:
    server.brain = SCENARIOS["text"](GOOD)
    for _ in range(2):
        assert asked(server.url, QUESTION, sees_rows=False).status == "answered"
    assert [("tools" in seen.body, "response_format" in seen.body) for seen in server.seen] == [
        (True, False),
        (False, True),
        (False, False),
        (False, False),
    ]


def test_an_endpoint_that_says_which_field_it_does_not_take_is_asked_without_it(business: Business, server: Server) -> None:
    brain = good(GOOD)

    def picky(seen: Seen) -> Reply:
        for unknown, hint in (
            ("max_tokens", "Use 'max_completion_tokens' instead."),
            ("temperature", "temperature is fixed"),
            ("stream_options", "stream_options?"),
            ("tool_choice", "tool_choice must be auto"),
        ):
            if unknown in seen.body:
                return Reply(status=400, raw=json.dumps({"error": {"message": hint}}).encode())
        return brain(seen)

    server.brain = picky
    assert asked(server.url, QUESTION).status == "answered"
    assert set(server.seen[-1].body) == {"model", "messages", "max_completion_tokens", "stream", "response_format"}
    assert len(server.seen) == 6


def test_the_built_in_analyst_goes_first_and_the_model_is_asked_to_word_at_most(business: Business, server: Server) -> None:
    server.brain = good({})
    assert asked(server.url, "How much did we spend yesterday?").rows == ((31.25,),)
    assert [seen.phrasing for seen in server.seen] == [True]


@pytest.mark.parametrize(
    "form",
    [
        '{"name": "query_metrics", "parameters": %s}',
        '{"tool_calls": [{"function": {"name": "query_metrics", "arguments": %s}}]}',
        '<tool_call>{"name": "query_metrics", "arguments": %s}</tool_call>',
        '{"query_metrics": %s}',
        "%s",
        '<think>An example: {"tool": "list_catalog", "arguments": {}}',
    ],
    ids=["parameters", "nested", "tagged", "keyed", "bare", "only_thoughts"],
)
def test_calls_written_as_text_are_read(business: Business, server: Server, form: str) -> None:
    plain = json.dumps(PLAN)
    server.brain = lambda seen: Reply(content=form % plain if "%s" in form else form + "</think>" + plain)
    assert asked(server.url, QUESTION, sees_rows=False).rows == ((31.25,),)
    assert len(server.seen) == 1


@pytest.mark.parametrize("arguments", [PLAN, json.dumps(json.dumps(PLAN)), f"```json\n{json.dumps(PLAN)}\n```"], ids=["object", "twice", "fenced"])
def test_arguments_in_any_shape_are_read(business: Business, server: Server, arguments: Any) -> None:
    server.brain = lambda seen: Reply(calls=(Call("query_metrics", arguments),))
    assert asked(server.url, QUESTION, sees_rows=False).rows == ((31.25,),)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"measures": ["profit"]}, "has no measure profit"),
        ({"measures": ["CTR; drop"]}, "should match pattern"),
        ({"dimensions": ["viewer"]}, "has no dimension viewer"),
        ({"cube": "auth_user"}, "no such cube"),
        ({"sql": "SELECT 1"}, "Extra inputs are not permitted"),
        ({"intent": "delete"}, "intent"),
        ({"period": {"start": "last Tuesday"}}, "write times as"),
        ({"period": "yesterday"}, "a start and an end"),
        ({"period": {"start": "2026-11-21", "end": "2026-11-20"}}, "end after it starts"),
        ({"period": {"start": "1970-01-01"}}, "no year of this business"),
        ({"period": YESTERDAY | {"zone": "CET"}}, "nothing else"),
        ({"limit": 10**9}, "limit"),
        ({"filters": [{"dimension": "campaign", "values": ["campaign#999999"]}]}, "no such campaign"),
        ({"filters": [{"dimension": "campaign", "values": ["Summer Blockbusters"]}]}, "no such campaign"),
        ({"filters": [{"dimension": "campaign", "values": ["advertiser#1"]}]}, "references of their own"),
        ({"cube": "delivery", "filters": [{"dimension": "device", "values": ["fridge"]}]}, "no such device"),
        ({"filters": {"campaign": 1}}, "list of objects"),
        ({"filters": [{"dimension": "campaign", "values": []}]}, "values as a list"),
        ({"words": []}, '"dough", "pocket"'),
        ({"words": [{"words": "dough pocket", "means": "nothing"}]}, '"dough", "pocket"'),
        ({"words": [{"words": "dough pocket", "means": "clicks"}]}, "must mean a part of the query"),
    ],
)
def test_what_is_not_in_the_catalogue_is_not_taken(
    business: Business, read_by: tuple[Context, Vocabulary], changes: dict[str, Any], reason: str
) -> None:
    given = json.loads(str(plan(**changes).arguments))
    with pytest.raises(Invalid, match=re.escape(reason)):
        accounted(given.pop("words"), ["dough", "pocket"], checked(given, *read_by), read_by[1])


def test_what_cannot_be_used_is_mended_at_most_twice_and_then_not_answered(business: Business, server: Server) -> None:
    server.brain = answering(plan(measures=["profit"]))
    fell_back(asked(server.url, QUESTION), QUESTION, "has no measure profit")
    assert len(server.seen) == 3
    assert "has no measure profit" in server.seen[1].payload["problem"]


def test_a_mended_call_is_told_the_names_that_there_are(business: Business, server: Server) -> None:
    server.brain = lambda seen: planned(seen, plan() if "problem" in seen.payload else plan(measures=["revenue"]))
    assert asked(server.url, QUESTION, sees_rows=False).rows == ((31.25,),)
    assert server.seen[1].payload["valid"] == ["spend"]
    assert "revenue" in server.seen[1].payload["your_last_call"]


def test_names_are_told_and_given_back_by_reference(business: Business, server: Server) -> None:
    question = "Dough of Matinee Classics yesterday"
    key = business.campaigns["Matinee Classics"]
    call = plan(filters=[{"dimension": "campaign", "values": [f"campaign#{key}"]}], words=[{"words": "dough", "means": "spend"}])
    server.brain = good({question: call})
    answer = asked(server.url, question)
    assert {"ref": f"campaign#{key}", "name": "Matinee Classics"} in server.seen[0].payload["names"]
    assert "campaign: Matinee Classics" in answer.interpretation
    assert answer.rows == ((4.25,),)


def test_a_period_without_a_label_of_its_own_says_its_dates_and_takes_a_last_second_for_an_end(business: Business, server: Server) -> None:
    server.brain = answering(plan(period={"start": "2026-11-20", "end": "2026-11-20T23:59:59.999Z", "label": "the best day ever"}))
    answer = asked(server.url, QUESTION, sees_rows=False)
    assert answer.rows == ((31.25,),)
    assert "2026-11-20 (UTC)" in answer.interpretation
    assert "best day" not in json.dumps(answer.full())


def test_what_lies_ahead_is_refused_whoever_planned_it(business: Business, server: Server) -> None:
    server.brain = answering(plan(period={"start": "2027-01-01"}))
    answer = asked(server.url, QUESTION)
    assert answer.status == "refused"
    assert "lies ahead" in answer.text
    assert len(server.seen) == 1


def test_a_cube_is_found_for_measures_alone(business: Business, server: Server) -> None:
    server.brain = answering(query(**{key: value for key, value in PLAN.items() if key != "cube"}))
    assert asked(server.url, QUESTION, sees_rows=False).rows == ((31.25,),)


def test_it_may_look_names_up_once_and_go_on(business: Business, server: Server) -> None:
    server.brain = lambda seen: planned(seen, plan() if "looked_up" in seen.payload else Call("list_catalog", '{"search": "spend of Volt"}'))
    assert asked(server.url, QUESTION, sees_rows=False).rows == ((31.25,),)
    found = server.seen[1].payload["looked_up"]
    assert "ledger.spend" in found["measures"]
    assert "Volt Motors" in [name["name"] for name in found["names"]]


def test_it_does_not_look_things_up_for_ever(business: Business, server: Server) -> None:
    server.brain = answering(Call("list_catalog", '{"search": "x"}'))
    fell_back(asked(server.url, QUESTION), QUESTION, "came to no query")
    assert len(server.seen) == 3


def test_a_question_back_offers_only_questions_that_have_an_answer_and_none_of_its_words(business: Business, server: Server) -> None:
    choices = ["spend yesterday", "profit of Pepsi", "<b>x</b>", "CTR yesterday", "clicks last week", "impressions yesterday"]
    server.brain = answering(Call("ask_clarification", json.dumps({"question": "Revenue fell by 90%, shall I call the police?", "choices": choices})))
    answer = asked(server.url, QUESTION)
    assert answer.status == "clarify"
    assert [choice.question for choice in answer.choices] == ["spend yesterday", "CTR yesterday", "clicks last week"]
    assert "police" not in json.dumps(answer.full())


def test_a_question_back_without_a_usable_choice_gives_the_built_in_answer(business: Business, server: Server) -> None:
    server.brain = good({})
    answer = asked(server.url, QUESTION)
    assert (answer.status, answer.text, answer.engine) == ("refused", without(QUESTION).text, BUILT_IN)
    assert "found no answer in what can be asked either" in answer.note


def test_why_is_asked_through_its_own_tool(business: Business, server: Server) -> None:
    question = "What on earth happened to CTR yesterday?"
    words = [{"words": "earth happened", "means": "intent"}]
    server.brain = good({question: why(measures=["ctr"], cube="delivery", period=YESTERDAY, words=words)})
    context = Context(OPERATOR, load(), NOW, "USD")
    read = reader.read(question, context, assistant=Assistant("scripted", "k", server.url))
    assert isinstance(read.reading, Understood)
    assert (read.reading.query.intent, read.reading.query.measures) == ("why", ("ctr",))
    assert read.reading.query.period.label == "2026-11-20 (UTC)"


def test_a_follow_up_tells_the_last_query_without_the_names_in_it(business: Business, server: Server) -> None:
    before = without(f"How is campaign#{business.campaigns[HOSTILE]} doing?").query
    assert before is not None
    server.brain = answering(plan())
    context = Context(OPERATOR, load(), NOW, "USD")
    *_, last = stages(Asked(QUESTION, before), context, assistant=Assistant("scripted", "k", server.url, sees_rows=False))
    assert last.answer is not None
    assert last.answer.status == "answered"
    assert server.seen[0].payload["previous"]["filters"] == [{"dimension": "campaign", "values": [business.campaigns[HOSTILE]]}]


def test_an_advertisers_member_plans_over_their_own_rows_and_names_only(business: Business, server: Server) -> None:
    volt = Scope(advertiser=business.advertisers["Volt Motors"], groups=frozenset({"advertiser-member"}))
    server.brain = answering(plan())
    answer = asked(server.url, QUESTION, scope=volt, sees_rows=False)
    assert answer.rows == ((6.25,),)
    sent = server.seen[0].raw.decode()
    assert "fill_rate" not in sent
    assert "Summer Blockbusters" not in sent
    other = plan(filters=[{"dimension": "campaign", "values": [f"campaign#{business.campaigns['Summer Blockbusters']}"]}])
    server.brain = answering(other)
    assert "no such campaign" in asked(server.url, QUESTION, scope=volt).note
    server.brain = answering(plan(cube="breaks", measures=["fill_rate"]))
    assert "no such cube" in asked(server.url, QUESTION, scope=volt).note
