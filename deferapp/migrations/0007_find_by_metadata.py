"""An index by which PostgreSQL finds the executions that have some metadata; of those that have none it knows nothing.

No other database has such an index, so the models know nothing of it either.
"""

from django.db import migrations

NAME = "deferapp_exec_metadata"


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        table = schema_editor.quote_name(apps.get_model("deferapp", "Execution")._meta.db_table)
        schema_editor.execute(
            f"CREATE INDEX {NAME} ON {table} USING gin (metadata jsonb_path_ops) WHERE NOT (metadata = '{{}}'::jsonb)",
            params=None,
        )


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX IF EXISTS {NAME}", params=None)


class Migration(migrations.Migration):
    dependencies = [("deferapp", "0006_bulk_changes")]
    operations = [migrations.RunPython(create, drop)]
