"""Money rules that hold in the database, not only in Python (settlement.md, sections 4 and 5).

Balanced entries of two postings or more, checked at COMMIT; nothing in the ledger is changed, removed
or added to later; positions of a period sum to zero; what is final stays as it is. All reversible.
"""

from django.db import migrations

PERIOD = "settlement_settlementperiod"
OF_A_PERIOD = [
    "settlement_statement",
    "settlement_feecharge",
    "settlement_netposition",
    "settlement_netpayment",
]

BALANCED = """
CREATE FUNCTION entry_must_balance(entry bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM settlement_posting WHERE entry_id = entry
        GROUP BY currency HAVING sum(amount) <> 0
    ) THEN
        RAISE EXCEPTION 'the postings of entry % do not sum to zero', entry
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF 2 > (SELECT count(*) FROM settlement_posting WHERE entry_id = entry) THEN
        RAISE EXCEPTION 'entry % has fewer than two postings', entry
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
END $$;

CREATE FUNCTION entry_is_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM entry_must_balance(NEW.id);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER entry_is_balanced AFTER INSERT ON settlement_ledgerentry
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION entry_is_balanced();

CREATE FUNCTION posting_is_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM entry_must_balance(NEW.entry_id);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER posting_is_balanced AFTER INSERT ON settlement_posting
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION posting_is_balanced();
"""
NOT_BALANCED = """
DROP TRIGGER posting_is_balanced ON settlement_posting;
DROP FUNCTION posting_is_balanced();
DROP TRIGGER entry_is_balanced ON settlement_ledgerentry;
DROP FUNCTION entry_is_balanced();
DROP FUNCTION entry_must_balance(bigint);
"""

# A posting that arrives after its entry was committed would change a fact, balanced or not.
COMPLETE = """
ALTER TABLE settlement_ledgerentry
    ADD COLUMN booked_in xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE FUNCTION entry_knows_its_transaction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.booked_in := pg_current_xact_id();
    RETURN NEW;
END $$;
CREATE TRIGGER entry_knows_its_transaction BEFORE INSERT ON settlement_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION entry_knows_its_transaction();

CREATE FUNCTION postings_come_with_their_entry() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM fresh JOIN settlement_ledgerentry entry ON entry.id = fresh.entry_id
        WHERE entry.booked_in <> pg_current_xact_id()
    ) THEN
        RAISE EXCEPTION 'an entry gets no postings after it was booked: make a new entry'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER postings_come_with_their_entry AFTER INSERT ON settlement_posting
    REFERENCING NEW TABLE AS fresh
    FOR EACH STATEMENT EXECUTE FUNCTION postings_come_with_their_entry();
"""
NOT_COMPLETE = """
DROP TRIGGER postings_come_with_their_entry ON settlement_posting;
DROP FUNCTION postings_come_with_their_entry();
DROP TRIGGER entry_knows_its_transaction ON settlement_ledgerentry;
DROP FUNCTION entry_knows_its_transaction();
ALTER TABLE settlement_ledgerentry DROP COLUMN booked_in;
"""

POSITIONS = """
CREATE FUNCTION positions_sum_to_zero() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM settlement_netposition
        WHERE period_id IN (NEW.period_id, OLD.period_id)
        GROUP BY period_id, currency HAVING sum(net) <> 0
    ) THEN
        RAISE EXCEPTION 'the net positions of a period do not sum to zero'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER positions_sum_to_zero
    AFTER INSERT OR UPDATE OR DELETE ON settlement_netposition
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION positions_sum_to_zero();
"""
NO_POSITIONS = """
DROP TRIGGER positions_sum_to_zero ON settlement_netposition;
DROP FUNCTION positions_sum_to_zero();
"""

STEPS = f"""
CREATE FUNCTION period_goes_step_by_step() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    following text[] := CASE WHEN TG_OP = 'INSERT' THEN ARRAY['open'] ELSE
        CASE OLD.status
            WHEN 'open' THEN ARRAY['open', 'draft']
            WHEN 'draft' THEN ARRAY['draft', 'preliminary']
            WHEN 'preliminary' THEN ARRAY['draft', 'final']
            ELSE ARRAY[]::text[]
        END
    END;
BEGIN
    IF TG_OP = 'DELETE' THEN
        IF OLD.status <> 'open' THEN
            RAISE EXCEPTION 'a settlement period that was drafted is never removed'
                USING ERRCODE = 'restrict_violation';
        END IF;
        RETURN OLD;
    END IF;
    IF NOT NEW.status = ANY (following) THEN
        RAISE EXCEPTION 'a settlement period does not go to %', NEW.status
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.environment, NEW.calendar_id, NEW.during, NEW.label)
        IS DISTINCT FROM (OLD.environment, OLD.calendar_id, OLD.during, OLD.label) THEN
        RAISE EXCEPTION 'a settlement period keeps its calendar and its time'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER period_goes_step_by_step BEFORE INSERT OR UPDATE OR DELETE ON {PERIOD}
    FOR EACH ROW EXECUTE FUNCTION period_goes_step_by_step();
"""
NO_STEPS = f"""
DROP TRIGGER period_goes_step_by_step ON {PERIOD};
DROP FUNCTION period_goes_step_by_step();
"""

# FOR SHARE waits for a close that is under way, so that nothing slips in beside it.
FINAL = f"""
CREATE FUNCTION refuse_in_final_period(periods bigint[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM {PERIOD} WHERE id = ANY (periods) FOR SHARE;
    IF EXISTS (SELECT FROM {PERIOD} WHERE id = ANY (periods) AND status = 'final') THEN
        RAISE EXCEPTION 'the settlement period is final: nothing of it changes'
            USING ERRCODE = 'restrict_violation';
    END IF;
END $$;

CREATE FUNCTION final_period_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse_in_final_period(ARRAY[OLD.period_id, NEW.period_id]);
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;

CREATE FUNCTION lines_of_final_period_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse_in_final_period(ARRAY(
        SELECT DISTINCT period_id FROM settlement_statement
        WHERE id IN (SELECT statement_id FROM touched)
    ));
    RETURN NULL;
END $$;
CREATE TRIGGER no_new_lines_when_final AFTER INSERT ON settlement_statementline
    REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION lines_of_final_period_stay();
CREATE TRIGGER lines_stay_when_final AFTER UPDATE ON settlement_statementline
    REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION lines_of_final_period_stay();
CREATE TRIGGER no_moved_lines_when_final AFTER UPDATE ON settlement_statementline
    REFERENCING NEW TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION lines_of_final_period_stay();
CREATE TRIGGER no_lost_lines_when_final AFTER DELETE ON settlement_statementline
    REFERENCING OLD TABLE AS touched
    FOR EACH STATEMENT EXECUTE FUNCTION lines_of_final_period_stay();
"""  # noqa: S608  constants of this module
NOT_FINAL = """
DROP TRIGGER no_lost_lines_when_final ON settlement_statementline;
DROP TRIGGER no_moved_lines_when_final ON settlement_statementline;
DROP TRIGGER lines_stay_when_final ON settlement_statementline;
DROP TRIGGER no_new_lines_when_final ON settlement_statementline;
DROP FUNCTION lines_of_final_period_stay();
DROP FUNCTION final_period_stays();
DROP FUNCTION refuse_in_final_period(bigint[]);
"""


def append_only(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION forbid_change()",
        f"DROP TRIGGER append_only ON {table}",
    )


def never_truncated(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER never_truncated BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION forbid_change()",
        f"DROP TRIGGER never_truncated ON {table}",
    )


def stays_when_final(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(
        f"CREATE TRIGGER stays_when_final BEFORE INSERT OR UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION final_period_stays()",
        f"DROP TRIGGER stays_when_final ON {table}",
    )


def composite_key(table: str, columns: str, target: str, target_columns: str) -> migrations.RunSQL:
    name = f"{table}_{columns.split(',', maxsplit=1)[0]}_composite"
    return migrations.RunSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY ({columns}) "
        f"REFERENCES {target} ({target_columns})",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )


class Migration(migrations.Migration):
    dependencies = [("settlement", "0001_first"), ("roaming", "0002_rules")]

    operations = [
        composite_key(
            "settlement_posting",
            "account_id, currency, environment",
            "settlement_ledgeraccount",
            "id, currency, environment",
        ),
        composite_key(
            "settlement_posting",
            "entry_id, environment",
            "settlement_ledgerentry",
            "id, environment",
        ),
        composite_key(
            "settlement_ledgerentry", "settlement_period_id, environment", PERIOD, "id, environment"
        ),
        *[
            composite_key(t, "period_id, environment", PERIOD, "id, environment")
            for t in OF_A_PERIOD
        ],
        append_only("settlement_ledgerentry"),
        append_only("settlement_posting"),
        migrations.RunSQL(BALANCED, NOT_BALANCED),
        migrations.RunSQL(COMPLETE, NOT_COMPLETE),
        migrations.RunSQL(POSITIONS, NO_POSITIONS),
        migrations.RunSQL(STEPS, NO_STEPS),
        migrations.RunSQL(FINAL, NOT_FINAL),
        *[stays_when_final(table) for table in OF_A_PERIOD],
        *[never_truncated(t) for t in [PERIOD, "settlement_statementline", *OF_A_PERIOD]],
    ]
