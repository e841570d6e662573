"""Rules that hold in the database, not only in Python (house.md, storage.md, domain.md).

Append-only tables, the registry that guards SDR references, test and live kept apart by composite
foreign keys, agreements that nobody can activate alone or change afterwards. All reversible.
"""

from django.db import migrations

APPEND_ONLY = [
    "roaming_journalentry",
    "roaming_tariffversion",
    "roaming_identificationversion",
    "roaming_chargingupdate",
    "roaming_chargeplan",
    "roaming_sdr",
    "roaming_sdrevent",
]

FORBID_CHANGE = """
CREATE FUNCTION forbid_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is not allowed', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END $$;
"""

REGISTRY_GUARD = """
CREATE FUNCTION sdr_must_be_registered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM fresh
        LEFT JOIN roaming_sdrregistry registry ON registry.sdr_id = fresh.id
        WHERE registry.sdr_id IS NULL
    ) THEN
        RAISE EXCEPTION 'an SDR was inserted without its entry in the registry'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER sdr_is_registered AFTER INSERT ON roaming_sdr
    REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION sdr_must_be_registered();
"""

TERMS_STAY = """
CREATE FUNCTION agreement_terms_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- From the proposal on, what a party has accepted is what the other one accepts.
    IF OLD.status <> 'draft' AND (
        to_jsonb(NEW) - 'status' - 'validity' <> to_jsonb(OLD) - 'status' - 'validity'
        OR lower(NEW.validity) <> lower(OLD.validity)
        OR coalesce(upper(NEW.validity), 'infinity') > coalesce(upper(OLD.validity), 'infinity')
        OR NEW.status = 'draft'
        OR (NEW.status = 'proposed' AND OLD.status <> 'proposed')
        OR (OLD.status = 'ended' AND NEW.status <> 'ended')
    ) THEN
        RAISE EXCEPTION 'the terms of a proposed agreement never change: make a new one'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER agreement_terms_stay BEFORE UPDATE ON roaming_agreement
    FOR EACH ROW EXECUTE FUNCTION agreement_terms_stay();

CREATE FUNCTION agreement_needs_both_parties() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status IN ('active', 'suspended', 'ended') AND 2 <> (
        SELECT count(DISTINCT party) FROM roaming_agreementacceptance
        WHERE agreement_id = NEW.id
    ) THEN
        RAISE EXCEPTION 'an agreement becomes active by the acceptance of both parties'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER agreement_needs_both_parties
    AFTER INSERT OR UPDATE OF status ON roaming_agreement
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION agreement_needs_both_parties();
"""


def append_only(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION forbid_change()",
        f"DROP TRIGGER append_only ON {table}",
    )


def same_environment(table: str, column: str, target: str) -> migrations.RunSQL:
    name = f"{table}_{column}_same_environment"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({column}, environment) "
        f"REFERENCES {target} (id, environment)",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("roaming", "0001_first")]

    operations = [
        migrations.RunSQL(
            "CREATE SEQUENCE roaming_sdr_arrival OWNED BY roaming_sdr.arrival; "
            "ALTER TABLE roaming_sdr ALTER COLUMN arrival "
            "SET DEFAULT nextval('roaming_sdr_arrival')",
            "ALTER TABLE roaming_sdr ALTER COLUMN arrival DROP DEFAULT; "
            "DROP SEQUENCE roaming_sdr_arrival",
        ),
        migrations.RunSQL(FORBID_CHANGE, "DROP FUNCTION forbid_change()"),
        *[append_only(table) for table in APPEND_ONLY],
        migrations.RunSQL(
            REGISTRY_GUARD,
            "DROP TRIGGER sdr_is_registered ON roaming_sdr; DROP FUNCTION sdr_must_be_registered()",
        ),
        migrations.RunSQL(
            TERMS_STAY,
            "DROP TRIGGER agreement_needs_both_parties ON roaming_agreement; "
            "DROP FUNCTION agreement_needs_both_parties(); "
            "DROP TRIGGER agreement_terms_stay ON roaming_agreement; "
            "DROP FUNCTION agreement_terms_stay()",
        ),
        same_environment("roaming_platformidentifier", "platform_id", "roaming_platform"),
        same_environment("roaming_credential", "platform_id", "roaming_platform"),
        same_environment("roaming_delivery", "receiver_id", "roaming_platform"),
        same_environment("roaming_journalentry", "sender_id", "roaming_platform"),
        same_environment("roaming_sdr", "sent_by_id", "roaming_platform"),
        same_environment("roaming_sdr", "agreement_id", "roaming_agreement"),
        same_environment("roaming_servicesession", "agreement_id", "roaming_agreement"),
        same_environment("roaming_evse", "site_id", "roaming_site"),
        same_environment("roaming_command", "asked_by_id", "roaming_platform"),
        migrations.RunSQL(
            "ALTER TABLE roaming_agreementservice ADD CONSTRAINT agreement_service_terms "
            "FOREIGN KEY (agreement_id, environment, visited_cso_id, home_csp_id, validity) "
            "REFERENCES roaming_agreement "
            "(id, environment, visited_cso_id, home_csp_id, validity) ON UPDATE CASCADE",
            "ALTER TABLE roaming_agreementservice DROP CONSTRAINT agreement_service_terms",
        ),
    ]
