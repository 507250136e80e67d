"""A due moment outlives its execution, and keeps how that ended."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("deferapp", "0002_what_people_look_at"),
    ]

    operations = [
        migrations.AddField(
            model_name="duemoment",
            name="ended_as",
            field=models.CharField(
                blank=True,
                choices=[
                    ("created", "created"),
                    ("started", "started"),
                    ("succeeded", "succeeded"),
                    ("failed", "failed"),
                    ("cancelled", "cancelled"),
                    ("aborting", "aborting"),
                    ("aborted", "aborted"),
                    ("discarded", "discarded"),
                ],
                default="",
                help_text="The state of its execution, once that is kept no longer.",
                max_length=9,
                verbose_name="ended as",
            ),
        ),
    ]
