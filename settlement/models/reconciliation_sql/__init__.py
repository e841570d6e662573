"""SDR reconciliation in SQL, set-based, on temporary tables of one batch (6.4.2).

The one named place where reconciliation reads and writes SDRs by the thousand. A batch is one
transaction: `batch` claims it, `credits` takes credits first, `evidence` lays the three records
side by side, `findings` applies the rules, `standing` writes the outcome. Property tests hold every
rule here against its function in settlement.domain.reconciliation.
"""

from __future__ import annotations

# A key of a hot row is a uuid7 of the SDR's own moment (storage.md, rule 1). The digit orders rows
# of one moment, so that "matched" stands before the verdict that followed it.
KEY_OF_SDR = "(left({sdr_id}::text, 14) || '7{digit}' || right(gen_random_uuid()::text, 20))::uuid"

NOT_STANDING = "('rejected', 'credited', 'written_off')"
DECIDED = "('accepted', 'settled', 'invoiced', 'paid')"


def key_of(sdr_id: str, digit: int = 0) -> str:
    """SQL for a fresh uuid7 with the time part of `sdr_id`, a column name."""
    return KEY_OF_SDR.format(sdr_id=sdr_id, digit=digit)


def utc(column: str) -> str:
    """SQL for a moment as reconciliation's findings write it; `utc_text` in the domain."""
    return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')"""
