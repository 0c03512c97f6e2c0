"""No semantic model has people read: not by their tables, not by a partition or a view of one, not by a key that leads to them."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection

from insights.semantic.people import TABLES

pytestmark = pytest.mark.django_db
VIEW = "CREATE VIEW someone WITH (security_invoker = true) AS SELECT date_joined, id AS n FROM auth_user"
PART = "CREATE TABLE of_one_day PARTITION OF engagement_playbackevent FOR VALUES FROM ('1999-01-01') TO ('1999-01-02')"


@pytest.mark.parametrize(
    ("made", "table", "time", "figure", "told"),
    [
        ("", "auth_user", "date_joined", "id", "auth_user"),
        ("", "django_session", "expire_date", "session_key", "django_session"),
        ("", "engagement_viewer", "created_at", "id", "engagement_viewer"),
        ("", "engagement_playbacksession", "started_at", "id", "engagement_playbacksession"),
        ("", "insights_conversation", "started_at", "id", "insights_conversation"),
        ("", "insights_message", "asked_at", "milliseconds", "insights_message"),
        ("", "engagement_directordecision", "decided_at", "viewer", "engagement_directordecision.viewer"),
        ("", "ads_ledgerentry", "booked_at", "by_id", "ads_ledgerentry.by_id"),
        (VIEW, "someone", "date_joined", "n", "auth_user"),
        (PART, "of_one_day", "occurred_at", "seq", "of_one_day"),
    ],
    ids=lambda value: value if " " not in value else "made",
)
def test_it_is_refused_in_a_sentence_and_nothing_is_granted(tmp_path: Path, made: str, table: str, time: str, figure: str, told: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(made or "SELECT 1")
    file = tmp_path / "people.yaml"
    measures = f"{{m: {{label: m, description: m, sum: {figure}}}}}"
    file.write_text(f"name: x\ncubes:\n  c:\n    label: c\n    tables: {{day: {table}}}\n    time: {{column: {time}}}\n    measures: {measures}\n")
    before = privileges()
    with pytest.raises(CommandError, match=rf"the model reads (.*, )?{told}\b.*single people; nothing was granted"):
        call_command("semantic_grant", str(file), stdout=StringIO())
    assert privileges() == before


def test_every_table_of_people_is_one_that_there_is() -> None:
    assert {model._meta.db_table for model in apps.get_models(include_auto_created=True)} >= TABLES


def test_the_shipped_model_is_granted() -> None:
    out = StringIO()
    call_command("semantic_grant", stdout=out)
    assert "ads_deliveryday: " in out.getvalue()
    assert not {line.split(":")[0] for line in out.getvalue().splitlines()} & TABLES


def privileges() -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT table_name, column_name FROM information_schema.column_privileges WHERE grantee = 'insights_ro' ORDER BY 1, 2")
        return [(table, column) for table, column in cursor.fetchall()]
