"""The log of disputes is append-only and no dispute is removed; terms for all; disputes that were.

What was disputed before there were disputes gets one, opened when the SDR was declined.
"""

from datetime import timedelta
from decimal import Decimal

from django.db import migrations

from roaming.domain.money import Rounding, UnknownCurrencyError, round_money
from settlement.domain.decision_reasons import ReasonCode, read_reason


def append_only(table):
    return migrations.RunSQL(
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION forbid_change()",
        f"DROP TRIGGER append_only ON {table}",
    )


NEVER_REMOVED = migrations.RunSQL(
    "CREATE TRIGGER never_removed BEFORE DELETE OR TRUNCATE ON settlement_dispute "
    "FOR EACH STATEMENT EXECUTE FUNCTION forbid_change()",
    "DROP TRIGGER never_removed ON settlement_dispute",
)


def rounded(sdr):
    claim = sdr.claim_before_tax or Decimal(0)
    try:
        return round_money(claim, sdr.currency, Rounding(sdr.agreement.rounding))
    except (UnknownCurrencyError, AttributeError):
        return claim


def furnish(apps, schema_editor):
    terms = apps.get_model("settlement", "DisputeTerms").objects.create()
    Dispute = apps.get_model("settlement", "Dispute")
    DisputeEvent = apps.get_model("settlement", "DisputeEvent")
    SdrState = apps.get_model("roaming", "SdrState")
    SdrEvent = apps.get_model("roaming", "SdrEvent")
    for standing in SdrState.objects.filter(state="disputed").select_related("sdr__agreement"):
        sdr = standing.sdr
        declined = SdrEvent.objects.filter(sdr=sdr, to_state="disputed").order_by("at").last()
        reason = read_reason(declined.reason if declined else "") or ReasonCode.OTH
        opened_at = declined.at if declined else standing.visible_at
        dispute = Dispute.objects.create(
            environment=sdr.environment,
            sdr=sdr,
            pair_id=sdr.pair_id,
            visited_cso_id=sdr.visited_cso_id,
            home_csp_id=sdr.home_csp_id,
            origin="decline",
            reason=reason.value,
            note=declined.note if declined else "",
            currency=sdr.currency,
            claim=rounded(sdr),
            undisputed=min(Decimal(0), rounded(sdr)),
            settleable=bool(sdr.agreement and sdr.agreement.currency == sdr.currency),
            state="respondent",
            opened_at=opened_at,
            respond_by=opened_at + timedelta(hours=terms.respondent_hours),
        )
        DisputeEvent.objects.create(
            dispute=dispute,
            at=opened_at,
            side="home_csp",
            actor=declined.actor if declined else "clearing house",
            step="opened",
            to_state="respondent",
            amount=dispute.undisputed,
            respond_by=dispute.respond_by,
            text=dispute.note,
        )


class Migration(migrations.Migration):
    dependencies = [("settlement", "0006_disputes")]

    operations = [
        migrations.RunPython(furnish, migrations.RunPython.noop),
        append_only("settlement_disputeevent"),
        append_only("settlement_disputeevidence"),
        NEVER_REMOVED,
    ]
