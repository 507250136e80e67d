"""Which sets of schedules have been in effect, so that a worker of an old release does not take the new one's away."""

import deferapp.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("deferapp", "0004_counts_that_only_grow"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeclaredSet",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("fingerprint", models.CharField(max_length=32, unique=True, verbose_name="fingerprint")),
                ("declared_at", deferapp.fields.MomentField(verbose_name="came into effect")),
            ],
            options={
                "verbose_name": "declared set",
                "verbose_name_plural": "declared sets",
            },
        ),
    ]
