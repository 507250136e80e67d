"""When something about an alert may have to be told, so that looking for what is to be told is one index."""

from django.db import migrations

import deferapp.fields


class Migration(migrations.Migration):
    dependencies = [("deferapp", "0002_what_people_look_at")]

    operations = [
        migrations.AddField(
            model_name="alert",
            name="look_at",
            field=deferapp.fields.MomentField(
                db_index=True,
                editable=False,
                help_text="When something about it may have to be told; none once all has been.",
                null=True,
                verbose_name="next look",
            ),
        ),
    ]
