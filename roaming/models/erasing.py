"""Erasing what could name a person, set-based: the one place that knows every erasable column.

Apps above bring their own tables with `erase_too`.

Rows that stay hold a keyed HMAC and no clear text (5.4.3), so nothing that was settled, chained or
counted changes. Each statement takes at most `batch` rows, so that no lock is held for long.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from roaming.domain.wire_text import escaped_pattern

# Of a message that still waits nothing is erased: it has not reached its receiver.
_OLD_MESSAGES = {
    "message bodies of the journal": """
        DELETE FROM roaming_journalbody WHERE entry_id IN (
            SELECT entry_id FROM roaming_journalbody
            JOIN roaming_journalentry entry ON entry.id = entry_id
            WHERE entry.recorded_at < %(before)s LIMIT %(batch)s)
    """,
    "bodies of deliveries": """
        UPDATE roaming_delivery SET body = '', answer = '', erased_at = %(real_now)s WHERE id IN (
            SELECT id FROM roaming_delivery
            WHERE state <> 'waiting' AND erased_at IS NULL AND created_at < %(before)s
            ORDER BY id LIMIT %(batch)s FOR UPDATE)
    """,
    # What was given up may be sent again by staff: it ages like every other message.
    "bodies of identifications that arrived": """
        UPDATE roaming_delivery SET body = '', answer = '', erased_at = %(real_now)s WHERE id IN (
            SELECT id FROM roaming_delivery
            WHERE use_case = 'UC4-2' AND state = 'delivered' AND erased_at IS NULL
              AND delivered_at < %(identifications_before)s
            LIMIT %(batch)s FOR UPDATE)
    """,
    "given answers": """
        DELETE FROM roaming_givenanswer WHERE id IN (
            SELECT id FROM roaming_givenanswer WHERE created_at < %(before)s LIMIT %(batch)s)
    """,
}
# An SDR that somebody may still have to decide on keeps its original.
_DONE = "('settled', 'invoiced', 'paid', 'credited', 'written_off', 'rejected')"
_OLD_BUSINESS = {
    "identifications of sessions": """
        DELETE FROM roaming_servicesessionpersonaldata WHERE session_id IN (
            SELECT session_id FROM roaming_servicesessionpersonaldata
            JOIN roaming_servicesession session ON session.id = session_id
            WHERE session.opened_at < %(before)s
              AND session.state IN ('completed', 'refused', 'cancelled')
            LIMIT %(batch)s)
    """,
    "words of commands": """
        UPDATE roaming_command SET requested_by = '', why = '', note = '' WHERE id IN (
            SELECT id FROM roaming_command
            WHERE asked_at < %(before)s AND state NOT IN ('asked', 'accepted')
              AND (requested_by <> '' OR why <> '' OR note <> '')
            LIMIT %(batch)s)
    """,
    "bodies of charging information": """
        DELETE FROM roaming_chargingupdatebody WHERE update_id IN (
            SELECT body.update_id FROM roaming_chargingupdatebody body
            JOIN roaming_chargingupdate report ON report.id = body.update_id
            JOIN roaming_servicesession session ON session.id = report.session_id
            WHERE session.opened_at < %(before)s
              AND session.state IN ('completed', 'refused', 'cancelled')
            LIMIT %(batch)s)
    """,
    "wishes and plans": """
        DELETE FROM roaming_chargeplanbody WHERE step_id IN (
            SELECT body.step_id FROM roaming_chargeplanbody body
            JOIN roaming_chargeplan step ON step.id = body.step_id
            JOIN roaming_servicesession session ON session.id = step.session_id
            WHERE session.opened_at < %(before)s
              AND session.state IN ('completed', 'refused', 'cancelled')
            LIMIT %(batch)s)
    """,
    "originals of SDRs": f"""
        DELETE FROM roaming_sdroriginal WHERE sdr_id IN (
            SELECT original.sdr_id FROM roaming_sdroriginal original
            JOIN roaming_sdr sdr ON sdr.id = original.sdr_id
            JOIN roaming_sdrstate standing ON standing.sdr_id = sdr.id
            WHERE sdr.received_at < %(before)s AND standing.state IN {_DONE}
            LIMIT %(batch)s)
    """,  # noqa: S608  a constant of our own
    "identifications that are distributed no more": """
        DELETE FROM roaming_identificationpersonaldata WHERE identification_id IN (
            SELECT identification_id FROM roaming_identificationpersonaldata
            JOIN roaming_identification identification ON identification.id = identification_id
            WHERE identification.removed_at < %(before)s LIMIT %(batch)s)
    """,
}
# Everything about one person, whatever its age, but not what a running session or an open question
# needs. Bodies are found by the rows that carry the person's fingerprint.
_PERSON_SESSIONS = """
    SELECT id FROM roaming_servicesession
    WHERE token_hmac = ANY(%(hmacs)s) OR contract_hmac = ANY(%(hmacs)s)
"""
_PERSON_SDRS = """
    SELECT id FROM roaming_sdr
    WHERE token_hmac = ANY(%(hmacs)s) OR contract_hmac = ANY(%(hmacs)s)
"""
_PERSON_SESSIONS_OVER = f"""
    SELECT id FROM roaming_servicesession
    WHERE id IN ({_PERSON_SESSIONS}) AND state IN ('completed', 'refused', 'cancelled')
"""  # noqa: S608


def _says(body: str) -> str:
    """Whether a body holds one of the person's ids as a JSON string, escaped (`\\u0041`) or not."""
    return f"""EXISTS (
        SELECT FROM unnest(%(texts)s::text[], %(patterns)s::text[]) AS said (text, pattern)
        WHERE position('"' || said.text || '"' IN upper({body})) > 0
           OR position('\\' IN {body}) > 0 AND upper({body}) ~ said.pattern)
    """


_OF_A_PERSON = {
    "identifications of sessions": f"""
        DELETE FROM roaming_servicesessionpersonaldata
        WHERE session_id IN ({_PERSON_SESSIONS_OVER})
    """,  # noqa: S608
    "bodies of charging information": f"""
        DELETE FROM roaming_chargingupdatebody WHERE update_id IN (
            SELECT id FROM roaming_chargingupdate WHERE session_id IN ({_PERSON_SESSIONS_OVER}))
    """,  # noqa: S608
    "wishes and plans": f"""
        DELETE FROM roaming_chargeplanbody WHERE step_id IN (
            SELECT id FROM roaming_chargeplan WHERE session_id IN ({_PERSON_SESSIONS_OVER}))
    """,  # noqa: S608
    "words of commands": f"""
        UPDATE roaming_command SET requested_by = '', why = '', note = ''
        WHERE session_id IN ({_PERSON_SESSIONS_OVER}) AND state NOT IN ('asked', 'accepted')
          AND (requested_by <> '' OR why <> '' OR note <> '')
    """,  # noqa: S608
    "message bodies of the journal": f"""
        DELETE FROM roaming_journalbody WHERE entry_id IN (
            SELECT id FROM roaming_journalentry WHERE service_session_id IN ({_PERSON_SESSIONS}))
           OR {_says("content")}
    """,  # noqa: S608
    "originals of SDRs": f"""
        DELETE FROM roaming_sdroriginal WHERE sdr_id IN ({_PERSON_SDRS})
          AND sdr_id IN (SELECT sdr_id FROM roaming_sdrstate WHERE state IN {_DONE})
    """,  # noqa: S608
    "identifications": """
        DELETE FROM roaming_identificationpersonaldata WHERE identification_id IN (
            SELECT id FROM roaming_identification
            WHERE token_hmac = ANY(%(hmacs)s) OR contract_hmac = ANY(%(hmacs)s))
    """,
    "given answers": f"""
        DELETE FROM roaming_givenanswer WHERE {_says("convert_from(body, 'UTF8')")}
    """,  # noqa: S608
    # Deliveries carry no fingerprint. A lot of SDRs may hold other people's too: what was delivered
    # has reached its receiver, so the whole body goes.
    "bodies of deliveries": f"""
        UPDATE roaming_delivery SET body = '', answer = '', erased_at = %(real_now)s
        WHERE state <> 'waiting' AND erased_at IS NULL AND (
            object_key IN (SELECT kind || id FROM ({_PERSON_SESSIONS}) sessions,
                           unnest(ARRAY['session:', 'charging:', 'plan:']) AS kind
                           UNION ALL SELECT 'command:' || id FROM roaming_command
                           WHERE session_id IN ({_PERSON_SESSIONS})
                           UNION ALL SELECT 'reservation:' || id FROM roaming_reservation
                           WHERE session_id IN ({_PERSON_SESSIONS}))
            OR {_says("body")})
    """,  # noqa: S608
}


@dataclass(frozen=True, slots=True)
class ErasedToo:
    """A table of another app whose rows name persons: how it is erased, like those here.

    `written`: the ids of a person (`%(hmacs)s`) as this table holds them, as one column.
    """

    name: str
    by_age: str
    of_a_person: str
    written: str


_elsewhere: list[ErasedToo] = []


def erase_too(table: ErasedToo) -> None:
    """Called once for each table, as its app is set up."""
    _OLD_BUSINESS[table.name] = table.by_age
    _OF_A_PERSON[table.name] = table.of_a_person
    _elsewhere.append(table)


def erase_old(before: Mapping[str, datetime], real_now: datetime, batch: int) -> dict[str, int]:
    """Erases one batch of each kind; returns how many of each.

    `before` names three moments: `messages` and `identifications` (real time), `business` (business
    time).
    """
    done = {}
    for kinds, moment in ((_OLD_MESSAGES, "messages"), (_OLD_BUSINESS, "business")):
        for name, statement in kinds.items():
            values = {
                "before": before[moment],
                "identifications_before": before["identifications"],
                "real_now": real_now,
                "batch": batch,
            }
            done[name] = _run(statement, values)
    return done


# The same token may have been written in other ways, and belongs to a contract.
_WRITTEN = f"""
    SELECT DISTINCT upper(text) FROM (
        SELECT unnest(ARRAY[token_uid, contract_id]) FROM roaming_servicesessionpersonaldata
        WHERE session_id IN ({_PERSON_SESSIONS})
        UNION ALL
        SELECT unnest(ARRAY[token_uid, contract_id]) FROM roaming_sdroriginal
        WHERE sdr_id IN ({_PERSON_SDRS})
        UNION ALL
        SELECT unnest(ARRAY[token_uid, contract_id]) FROM roaming_identificationpersonaldata
        JOIN roaming_identification identification ON identification.id = identification_id
        WHERE token_hmac = ANY(%(hmacs)s) OR contract_hmac = ANY(%(hmacs)s)
        {{elsewhere}}
    ) AS written (text) WHERE length(text) >= 8
"""  # noqa: S608


def erase_person(hmacs: list[bytes], text: str, real_now: datetime) -> dict[str, int]:
    """Erases what is stored in clear about the holder of these fingerprints; returns how many.

    `text` is the id as given; bodies are searched for it as a JSON string, with or without escapes,
    and for every way it was written in.
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            more = "".join(f"UNION ALL {table.written}" for table in _elsewhere)
            cursor.execute(_WRITTEN.format(elsewhere=more), {"hmacs": hmacs})
            texts = sorted({text.upper(), *(row[0] for row in cursor.fetchall())})
        patterns = [escaped_pattern(written) for written in texts]
        values = {"hmacs": hmacs, "texts": texts, "patterns": patterns, "real_now": real_now}
        return {name: _run(statement, values) for name, statement in _OF_A_PERSON.items()}


def _run(statement: str, values: Mapping[str, Any]) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        return int(cursor.rowcount)
