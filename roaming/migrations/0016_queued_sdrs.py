"""Whatever waits for a person has its money at stake, and an index to walk its queue by."""

from django.db import migrations, models

QUEUED = "('unmatched', 'deviating', 'not_ratable', 'disputed')"
# Where no finding puts money in doubt, the whole claim is: a refused credit, a home-CSP's no.
AT_STAKE = f"""
CREATE FUNCTION queued_sdr_has_money_at_stake() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.money_at_stake := (
        SELECT abs(claim_before_tax) FROM roaming_sdr WHERE id = NEW.sdr_id
    );
    RETURN NEW;
END $$;
CREATE TRIGGER queued_sdr_has_money_at_stake BEFORE INSERT OR UPDATE ON roaming_sdrstate
    FOR EACH ROW WHEN (NEW.state IN {QUEUED} AND NEW.money_at_stake IS NULL)
    EXECUTE FUNCTION queued_sdr_has_money_at_stake();
UPDATE roaming_sdrstate SET money_at_stake = NULL
WHERE state IN {QUEUED} AND money_at_stake IS NULL;
"""  # noqa: S608  constants of this module
NO_LONGER = """
DROP TRIGGER queued_sdr_has_money_at_stake ON roaming_sdrstate;
DROP FUNCTION queued_sdr_has_money_at_stake();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("roaming", "0015_dispute_email"),
    ]

    operations = [
        migrations.RunSQL(AT_STAKE, NO_LONGER),
        migrations.AddIndex(
            model_name="sdrstate",
            index=models.Index(
                condition=models.Q(
                    ("state__in", ["unmatched", "deviating", "not_ratable", "disputed"])
                ),
                fields=["environment", "state", "sdr"],
                include=("visible_at", "money_at_stake"),
                name="sdr_queued",
            ),
        ),
    ]
