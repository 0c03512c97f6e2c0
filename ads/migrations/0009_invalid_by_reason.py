"""Events that do not count, by reason; and figures from before gross ones were kept are, as far as is known, gross ones too."""

from django.db import migrations, models

GROSS = """
    UPDATE ads_delivery{grain} SET gross_impressions = greatest(gross_impressions, impressions),
        gross_completed_views = greatest(gross_completed_views, completed_views), gross_clicks = greatest(gross_clicks, clicks)
    WHERE gross_impressions < impressions OR gross_completed_views < completed_views OR gross_clicks < clicks"""


class Migration(migrations.Migration):
    dependencies = [
        ("ads", "0008_forecast_of_one_slot_won"),
    ]

    operations = [
        migrations.RunSQL([GROSS.format(grain=grain) for grain in ("minute", "hour", "day")], migrations.RunSQL.noop),
        migrations.CreateModel(
            name="InvalidDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("bucket", models.DateTimeField()),
                ("advertiser_id", models.BigIntegerField()),
                ("campaign_id", models.BigIntegerField()),
                ("flight_id", models.BigIntegerField()),
                ("ad_id", models.BigIntegerField()),
                ("type", models.CharField(max_length=32)),
                ("reason", models.CharField(max_length=40)),
                ("synthetic", models.BooleanField(default=False)),
                ("events", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("bucket", "ad_id", "flight_id", "campaign_id", "advertiser_id", "type", "reason", "synthetic"), name="invalid_day_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="InvalidHour",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("bucket", models.DateTimeField()),
                ("advertiser_id", models.BigIntegerField()),
                ("campaign_id", models.BigIntegerField()),
                ("flight_id", models.BigIntegerField()),
                ("ad_id", models.BigIntegerField()),
                ("type", models.CharField(max_length=32)),
                ("reason", models.CharField(max_length=40)),
                ("synthetic", models.BooleanField(default=False)),
                ("events", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("bucket", "ad_id", "flight_id", "campaign_id", "advertiser_id", "type", "reason", "synthetic"),
                        name="invalid_hour_key",
                    )
                ],
            },
        ),
    ]
