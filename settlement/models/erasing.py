"""What settlement stores in clear about persons, and how it is erased with the rest (5.4.3)."""

from __future__ import annotations

from roaming.models.erasing import ErasedToo

_OF_A_PERSON = """
    SELECT id FROM settlement_csprecord
    WHERE token_hmac = ANY(%(hmacs)s) OR contract_hmac = ANY(%(hmacs)s)
"""
# Evidence about an SDR that somebody may still have to decide on is kept.
_NEEDED = """
    SELECT FROM roaming_sdrstate standing
    WHERE standing.csp_record_id = record_id AND standing.state NOT IN
        ('settled', 'invoiced', 'paid', 'credited', 'written_off', 'rejected')
"""
CSP_RECORDS = ErasedToo(
    "originals of CSP records",
    by_age=f"""
        DELETE FROM settlement_csprecordoriginal WHERE record_id IN (
            SELECT original.record_id FROM settlement_csprecordoriginal original
            JOIN settlement_csprecord record ON record.id = original.record_id
            WHERE record.received_at < %(before)s AND NOT EXISTS ({_NEEDED})
            LIMIT %(batch)s)
    """,  # noqa: S608  constants of this module
    of_a_person=f"""
        DELETE FROM settlement_csprecordoriginal
        WHERE record_id IN ({_OF_A_PERSON}) AND NOT EXISTS ({_NEEDED})
    """,  # noqa: S608
    written=f"""
        SELECT unnest(ARRAY[token_uid, contract_id]) FROM settlement_csprecordoriginal
        WHERE record_id IN ({_OF_A_PERSON})
    """,  # noqa: S608
)
