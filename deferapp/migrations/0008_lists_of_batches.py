"""The list of a batch is found by an index, however old and large it is."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("deferapp", "0007_observed_failures"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("batch__isnull", False)),
                fields=["batch", "created_at"],
                name="deferapp_exec_batch_created",
            ),
        ),
    ]
