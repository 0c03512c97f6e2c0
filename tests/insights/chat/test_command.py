"""``manage.py ask``: its contract, whose figures it shows, and what it says to bad arguments."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command

from ads.models import AdvertiserMember
from tests.insights.business import Business

pytestmark = pytest.mark.django_db(databases=["default", "insights"])
KEYS = {"status", "interpretation", "sql", "params", "columns", "rows", "text", "chart"}


def ask(*arguments: str) -> dict[str, Any]:
    out = StringIO()
    call_command("ask", *arguments, "--json", "--now", "2026-11-21T18:30:00+00:00", stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    assert set(answer) == KEYS
    return answer


def member(business: Business, advertiser: str) -> str:
    user = User.objects.create_user(advertiser.split()[0].lower())
    user.groups.add(Group.objects.get_or_create(name="advertiser-member")[0])
    AdvertiserMember.objects.create(user=user, advertiser_id=business.advertisers[advertiser])
    return user.username


def test_it_prints_exactly_the_contract(business: Business) -> None:
    answer = ask("How much did we spend yesterday?")
    assert answer["status"] == "answered"
    assert answer["rows"] == [[31.25]]
    assert answer["columns"] == [{"name": "spend", "label": "spend", "role": "measure", "unit": "money"}]
    assert answer["params"] == {"p1": "2026-11-20", "p2": "2026-11-21"}
    assert answer["chart"] == {"type": "kpi", "x": None, "y": ["spend"]}
    assert "ads_ledgerentry" in answer["sql"]
    assert ask("Drop the campaigns table")["status"] == "refused"
    assert ask("best campaign")["status"] == "clarify"


def test_it_reads_well_without_json(business: Business) -> None:
    out = StringIO()
    call_command("ask", "impressions by device yesterday", "--now", "2026-11-21", stdout=out)
    told = out.getvalue()
    for part in ("tv", "1,550", "Read as: impressions", "SELECT", "built-in analyst (no language model); data as of 2026-11-21 18:29 UTC"):
        assert part in told


def test_members_of_two_advertisers_asking_in_turn_each_see_only_their_own(business: Business) -> None:
    silver, volt = member(business, "Silver Lantern Pictures"), member(business, "Volt Motors")
    for _ in range(3):
        assert ask("spend by advertiser", "--as", silver)["rows"] == [["Silver Lantern Pictures", 206.0]]
        assert ask("spend by advertiser", "--as", volt)["rows"] == [["Volt Motors", 163.0]]


def test_a_member_learns_nothing_of_another_advertisers_names_or_of_the_house(business: Business) -> None:
    volt = member(business, "Volt Motors")
    for question in (
        "How is the Summer Blockbusters campaign doing?",
        "clicks of Silver Lantern Pictures",
        "Sumer Blokbuster clicks",
        "spend on campaign#1",
    ):
        answer = ask(question, "--as", volt)
        assert answer["status"] in ("refused", "clarify")
        assert "Summer Blockbusters" not in answer["text"]
        assert "Silver Lantern" not in answer["text"]
    for question in ("fill rate yesterday", "sessions yesterday", "watch time by title"):
        assert not ask(question, "--as", volt)["sql"]
    assert ask("How is Electric Dawn doing?", "--as", volt)["status"] == "answered"


@pytest.mark.parametrize(
    ("group", "status"), [("executive", "answered"), ("read-only", "answered"), ("viewer", "refused"), ("editor", "refused"), (None, "refused")]
)
def test_it_answers_as_the_user_may_see(business: Business, group: str | None, status: str) -> None:
    user = User.objects.create_user("someone")
    if group:
        user.groups.add(Group.objects.get_or_create(name=group)[0])
    assert ask("How much did we spend yesterday?", "--as", "someone")["status"] == status


def test_somebody_who_left_may_ask_nothing(business: Business) -> None:
    User.objects.create_superuser("gone", is_active=False)
    assert ask("spend yesterday", "--as", "gone")["status"] == "refused"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--as", "nobody"), "no user 'nobody'"),
        (("--now", "yesterday"), "is no time; write it as 2026-11-03"),
        (("--now", "2026-13-01"), "is no time; write it as 2026-11-03"),
        (("--semantic", "/nowhere.yaml"), "cannot read the semantic model"),
    ],
)
def test_bad_arguments_get_one_clear_error(arguments: tuple[str, str], words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("ask", "spend yesterday", *arguments)


def test_a_bad_semantic_file_is_a_clear_error_for_both_commands(tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: x")
    for command in (("ask", "x", "--semantic", str(bad)), ("semantic_grant", str(bad))):
        with pytest.raises(CommandError, match="cubes"):
            call_command(*command)


def test_granting_a_model_over_tables_that_are_not_there_says_which(tmp_path: Path) -> None:
    model = tmp_path / "model.yaml"
    model.write_text("name: x\ncubes: {c: {label: c, tables: {day: no_such}, time: {column: d}, measures: {m: {label: m, description: m, sum: m}}}}")
    with pytest.raises(CommandError, match=r"have: no_such"):
        call_command("semantic_grant", str(model))
