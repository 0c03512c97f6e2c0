"""Row-level security for the rollups by reason, on the terms of the others (see 0002)."""

from importlib import import_module

from django.db import migrations

before = import_module("insights.migrations.0002_row_level_security")

TABLES = {
    "ads_invalidhour": f"advertiser_id = {before.OWN}",
    "ads_invalidday": f"advertiser_id = {before.OWN}",
    # Nobody's rows in particular: only for those who see everything.
    "ads_unfilledhour": "false",
    "ads_unfilledday": "false",
}


def forwards(apps, schema_editor):
    before.protect(schema_editor, TABLES)


def backwards(apps, schema_editor):
    before.expose(schema_editor, TABLES)


class Migration(migrations.Migration):
    dependencies = [
        ("insights", "0002_row_level_security"),
        ("ads", "0009_invalid_by_reason"),
    ]
    operations = [migrations.RunPython(forwards, backwards)]
