"""UC4-2: full lists and deltas of a home-CSP; good entries are kept, bad ones named."""

import json

import pytest

from roaming import models
from roaming.hub_switch import deliver_due
from roaming.models.fingerprints import token_fingerprint
from tests.cast import make_party
from tests.roaming.api.distributing import (
    CARD_2,
    CARD_3,
    EARLIER,
    LATER,
    URL,
    counts,
    entry,
    patch,
    seen,
    send,
    tokens,
)
from tests.roaming.api.identifying import CARD


def versions(token=CARD):
    rows = models.IdentificationVersion.objects.filter(token_hmac=token_fingerprint(token))
    return [(row.valid, row.whitelist, row.removed) for row in rows.order_by("id")]


def test_a_full_list_is_stored_apart_from_what_names_a_person(client, told):
    full = [
        entry(contract_id="DE-HOM-C12345678", expires_at=LATER),
        entry("DE-HOM-C87654321", kind="EMAID", whitelist="ALLOWED_OFFLINE"),
        entry("app-user-17", kind="APP_USER", whitelist="ALWAYS"),
        entry("anything", kind="OTHER", whitelist="NEVER", valid=False),
    ]
    assert counts(send(client, told.home_csp, full)) == (4, 0, 0, 0, 0)
    row = models.Identification.objects.get(token_hmac=token_fingerprint(CARD))
    assert (row.kind, row.valid, row.whitelist) == ("RFID", True, "ALLOWED")
    assert (row.home_csp, row.environment) == (told.home_csp.identifier, "live")
    assert row.expires_at.isoformat() == "2026-10-06T07:00:00+00:00"
    assert row.personal_data.token_uid == CARD
    assert row.personal_data.contract_id == "DE-HOM-C12345678"
    assert versions() == [(True, "ALLOWED", False)]
    emaid = models.Identification.objects.get(kind="EMAID")
    assert bytes(emaid.token_hmac) == token_fingerprint("DEHOMC87654321")
    assert emaid.contract_hmac is not None
    journal = models.JournalEntry.objects.get()
    assert (journal.use_case, journal.outcome) == ("UC4-2", "accepted")
    assert journal.home_csp == told.home_csp.identifier
    assert json.loads(journal.body.content)["taken"] == 4


def test_what_a_full_list_no_longer_holds_is_removed(client, told):
    send(client, told.home_csp, [entry(), entry(CARD_2)])
    assert counts(send(client, told.home_csp, [entry(CARD_2)])) == (0, 1, 0, 1, 0)
    assert versions() == [(True, "ALLOWED", False), (True, "ALLOWED", True)]
    assert tokens(client, told.visited_cso) == [CARD_2]
    assert counts(send(client, told.home_csp, [entry(), entry(CARD_2)])) == (1, 1, 0, 0, 0)
    assert versions()[-1] == (True, "ALLOWED", False)


def test_an_empty_full_list_removes_everything(client, told):
    send(client, told.home_csp, [entry(), entry(CARD_2)])
    assert counts(send(client, told.home_csp, [])) == (0, 0, 0, 2, 0)
    assert seen(client, told.visited_cso) == []


def test_one_home_csp_s_list_leaves_the_others_alone(client, told):
    other = make_party("Other CSP", "CSP", "NL-OTH")
    send(client, other, [entry(CARD_2)], query="?home_csp=NL-OTH")
    send(client, told.home_csp, [entry()])
    assert counts(send(client, told.home_csp, [])) == (0, 0, 0, 1, 0)
    assert tokens(client, other) == [CARD_2]


def test_a_delta_adds_changes_and_removes(client, told):
    send(client, told.home_csp, [entry(), entry(CARD_2)])
    delta = [
        entry(valid=False, last_updated=LATER),
        {"token_uid": CARD_2, "removed": True, "last_updated": LATER},
        entry(CARD_3),
        {"token_uid": "04DEAD01", "removed": True, "last_updated": LATER},
    ]
    assert counts(patch(client, told.home_csp, delta)) == (3, 1, 0, 0, 0)
    assert versions() == [(True, "ALLOWED", False), (False, "ALLOWED", False)]
    assert versions(CARD_2) == [(True, "ALLOWED", False), (True, "ALLOWED", True)]
    assert tokens(client, told.visited_cso) == sorted([CARD, CARD_3])
    assert models.Identification.objects.count() == 3


def test_what_is_older_than_what_is_stored_is_ignored(client, told):
    send(client, told.home_csp, [entry(valid=False)])
    assert counts(patch(client, told.home_csp, [entry(last_updated=EARLIER)])) == (0, 0, 1, 0, 0)
    removal = {"token_uid": CARD, "removed": True, "last_updated": EARLIER}
    assert counts(patch(client, told.home_csp, [removal])) == (0, 0, 1, 0, 0)
    # In a full list it is there all the same, and so it is not removed.
    assert counts(send(client, told.home_csp, [entry(last_updated=EARLIER)])) == (0, 0, 1, 0, 0)
    assert versions() == [(False, "ALLOWED", False)]


def test_of_a_token_twice_in_a_call_the_later_entry_counts(client, told):
    twice = [entry(last_updated=LATER, valid=False), entry(), entry(CARD_2), entry(CARD_2)]
    assert counts(patch(client, told.home_csp, twice)) == (2, 0, 2, 0, 0)
    assert versions() == [(False, "ALLOWED", False)]
    assert len(versions(CARD_2)) == 1


def test_the_same_again_changes_nothing_and_goes_to_nobody(client, told, cso_platform):
    send(client, told.home_csp, [entry()])
    deliver_due()
    assert counts(send(client, told.home_csp, [entry()])) == (0, 1, 0, 0, 0)
    assert counts(patch(client, told.home_csp, [entry()])) == (0, 1, 0, 0, 0)
    assert models.Delivery.objects.count() == 1
    assert len(versions()) == 1


def test_other_words_for_the_same_are_kept_without_a_version(client, told):
    send(client, told.home_csp, [entry()])
    assert counts(patch(client, told.home_csp, [entry(colour="red", last_updated=LATER)]))[0] == 1
    assert len(versions()) == 1
    (row,) = seen(client, told.visited_cso)
    assert row["identification"]["colour"] == "red"


def test_ids_and_times_come_back_as_they_were_sent(client, told):
    sent = entry("04:a2:b3:c4", last_updated="2026-10-05T09:00:00.5+02:00", extra={"a": [1.50]})
    text = json.dumps([sent]).replace("1.5]", "1.50]")
    send(client, told.home_csp, text)
    raw = client.get(URL, headers=told.visited_cso.headers).content.decode()
    (row,) = json.loads(raw)["results"]
    assert row["identification"] == sent
    assert "1.50" in raw
    assert (row["home_csp"], row["removed"]) == ("DE-HOM", False)


def test_bad_entries_are_reported_by_index_and_good_ones_kept(client, told):
    lines = [
        entry(),
        entry("nonsense"),
        entry(CARD_2, kind="SMELL"),
        entry(CARD_2, whitelist="SOMETIMES"),
        entry(CARD_2, last_updated="2026-10-05T09:00:00"),
        entry(CARD_2, last_updated="2099-10-05T09:00:00Z"),
        entry(CARD_2, expires_at="1066-10-14T09:00:00Z"),
        entry(CARD_2, contract_id="NL-SEC-C12345678"),
        entry(CARD_2, contract_id="customer/4711"),
        entry("NL-SEC-C12345678", kind="EMAID"),
        entry(CARD_2, valid="yes"),
        entry(CARD_2, junk="x" * 10_000),
        {"token_uid": CARD_2},
        5,
        entry(CARD_3),
    ]
    answer = patch(client, told.home_csp, lines).json()
    assert (answer["received"], answer["taken"], answer["refused"]) == (15, 2, 13)
    found = [
        (line["index"], line["refusal"]["code"], line["refusal"]["field"])
        for line in answer["results"]
    ]
    assert found == [
        (1, "invalid_identifier", "token_uid"),
        (2, "invalid_field", "kind"),
        (3, "invalid_field", "whitelist"),
        (4, "time_without_offset", "last_updated"),
        (5, "invalid_field", "last_updated"),
        (6, "invalid_field", "expires_at"),
        (7, "contract_of_other_csp", "contract_id"),
        (8, "invalid_identifier", "contract_id"),
        (9, "contract_of_other_csp", "token_uid"),
        (10, "invalid_field", "valid"),
        (11, "body_too_large", None),
        (12, "invalid_field", None),
        (13, "invalid_field", None),
    ]
    assert tokens(client, told.visited_cso) == sorted([CARD, CARD_3])
    assert not [line for line in answer["results"] if CARD_2 in str(line)]


def test_a_full_list_with_a_bad_entry_removes_nothing_and_says_so(client, told):
    send(client, told.home_csp, [entry(), entry(CARD_2)])
    response = send(client, told.home_csp, [entry(CARD_3), entry("nonsense")])
    assert counts(response) == (1, 0, 0, 0, 1)
    assert response.json()["removals_withheld"] is True
    assert tokens(client, told.visited_cso) == sorted([CARD, CARD_2, CARD_3])
    mended = send(client, told.home_csp, [entry(CARD_3)])
    assert counts(mended) == (0, 1, 0, 2, 0)
    assert mended.json()["removals_withheld"] is False


def test_ndjson_is_read_line_by_line(client, told):
    lines = "\n".join([json.dumps(entry()), "{broken", json.dumps(entry(CARD_2))]) + "\n"
    response = send(client, told.home_csp, lines, content_type="application/x-ndjson")
    assert counts(response) == (2, 0, 0, 0, 1)
    assert response.json()["results"][0]["refusal"]["code"] == "malformed_body"


def test_too_many_entries_are_refused_as_a_whole(client, told, settings):
    settings.MAX_BULK_IDENTIFICATIONS = 2
    response = patch(client, told.home_csp, [entry(f"04A2B3C{n}") for n in range(3)])
    assert (response.status_code, response.json()["code"]) == (413, "too_many_records")
    assert not models.Identification.objects.exists()


def test_too_large_a_body_is_refused_as_a_whole(client, told, settings):
    settings.MAX_BULK_BYTES = 100
    assert patch(client, told.home_csp, [entry(), entry()]).json()["code"] == "body_too_large"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "invalid_field"),
        ("?home_csp=nonsense", "invalid_identifier"),
        ("?home_csp=FR-OUT", "party_not_held"),
        ("?home_csp=NL-NOP", "party_not_held"),
    ],
)
def test_a_home_csp_speaks_for_itself_alone(client, told, query, code):
    problem = send(client, told.home_csp, [entry()], query=query).json()
    assert (problem["code"], problem["field"]) == (code, "home_csp")
    assert models.JournalEntry.objects.get().refusal_code == code


def test_a_visited_cso_distributes_nothing(client, told):
    assert send(client, told.visited_cso, [entry()]).json()["code"] == "party_not_held"


def test_who_presents_no_token_neither_sends_nor_sees(client, told):
    assert client.get(URL).status_code == 401
    assert client.put(URL, data=[], content_type="application/json").status_code == 401


@pytest.mark.parametrize("body", [b"{}", b"[", b"\xff", b"7", b'[{"token_uid": "\\u0000"}]'])
def test_rubbish_is_refused(client, told, body):
    response = patch(client, told.home_csp, body)
    assert response.status_code in (200, 400, 422)
    assert not models.Identification.objects.exists()


def test_a_suspended_platform_or_operator_distributes_nothing(client, told):
    models.Platform.objects.filter(pk=told.home_csp.platform.pk).update(status="suspended")
    assert send(client, told.home_csp, [entry()]).json()["code"] == "platform_suspended"
    models.Platform.objects.update(status="connected")
    models.Operator.objects.filter(pk=told.home_csp.operator.pk).update(status="suspended")
    assert send(client, told.home_csp, [entry()]).json()["code"] == "party_suspended"


def test_policies_of_the_operator_hold_for_contracts(client, told):
    wrong, opaque = "DE-HOM-C12345678-0", "customer/4711"
    assert counts(patch(client, told.home_csp, [entry(contract_id=wrong)]))[0] == 1
    models.Operator.objects.update(strict_check_digits=True, allows_opaque_contract_ids=True)
    both = [entry(CARD_2, contract_id=wrong), entry(CARD_3, contract_id=opaque)]
    assert counts(patch(client, told.home_csp, both)) == (1, 0, 0, 0, 1)
