"""How much a worker does at once."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deferapp", "0004_tallies")]

    operations = [
        migrations.AddField(
            model_name="worker",
            name="slots",
            field=models.PositiveIntegerField(
                help_text="Messages that it works on at once; null until it says so.", null=True, verbose_name="slots"
            ),
        ),
    ]
