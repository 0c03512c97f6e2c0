from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("insights", "0006_what_can_be_asked")]

    operations = [
        migrations.AlterModelOptions(name="feedback", options={"ordering": ["-given_at"], "verbose_name_plural": "feedback"}),
        migrations.AlterModelOptions(
            name="verifiedquery",
            options={
                "ordering": ["question"],
                "permissions": [("verify_verifiedquery", "Can verify and reject questions")],
                "verbose_name_plural": "verified queries",
            },
        ),
    ]
