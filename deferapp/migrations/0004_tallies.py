import uuid

import deferapp.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('deferapp', '0003_alert_look_at'),
    ]

    operations = [
        migrations.CreateModel(
            name='Fold',
            fields=[
                ('id', models.SmallAutoField(primary_key=True, serialize=False)),
                ('folded_at', deferapp.fields.MomentField(verbose_name='folded')),
            ],
            options={
                'verbose_name': 'fold',
                'verbose_name_plural': 'folds',
            },
        ),
        migrations.AddField(
            model_name='attempt',
            name='place',
            field=models.CharField(blank=True, default='', help_text='Module and function of the innermost frame of the project.', max_length=300, verbose_name='place'),
        ),
        migrations.AddField(
            model_name='tallyentry',
            name='execution_id',
            field=models.UUIDField(default=uuid.uuid4, verbose_name='execution'),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name='tallyentry',
            name='number',
            field=models.PositiveSmallIntegerField(default=0, help_text='0 if it is the end of none.', verbose_name='attempt'),
        ),
        migrations.AlterField(
            model_name='tally',
            name='span',
            field=models.CharField(choices=[('minute', 'minute'), ('hour', 'hour'), ('6hours', 'six hours'), ('day', 'day')], max_length=6, verbose_name='span'),
        ),
    ]
