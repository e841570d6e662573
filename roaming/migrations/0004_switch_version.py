"""What the switch keeps in memory is held correct by one row; claims find a receiver's own rows.

A new version is a random value, written in the transaction of the change: visible with its COMMIT,
never before, and never the same twice. (A sequence would be visible before the COMMIT.)
"""

import uuid

from django.db import migrations, models

KEPT_IN_MEMORY = [
    "roaming_operator",
    "roaming_operatoridentifier",
    "roaming_operatorpair",
    "roaming_platform",
    "roaming_platformidentifier",
    "roaming_credential",
    "roaming_roamingendpoint",
    "roaming_agreement",
    "roaming_agreementservice",
    "roaming_agreementsuspension",
]

NEW_VERSION = """
INSERT INTO roaming_switchversion (id, version) VALUES (true, gen_random_uuid());
CREATE FUNCTION new_switch_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE roaming_switchversion SET version = gen_random_uuid();
    RETURN NULL;
END $$;
"""


def new_version_with(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER new_switch_version AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION new_switch_version()",
        f"DROP TRIGGER new_switch_version ON {table}",
    )


class Migration(migrations.Migration):
    dependencies = [("roaming", "0003_given_answer_headers")]

    operations = [
        migrations.CreateModel(
            name="SwitchVersion",
            fields=[
                ("id", models.BooleanField(default=True, primary_key=True, serialize=False)),
                ("version", models.UUIDField(default=uuid.uuid4)),
            ],
        ),
        migrations.AddConstraint(
            model_name="switchversion",
            constraint=models.CheckConstraint(condition=models.Q(("id", True)), name="one_version"),
        ),
        migrations.RunSQL(
            NEW_VERSION,
            "DROP FUNCTION new_switch_version(); DELETE FROM roaming_switchversion",
        ),
        *[new_version_with(table) for table in KEPT_IN_MEMORY],
        migrations.RemoveIndex(model_name="delivery", name="delivery_waiting"),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("state", "waiting")),
                fields=["receiver", "due_at", "id"],
                name="delivery_waiting",
            ),
        ),
    ]
