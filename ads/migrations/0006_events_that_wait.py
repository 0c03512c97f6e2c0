"""Events whose order is still to be judged are found by an index of their own. Those stored before there was a closing are judged."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ads", "0005_targeting_includes_and_excludes_caps_in_units"),
    ]

    operations = [
        migrations.RunSQL("UPDATE ads_adevent SET judged_at = received_at WHERE judged_at IS NULL", migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="adevent",
            index=models.Index(condition=models.Q(("judged_at__isnull", True)), fields=["received_at"], name="ad_event_waits"),
        ),
    ]
