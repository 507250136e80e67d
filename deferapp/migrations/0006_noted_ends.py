"""Ends of attempts that are noted one by one, to be settled together."""

from django.db import migrations, models

import deferapp.fields


class Migration(migrations.Migration):
    dependencies = [
        ("deferapp", "0005_sets_of_schedules"),
    ]

    operations = [
        migrations.CreateModel(
            name="EndNote",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("claim", models.UUIDField(db_index=True)),
                ("execution_id", models.UUIDField()),
                ("started_at", deferapp.fields.MomentField()),
                ("ended_at", deferapp.fields.MomentField()),
                ("result_json", models.TextField(null=True)),
            ],
            options={
                "default_permissions": (),
            },
        ),
    ]
