"""Months of the hot tables: how a partition is made, and how months are kept ahead (storage.md).

Nothing is partitioned here: `manage.py partition_history` does that on a populated database. The
application's role owns no table, so `keep_months_ahead` works with the rights of the owner.
"""

from django.db import migrations

# The first uuid7 of a month: its milliseconds, then zeros.
FIRST_KEY = """
CREATE FUNCTION first_key_of_month(month date) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex((extract(epoch FROM month) * 1000)::bigint), 12, '0')
        || repeat('0', 20))::uuid
$$;
"""
# Statement triggers (append-only, the registry's guard) of the whole table guard each part too:
# those of the parent do not fire where somebody names the part itself.
GUARD_PART = """
CREATE FUNCTION guard_partition(parent regclass, part regclass) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    guard record;
BEGIN
    FOR guard IN
        SELECT tgname, pg_get_triggerdef(oid) AS definition FROM pg_trigger
        WHERE tgrelid = parent AND NOT tgisinternal AND tgtype & 1 = 0
    LOOP
        IF NOT EXISTS (
            SELECT FROM pg_trigger WHERE tgrelid = part AND tgname = guard.tgname
        ) THEN
            EXECUTE regexp_replace(
                guard.definition, ' ON [^ ]+ ', format(' ON %s ', part::text));
        END IF;
    END LOOP;
END $$;
"""
ADD_MONTH = """
CREATE FUNCTION add_month(parent regclass, month date) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    part text := format('%s_%s', (SELECT relname FROM pg_class WHERE oid = parent),
        to_char(month, 'YYYY_MM'));
BEGIN
    IF to_regclass(quote_ident(part)) IS NOT NULL THEN
        RETURN false;
    END IF;
    -- Made beside and attached: a weaker lock than that of CREATE TABLE ... PARTITION OF.
    EXECUTE format('CREATE TABLE %I (LIKE %s INCLUDING DEFAULTS INCLUDING CONSTRAINTS '
        'INCLUDING GENERATED INCLUDING STORAGE)', part, parent::text);
    EXECUTE format('ALTER TABLE %s ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
        parent::text, part, first_key_of_month(month),
        first_key_of_month((month + interval '1 month')::date));
    PERFORM guard_partition(parent, quote_ident(part)::regclass);
    RETURN true;
END $$;
"""
KEEP_AHEAD = """
CREATE FUNCTION keep_months_ahead(first_month date, last_month date) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '5s' AS $$
DECLARE
    parent regclass;
    month date;
    made integer := 0;
BEGIN
    IF last_month > (first_month + interval '120 months')::date THEN
        RAISE EXCEPTION 'more than ten years of months at once';
    END IF;
    FOR parent IN
        SELECT relation.oid FROM pg_partitioned_table
        JOIN pg_class relation ON relation.oid = partrelid
        WHERE relation.relnamespace = 'public'::regnamespace
            AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = relation.oid)
        ORDER BY relation.relname
    LOOP
        month := date_trunc('month', first_month)::date;
        WHILE month <= last_month LOOP
            -- What an older part covers already has its place.
            IF NOT is_in_a_part(parent, month) AND add_month(parent, month) THEN
                made := made + 1;
            END IF;
            month := (month + interval '1 month')::date;
        END LOOP;
    END LOOP;
    RETURN made;
END $$;
REVOKE ALL ON FUNCTION keep_months_ahead(date, date) FROM PUBLIC;
"""
# From the bounds as PostgreSQL prints them: FROM (MINVALUE|'uuid') TO ('uuid').
IS_IN_A_PART = """
CREATE FUNCTION is_in_a_part(parent regclass, month date) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (
        SELECT FROM pg_inherits
        JOIN pg_class part ON part.oid = inhrelid,
        LATERAL regexp_match(pg_get_expr(part.relpartbound, part.oid),
            'FROM \\(([^)]+)\\) TO \\(''([^'']+)''\\)') AS bounds
        WHERE inhparent = parent
            AND (bounds[1] = 'MINVALUE'
                OR trim(bounds[1], '''')::uuid <= first_key_of_month(month))
            AND first_key_of_month(month) < bounds[2]::uuid
    )
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("roaming", "0013_identifications_that_arrived")]

    operations = [
        migrations.RunSQL(FIRST_KEY, "DROP FUNCTION first_key_of_month(date)"),
        migrations.RunSQL(GUARD_PART, "DROP FUNCTION guard_partition(regclass, regclass)"),
        migrations.RunSQL(ADD_MONTH, "DROP FUNCTION add_month(regclass, date)"),
        migrations.RunSQL(IS_IN_A_PART, "DROP FUNCTION is_in_a_part(regclass, date)"),
        migrations.RunSQL(KEEP_AHEAD, "DROP FUNCTION keep_months_ahead(date, date)"),
    ]
