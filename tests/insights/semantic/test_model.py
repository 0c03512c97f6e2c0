"""The semantic model's file: what is checked when it is loaded, and that another file over other tables just works."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, connections
from pytest_django.plugin import DjangoDbBlocker

from insights.semantic.loading import SemanticModelError, load, parse

BAKERY = Path(__file__).parent / "bakery.yaml"
SMALLEST = "name: x\ncubes:\n  c:\n    label: c\n    tables: {day: t}\n    time: {column: d}\n    measures: {m: {label: m, description: m, sum: m}}\n"


@pytest.fixture(scope="module")
def bakery(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE bakery_shop (code text PRIMARY KEY, title text, town text, owner_phone text)")
            cursor.execute("CREATE TABLE bakery_sale (sold_on date, shop_code text, product text, pieces int, cents bigint)")
            cursor.execute("INSERT INTO bakery_shop VALUES ('n', 'North Gate', 'Bern', '1'), ('h', 'Harbor Side', 'Basel', '2')")
            cursor.execute(
                "INSERT INTO bakery_sale VALUES ('2026-11-20', 'n', 'bread', 10, 4500), ('2026-11-20', 'h', 'cake', 4, 2000),"
                " ('2026-11-19', 'n', 'cake', 1, 500)"
            )
        yield
        connections["insights"].close()
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE bakery_shop, bakery_sale")


def ask(question: str) -> dict[str, Any]:
    out = StringIO()
    call_command("ask", question, "--json", "--now", "2026-11-21T12:00", "--semantic", str(BAKERY), stdout=out)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


@pytest.mark.django_db(databases=["default", "insights"])
def test_before_the_grant_the_role_cannot_read_it_and_the_answer_says_what_to_do(bakery: None) -> None:
    assert "semantic_grant" in ask("takings yesterday")["text"]


@pytest.fixture(scope="module")
def granted(bakery: None, django_db_blocker: DjangoDbBlocker) -> None:
    with django_db_blocker.unblock():
        call_command("semantic_grant", str(BAKERY), stdout=StringIO())


@pytest.mark.django_db(databases=["default", "insights"])
@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("How were takings yesterday?", [[65]]),
        ("takings by town yesterday", [["Bern", 45], ["Basel", 20]]),
        ("pieces of cake by shop", [["Harbor Side", 4], ["North Gate", 1]]),
        ("average price at North Gate", [[50 / 11, 50, 11]]),
        ("which shop had the highest turnover", [["North Gate", 50], ["Harbor Side", 20]]),
        ("takings by day", [["2026-11-19", 5], ["2026-11-20", 65]]),
        ("how is North Gate doing", [[50, 11]]),
    ],
)
def test_another_business_needs_a_file_and_a_grant_and_no_code(granted: None, question: str, rows: list[list[Any]]) -> None:
    answer = ask(question)
    assert answer["status"] == "answered", answer["text"]
    assert answer["rows"] == [[pytest.approx(value) if isinstance(value, float) else value for value in row] for row in rows]


@pytest.mark.django_db(databases=["default", "insights"])
def test_our_words_mean_nothing_to_the_bakery_and_hours_are_not_kept(granted: None) -> None:
    assert ask("How is the Summer Blockbusters campaign doing?")["status"] == "refused"
    assert "kept by day" in ask("takings in the last 24 hours")["text"]


@pytest.mark.django_db(databases=["default", "insights"])
def test_only_the_columns_the_file_names_are_granted(granted: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_column_privilege('insights_ro', 'bakery_shop', 'title', 'SELECT'), has_column_privilege('insights_ro', 'bakery_shop', 'owner_phone', 'SELECT')"
        )
        assert cursor.fetchone() == (True, False)


def test_the_smallest_model_is_a_model() -> None:
    assert parse(SMALLEST, source="x").cubes["c"].measures["m"].label == "m"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be a mapping"),
        ("- 1", "must be a mapping"),
        ("name: [", "not valid YAML"),
        ("name: x\ncubes: {}", "cubes"),
        (SMALLEST + "surprise: 1", "surprise"),
        (SMALLEST.replace("sum: m", "sum: 'm; DROP TABLE x'"), "sum"),
        (SMALLEST.replace("sum: m", "sum: m, ratio: {numerator: m, denominator: m}"), "not sum and ratio"),
        (SMALLEST.replace(", sum: m", ""), "not none of them"),
        (SMALLEST.replace("sum: m", "value: m"), "needs 'keys'"),
        (SMALLEST.replace("label: c\n", "label: c\n    keys: [d]\n"), "d is not"),
        (SMALLEST.replace("sum: m", "sketch: m, additive: all"), "cannot be added up"),
        (SMALLEST.replace("sum: m", "sum: m, additive: none"), "make it a 'value'"),
        (SMALLEST.replace("sum: m", "sketch: m, divide: 2"), "belongs to a sum"),
        (SMALLEST.replace("    time: {column: d}\n", ""), "tables: {now: TABLE}"),
        (SMALLEST.replace("day: t", "now: t"), "needs the key 'day'"),
        (SMALLEST.replace("day: t", "day: t, hour: t").replace("column: d", "column: d, type: date"), "holds no hours"),
        (SMALLEST.replace("label: c\n", "label: c\n    least: {measure: z, count: 5}\n"), "least counts a sum"),
        (SMALLEST.replace("label: c\n", "label: c\n    label: d\n"), "'label' stands twice"),
        (SMALLEST.replace("sum: m", "ratio: {numerator: a, denominator: b}"), "no summed measure"),
        (SMALLEST.replace("day: t", "hour: t"), "needs the key 'day'"),
        (SMALLEST.replace("label: c\n", "label: c\n    dimensions: {d: e}\n"), "unknown dimension 'd'"),
        (SMALLEST.replace("label: c\n", "label: c\n    overview: [z]\n"), "unknown measures: z"),
        (SMALLEST + "ambiguous: {w: [z]}", "unknown measures: z"),
        (
            "name: x\ndimensions: {a: {label: a, plural: a}, b: {label: b, plural: b}}\n"
            + SMALLEST[8:].replace("label: c\n", "label: c\n    dimensions: {a: a, b: {through: a, column: c}}\n"),
            "entity dimension",
        ),
    ],
)
def test_a_bad_file_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(SemanticModelError, match=words):
        parse(text, source="mine.yaml")


def test_kinds_decide_what_may_be_added_up_and_time_brings_its_dimensions() -> None:
    cube = parse(SMALLEST, source="x").cubes["c"]
    assert (cube.measures["m"].kind, cube.measures["m"].adds, cube.time_dimensions) == ("sum", "all", ("weekday",))
    state = parse(SMALLEST.replace("    time: {column: d}\n", "").replace("day: t", "now: t"), source="x").cubes["c"]
    assert (state.table_for(None, hourly=False), state.time_dimensions) == ("t", ())


def test_a_folder_is_one_model_and_says_what_stands_in_two_files(tmp_path: Path) -> None:
    (tmp_path / "1.yaml").write_text("name: x\ndimensions: {d: {label: d, plural: ds}}\nexamples: [one]")
    (tmp_path / "2.yaml").write_text(SMALLEST[8:] + "examples: [two]")
    model = load(tmp_path)
    assert (set(model.cubes), model.examples) == ({"c"}, ("one", "two"))
    (tmp_path / "3.yaml").write_text(SMALLEST[8:])
    with pytest.raises(SemanticModelError, match=r"3.yaml: cubes c stand in another file"):
        load(tmp_path)
    (tmp_path / "3.yaml").write_text("name: y")
    with pytest.raises(SemanticModelError, match=r"'name' stands in another file"):
        load(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(SemanticModelError, match=r"no file that ends in \.yaml"):
        load(tmp_path / "empty")


def test_a_missing_file_is_said_and_the_shipped_one_loads() -> None:
    with pytest.raises(SemanticModelError, match="cannot read"):
        load("/nowhere/model.yaml")
    assert {"ledger", "delivery", "flights", "lost", "playback", "director", "experiments", "models"} <= set(load().cubes)


def test_no_table_with_viewers_sessions_or_people_is_within_the_models_reach() -> None:
    reach = load().columns()
    assert not {"viewer", "session", "user_id", "ip_hash", "ua_hash", "email"} & set().union(*reach.values())
    assert not {
        table for table in reach if table.startswith(("auth_", "engagement_viewer", "engagement_playbacksession", "ads_decision", "ads_adevent"))
    }
