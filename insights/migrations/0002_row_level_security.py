"""Row-level security for the read-only role.

Every other role that was granted a table keeps all its rows; the read-only role sees the rows of the advertiser named
in the transaction's ``app.advertiser``, all of them for ``all``, and none when it is not set. The policies speak of the
role by name, so they hold whether or not it exists yet.
"""

from django.db import migrations

OWN = "(SELECT nullif(nullif(current_setting('app.advertiser', true), 'all'), '')::bigint)"
ALL = "(SELECT current_setting('app.advertiser', true) = 'all')"
TABLES = {
    "ads_advertiser": f"id = {OWN}",
    "ads_campaign": f"advertiser_id = {OWN}",
    "ads_flight": OWN.join(("campaign_id IN (SELECT c.id FROM ads_campaign c WHERE c.advertiser_id = ", ")")),
    "ads_ad": OWN.join(("flight_id IN (SELECT f.id FROM ads_flight f JOIN ads_campaign c ON c.id = f.campaign_id WHERE c.advertiser_id = ", ")")),
    "ads_ledgerentry": f"advertiser_id = {OWN}",
    "ads_deliveryminute": f"advertiser_id = {OWN}",
    "ads_deliveryhour": f"advertiser_id = {OWN}",
    "ads_deliveryday": f"advertiser_id = {OWN}",
    # Nobody's rows in particular: only for those who see everything.
    "ads_breakminute": "false",
    "ads_breakhour": "false",
    "ads_breakday": "false",
    "engagement_playbackminute": "false",
    "engagement_playbackhour": "false",
    "engagement_playbackday": "false",
}


def protect(schema_editor, tables):
    for table, own in tables.items():
        schema_editor.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        schema_editor.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        others = "(SELECT current_user <> 'insights_ro')"
        schema_editor.execute(f"CREATE POLICY others_all ON {table} USING ({others}) WITH CHECK ({others})")
        schema_editor.execute(f"CREATE POLICY insights_scope ON {table} FOR SELECT USING (current_user = 'insights_ro' AND ({ALL} OR {own}))")


def expose(schema_editor, tables):
    for table in tables:
        schema_editor.execute(f"DROP POLICY others_all ON {table}")
        schema_editor.execute(f"DROP POLICY insights_scope ON {table}")
        schema_editor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        schema_editor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")


def forwards(apps, schema_editor):
    protect(schema_editor, TABLES)


def backwards(apps, schema_editor):
    expose(schema_editor, TABLES)


class Migration(migrations.Migration):
    dependencies = [
        ("insights", "0001_initial"),
        ("ads", "0001_initial"),
        ("engagement", "0001_initial"),
    ]
    operations = [migrations.RunPython(forwards, backwards)]
