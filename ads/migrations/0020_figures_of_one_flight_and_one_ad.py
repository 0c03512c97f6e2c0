from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("ads", "0019_errors_that_players_told"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="deliveryday",
            index=models.Index(fields=["ad_id", "bucket"], name="delivery_day_ad"),
        ),
        migrations.AddIndex(
            model_name="deliveryhour",
            index=models.Index(fields=["flight_id", "bucket"], name="delivery_hour_flight"),
        ),
        migrations.AddIndex(
            model_name="invalidday",
            index=models.Index(fields=["flight_id", "bucket"], name="invalid_day_flight"),
        ),
        migrations.AddIndex(
            model_name="invalidhour",
            index=models.Index(fields=["flight_id", "bucket"], name="invalid_hour_flight"),
        ),
    ]
