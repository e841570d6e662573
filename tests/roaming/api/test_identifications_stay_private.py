"""5.4.3: whatever happens to an identification, its UID stands in erasable rows alone."""

import json
import logging

import pytest
from django.db import connection

from roaming import models
from roaming.hub_switch import deliver_due
from tests.roaming.api.distributing import entry, patch, send
from tests.roaming.api.identifying import (
    CARD_QUESTION,
    CARD_START,
    LOCAL,
    ONLINE,
    PNC,
    PNC_START,
    distribute,
    post,
    stage,
)
from tests.roaming.api.messages import changed

UID = "04A2B3C4D5E6F7"
EMAID = "DE-HOM-C12345678"
# What a retention setting erases: bodies of messages, and side tables of personal data.
ERASABLE = {
    "roaming_journalbody",
    "roaming_delivery",
    "roaming_servicesessionpersonaldata",
    "roaming_identificationpersonaldata",
    "roaming_sdroriginal",
    "roaming_givenanswer",
}

# Temporary tables of the connection, which this test's transaction keeps alive.
GONE_AT_COMMIT = {"identification_intake", "identification_change"}


def rows_that_hold(*secrets):
    """Tables of the clearing house in which one of the texts stands in any column."""
    found = set()
    with connection.cursor() as cursor:
        for table in set(connection.introspection.table_names(cursor)) - GONE_AT_COMMIT:
            cursor.execute(f'SELECT t::text FROM "{table}" t')
            text = "\n".join(row for (row,) in cursor.fetchall()).upper()
            if any(secret.upper() in text for secret in secrets):
                found.add(table)
    return found


@pytest.fixture
def two(db):
    with stage(2) as two:
        yield two


def test_no_row_no_log_and_no_problem_holds_it(client, two, caplog):
    caplog.set_level(logging.DEBUG)
    cso = two.cast.visited_cso
    texts = []

    def say(url, body):
        texts.append(post(client, cso, url, body).content.decode())

    say(LOCAL, CARD_START)  # refused by both, remembered
    say(LOCAL, CARD_START)  # refused from memory
    models.UnknownToken.objects.all().delete()
    two[0].answer({"decision": UID, "reason": UID})  # rubbish that quotes the question
    say(ONLINE, CARD_QUESTION)
    say(LOCAL, changed(CARD_START, home_csp="DE-HOM"))
    two[0].answer(b'{"decision": "' + UID.encode() + b'"')
    say(LOCAL, changed(CARD_START, home_csp="DE-HOM"))
    two[0].answer({"error": UID}, status=500)
    say(ONLINE, changed(CARD_QUESTION, home_csp="DE-HOM"))
    models.RoamingEndpoint.objects.update(url="http://127.0.0.1:1/")
    say(ONLINE, CARD_QUESTION)
    distribute(two[0].party, whitelist="ALWAYS")
    say(LOCAL, CARD_START)
    say(ONLINE, CARD_QUESTION)
    say(PNC, PNC_START)
    identification = {"method": "RFID", "token_uid": UID + "\u0451"}
    say(LOCAL, changed(CARD_START, identification=identification))
    say(LOCAL, changed(CARD_START, identification={"method": "RFID", "token_uid": UID + " " + UID}))
    say(LOCAL, changed(CARD_START, identification={"method": UID, "token_uid": UID}))
    say(LOCAL, changed(CARD_START, evse_id=UID))
    say(LOCAL, changed(CARD_START, home_csp=UID))
    say(PNC, changed(PNC_START, emaid=EMAID + "Ü"))
    assert len(texts) == 16
    assert not [text for text in texts if UID in text]
    assert UID not in caplog.text
    assert EMAID not in caplog.text
    assert rows_that_hold(UID, EMAID) <= ERASABLE


def test_the_search_itself_can_find_it(client, two):
    post(client, two.cast.visited_cso, LOCAL, changed(CARD_START, home_csp="DE-HOM"))
    assert "roaming_servicesessionpersonaldata" in rows_that_hold(UID)


def test_neither_does_what_a_home_csp_distributes(client, told, caplog):
    caplog.set_level(logging.DEBUG)
    lines = [
        entry(UID, contract_id=EMAID),
        entry(EMAID, kind="EMAID"),
        entry(UID + "Ü"),
        entry(UID + UID),
        entry(UID, kind=UID, contract_id=EMAID),
        entry(UID, contract_id="NL-SEC-C12345678"),
        entry(UID, contract_id=EMAID + "ß"),
        [UID],
        {"token_uid": [UID], "last_updated": UID},
    ]
    answers = [send(client, told.home_csp, lines), patch(client, told.home_csp, lines)]
    broken = json.dumps(lines)[:-1].encode()
    answers.append(patch(client, told.home_csp, broken))
    while deliver_due():
        pass
    assert answers[0].json()["taken"] == 2
    assert not [answer for answer in answers if UID in answer.content.decode()]
    assert UID not in caplog.text
    assert EMAID not in caplog.text
    assert rows_that_hold(UID, EMAID) <= ERASABLE
