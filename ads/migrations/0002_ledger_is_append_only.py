"""The database itself refuses to change or delete a ledger entry: a correction is a reversal."""

from django.db import migrations

FORWARDS = """
CREATE FUNCTION ads_ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger entries are never changed or deleted; write a reversal';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ads_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION ads_ledger_is_append_only();
"""
BACKWARDS = "DROP TRIGGER append_only ON ads_ledgerentry; DROP FUNCTION ads_ledger_is_append_only();"


class Migration(migrations.Migration):
    dependencies = [("ads", "0001_initial")]
    operations = [migrations.RunSQL(FORWARDS, BACKWARDS)]
