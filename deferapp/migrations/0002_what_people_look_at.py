"""What people look at: tallies, error groups, logs of attempts, incidents and their deliveries, and bulk changes.

Besides: ends that are noted, due moments that outlive their executions, sets of schedules that were in effect.

And an index by which PostgreSQL finds the executions that have some metadata; of those that have none it knows nothing.
No other database has such an index, so the models know nothing of it.
"""

import deferapp.clock
import deferapp.executions.ids
import deferapp.fields
import django.db.models.deletion
from django.db import migrations, models


BY_METADATA = "deferapp_exec_metadata"


def index_metadata(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        table = schema_editor.quote_name(apps.get_model("deferapp", "Execution")._meta.db_table)
        schema_editor.execute(
            f"CREATE INDEX {BY_METADATA} ON {table} USING gin (metadata jsonb_path_ops) "
            "WHERE NOT (metadata = '{}'::jsonb)",
            params=None,
        )


def drop_index(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX IF EXISTS {BY_METADATA}", params=None)


class Migration(migrations.Migration):
    dependencies = [
        ("deferapp", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="AttemptLog",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.PositiveSmallIntegerField(verbose_name="attempt")),
                (
                    "lines",
                    models.JSONField(
                        default=list, help_text="Each is a moment, a level, a logger and a text.", verbose_name="lines"
                    ),
                ),
                ("dropped", models.PositiveIntegerField(default=0, verbose_name="dropped lines")),
            ],
            options={
                "verbose_name": "log of an attempt",
                "verbose_name_plural": "logs of attempts",
                "ordering": ["execution", "number"],
            },
        ),
        migrations.CreateModel(
            name="BulkChange",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=deferapp.executions.ids.new_id,
                        editable=False,
                        help_text="The form's, so that it is asked for once.",
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[("retry", "retry"), ("cancel", "cancel"), ("abort", "abort")],
                        max_length=6,
                        verbose_name="action",
                    ),
                ),
                (
                    "filters",
                    models.JSONField(default=dict, help_text="The parameters of the list.", verbose_name="filters"),
                ),
                ("created_at", deferapp.fields.MomentField(default=deferapp.clock.now, verbose_name="created")),
                (
                    "created_by",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="The person's user name.",
                        max_length=150,
                        verbose_name="created by",
                    ),
                ),
                (
                    "matched",
                    models.PositiveIntegerField(
                        help_text="How many there were, counted up to a limit.", verbose_name="matched"
                    ),
                ),
                ("looked_at", models.PositiveIntegerField(default=0, verbose_name="looked at")),
                (
                    "done",
                    models.PositiveIntegerField(
                        default=0, help_text="Others had moved on by themselves.", verbose_name="done"
                    ),
                ),
                ("place", models.CharField(default="", editable=False, max_length=200, verbose_name="place")),
                ("ended_at", deferapp.fields.MomentField(null=True, verbose_name="ended")),
            ],
            options={
                "verbose_name": "bulk change",
                "verbose_name_plural": "bulk changes",
                "ordering": ["-created_at"],
            },
        ),
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
        migrations.CreateModel(
            name="Delivery",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "channel",
                    models.CharField(help_text="Its name in the settings.", max_length=200, verbose_name="channel"),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("opened", "opened"),
                            ("update", "update"),
                            ("reminder", "reminder"),
                            ("recovered", "recovered"),
                            ("digest", "digest"),
                        ],
                        max_length=9,
                        verbose_name="kind",
                    ),
                ),
                (
                    "count",
                    models.PositiveIntegerField(
                        default=1, help_text="The alert's when this message was made.", verbose_name="count"
                    ),
                ),
                ("created_at", deferapp.fields.MomentField(default=deferapp.clock.now, verbose_name="created")),
                (
                    "due_at",
                    deferapp.fields.MomentField(
                        help_text="When it is sent, or tried again; none once that is over.",
                        null=True,
                        verbose_name="due",
                    ),
                ),
                ("tries", models.PositiveSmallIntegerField(default=0, verbose_name="tries")),
                ("sent_at", deferapp.fields.MomentField(null=True, verbose_name="sent")),
                ("error", models.CharField(blank=True, default="", max_length=500, verbose_name="error")),
                (
                    "reference",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="By which the channel knows it.",
                        max_length=200,
                        verbose_name="reference",
                    ),
                ),
            ],
            options={
                "verbose_name": "delivery",
                "verbose_name_plural": "deliveries",
                "ordering": ["-created_at", "-id"],
            },
        ),
        migrations.CreateModel(
            name="DeployMark",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("label", models.CharField(max_length=100, verbose_name="label")),
                ("marked_at", deferapp.fields.MomentField(db_index=True, verbose_name="at")),
            ],
            options={
                "verbose_name": "deploy mark",
                "verbose_name_plural": "deploy marks",
                "ordering": ["-marked_at"],
            },
        ),
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
        migrations.CreateModel(
            name="ErrorGroup",
            fields=[
                ("key", models.CharField(max_length=16, primary_key=True, serialize=False, verbose_name="key")),
                ("function", models.CharField(max_length=200, verbose_name="function")),
                ("error_type", models.CharField(blank=True, max_length=200, verbose_name="error type")),
                (
                    "place",
                    models.CharField(
                        blank=True,
                        help_text="Module and function of the innermost frame of the project.",
                        max_length=300,
                        verbose_name="place",
                    ),
                ),
                (
                    "message",
                    models.CharField(
                        blank=True, help_text="Of the last one, its first line.", max_length=500, verbose_name="message"
                    ),
                ),
                ("first_at", deferapp.fields.MomentField(verbose_name="first")),
                ("last_at", deferapp.fields.MomentField(verbose_name="last")),
                ("last_execution_id", models.UUIDField(null=True, verbose_name="last execution")),
            ],
            options={
                "verbose_name": "error",
                "verbose_name_plural": "errors",
                "ordering": ["-last_at"],
            },
        ),
        migrations.CreateModel(
            name="Fold",
            fields=[
                ("id", models.SmallAutoField(primary_key=True, serialize=False)),
                ("folded_at", deferapp.fields.MomentField(verbose_name="folded")),
            ],
            options={
                "verbose_name": "fold",
                "verbose_name_plural": "folds",
            },
        ),
        migrations.CreateModel(
            name="ObservedFailure",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "function",
                    models.CharField(
                        help_text="The task's name, after `celery:`.", max_length=200, verbose_name="task"
                    ),
                ),
                ("task_id", models.CharField(max_length=255, verbose_name="task id")),
                (
                    "run",
                    models.UUIDField(
                        help_text="The task's id, as tallies and groups of errors know it.", verbose_name="run"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField(default=1, verbose_name="number")),
                ("is_retried", models.BooleanField(default=False, verbose_name="retried")),
                ("worker", models.CharField(blank=True, default="", max_length=300, verbose_name="worker")),
                (
                    "enqueued_by",
                    models.CharField(
                        blank=True,
                        default="",
                        help_text="An execution's id, or a process.",
                        max_length=300,
                        verbose_name="enqueued by",
                    ),
                ),
                ("started_at", deferapp.fields.MomentField(null=True, verbose_name="started")),
                ("ended_at", deferapp.fields.MomentField(verbose_name="ended")),
                ("error_code", models.CharField(blank=True, default="", max_length=6, verbose_name="error code")),
                ("error_type", models.CharField(blank=True, default="", max_length=200, verbose_name="error type")),
                ("error_message", models.TextField(blank=True, default="", verbose_name="error message")),
                ("traceback", models.TextField(blank=True, default="", verbose_name="traceback")),
                ("place", models.CharField(blank=True, default="", max_length=300, verbose_name="place")),
                ("error_key", models.CharField(blank=True, default="", max_length=16, verbose_name="error group")),
            ],
            options={
                "verbose_name": "failure of an observed task",
                "verbose_name_plural": "failures of observed tasks",
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Tally",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "span",
                    models.CharField(
                        choices=[
                            ("minute", "minute"),
                            ("hour", "hour"),
                            ("6hours", "six hours"),
                            ("day", "day"),
                            ("ever", "ever"),
                        ],
                        max_length=6,
                        verbose_name="span",
                    ),
                ),
                ("begins_at", deferapp.fields.MomentField(verbose_name="from")),
                ("function", models.CharField(max_length=200, verbose_name="function")),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("succeeded", "succeeded"),
                            ("retried", "retried"),
                            ("failed", "failed"),
                            ("cancelled", "cancelled"),
                            ("discarded", "discarded"),
                        ],
                        max_length=9,
                        verbose_name="outcome",
                    ),
                ),
                ("error_key", models.CharField(default="", max_length=16, verbose_name="error group")),
                ("count", models.PositiveBigIntegerField(default=0, verbose_name="count")),
                ("waits", models.JSONField(default=dict, verbose_name="waits")),
                ("durations", models.JSONField(default=dict, verbose_name="durations")),
            ],
            options={
                "verbose_name": "tally",
                "verbose_name_plural": "tallies",
                "ordering": ["span", "begins_at", "function"],
            },
        ),
        migrations.CreateModel(
            name="TallyEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("function", models.CharField(max_length=200, verbose_name="function")),
                (
                    "outcome",
                    models.CharField(
                        choices=[
                            ("succeeded", "succeeded"),
                            ("retried", "retried"),
                            ("failed", "failed"),
                            ("cancelled", "cancelled"),
                            ("discarded", "discarded"),
                        ],
                        max_length=9,
                        verbose_name="outcome",
                    ),
                ),
                ("ended_at", deferapp.fields.MomentField(verbose_name="ended")),
                ("wait", models.DurationField(help_text="From due to start.", null=True, verbose_name="wait")),
                ("duration", models.DurationField(null=True, verbose_name="duration")),
                ("error_key", models.CharField(default="", max_length=16, verbose_name="error group")),
                ("execution_id", models.UUIDField(verbose_name="execution")),
                (
                    "number",
                    models.PositiveSmallIntegerField(
                        default=0, help_text="0 if it is the end of none.", verbose_name="attempt"
                    ),
                ),
            ],
            options={
                "verbose_name": "tally entry",
                "verbose_name_plural": "tally entries",
            },
        ),
        migrations.AlterModelOptions(
            name="execution",
            options={
                "ordering": ["-created_at", "-id"],
                "permissions": [
                    ("view_execution_values", "Can view the arguments, results and logs of executions"),
                    ("run_execution", "Can run functions"),
                    ("retry_execution", "Can retry executions"),
                    ("cancel_execution", "Can cancel executions"),
                ],
                "verbose_name": "execution",
                "verbose_name_plural": "executions",
            },
        ),
        migrations.AlterModelOptions(
            name="schedule",
            options={
                "ordering": ["function"],
                "permissions": [("pause_schedule", "Can pause and resume schedules and functions")],
                "verbose_name": "schedule",
                "verbose_name_plural": "schedules",
            },
        ),
        migrations.AddField(
            model_name="alert",
            name="count",
            field=models.PositiveIntegerField(
                default=1, help_text="How often it has happened while open.", verbose_name="count"
            ),
        ),
        migrations.AddField(
            model_name="alert",
            name="details",
            field=models.JSONField(
                default=dict,
                help_text="What a message about it needs besides: function, parent, ids and so on.",
                verbose_name="details",
            ),
        ),
        migrations.AddField(
            model_name="alert",
            name="last_at",
            field=deferapp.fields.MomentField(
                default=deferapp.clock.now, help_text="When it last happened.", verbose_name="last"
            ),
        ),
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
        migrations.AddField(
            model_name="attempt",
            name="due_at",
            field=deferapp.fields.MomentField(
                help_text="Since when it could have started.", null=True, verbose_name="due"
            ),
        ),
        migrations.AddField(
            model_name="attempt",
            name="error_key",
            field=models.CharField(
                blank=True,
                default="",
                help_text="That of the same errors: `ErrorGroup`.",
                max_length=16,
                verbose_name="error group",
            ),
        ),
        migrations.AddField(
            model_name="attempt",
            name="place",
            field=models.CharField(
                blank=True,
                default="",
                help_text="Module and function of the innermost frame of the project.",
                max_length=300,
                verbose_name="place",
            ),
        ),
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
        migrations.AddField(
            model_name="schedule",
            name="edited_by",
            field=models.CharField(
                blank=True, default="", help_text="The person's user name.", max_length=150, verbose_name="edited by"
            ),
        ),
        migrations.AddField(
            model_name="worker",
            name="slots",
            field=models.PositiveIntegerField(
                help_text="Messages that it works on at once; null until it says so.", null=True, verbose_name="slots"
            ),
        ),
        migrations.AlterField(
            model_name="alert",
            name="kind",
            field=models.CharField(
                choices=[
                    ("beat_silent", "beat is silent"),
                    ("workers_silent", "no worker is running"),
                    ("queue_old", "work waits for long"),
                    ("schedule_missed", "a schedule did not run"),
                    ("failures", "executions fail"),
                    ("undelivered", "mail could not be delivered"),
                ],
                max_length=40,
                verbose_name="kind",
            ),
        ),
        migrations.AddIndex(
            model_name="attempt",
            index=models.Index(
                condition=models.Q(("error_key", ""), _negated=True),
                fields=["error_key", "ended_at"],
                name="deferapp_attempt_error",
            ),
        ),
        migrations.AddIndex(
            model_name="execution",
            index=models.Index(
                condition=models.Q(("batch__isnull", False)),
                fields=["batch", "created_at"],
                name="deferapp_exec_batch_created",
            ),
        ),
        migrations.AddField(
            model_name="attemptlog",
            name="execution",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="logs",
                to="deferapp.execution",
                verbose_name="execution",
            ),
        ),
        migrations.AddField(
            model_name="delivery",
            name="alert",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="deferapp.alert",
                verbose_name="alert",
            ),
        ),
        migrations.AddIndex(
            model_name="errorgroup",
            index=models.Index(fields=["last_at"], name="deferapp_error_last"),
        ),
        migrations.AddIndex(
            model_name="observedfailure",
            index=models.Index(fields=["function", "id"], name="deferapp_observed_function"),
        ),
        migrations.AddIndex(
            model_name="tally",
            index=models.Index(fields=["span", "function", "begins_at"], name="deferapp_tally_function"),
        ),
        migrations.AddConstraint(
            model_name="tally",
            constraint=models.UniqueConstraint(
                fields=("span", "begins_at", "function", "outcome", "error_key"), name="deferapp_tally_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="attemptlog",
            constraint=models.UniqueConstraint(fields=("execution", "number"), name="deferapp_attempt_log_once"),
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(fields=["due_at"], name="deferapp_delivery_due"),
        ),
        migrations.RunPython(index_metadata, drop_index),
    ]
