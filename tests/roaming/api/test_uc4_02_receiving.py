"""UC4-2: who gets the identifications of a home-CSP, in which order, and who sees none of them."""

from datetime import timedelta

import pytest
from django.utils import timezone

from roaming import models
from roaming.domain.agreement import Service
from roaming.hub_switch import deliver_due
from roaming.models.fingerprints import token_fingerprint
from tests import factories
from tests.cast import make_party
from tests.roaming.api.distributing import (
    CARD_2,
    LATER,
    URL,
    counts,
    entry,
    patch,
    seen,
    send,
    tokens,
)
from tests.roaming.api.identifying import CARD, CARD_START, LOCAL, post
from tests.roaming.api.messages import changed


def test_a_full_list_reaches_the_visited_cso_in_parts_and_in_order(
    client, told, cso_platform, monkeypatch
):
    from roaming.hub_switch import identification_forwarding

    monkeypatch.setattr(identification_forwarding, "PER_MESSAGE", 2)
    cards = [f"04A2B3C{n}" for n in range(5)]
    send(client, told.home_csp, [entry(card, extra=1) for card in cards])
    patch(client, told.home_csp, [entry(cards[0], valid=False, last_updated=LATER)])
    while deliver_due():
        pass
    messages = [message.body for message in cso_platform.messages("/uc4-2/identifications")]
    assert [(m["scope"], m["part"], m["parts"]) for m in messages] == [
        ("full", 1, 3), ("full", 2, 3), ("full", 3, 3), ("delta", 1, 1),
    ]  # fmt: skip
    assert len({m["list_id"] for m in messages[:3]}) == 1
    assert {m["home_csp"] for m in messages} == {"DE-HOM"}
    sent = [one["token_uid"] for m in messages[:3] for one in m["identifications"]]
    assert sorted(sent) == cards
    assert messages[0]["identifications"][0]["extra"] == 1
    assert messages[3]["identifications"] == [entry(cards[0], valid=False, last_updated=LATER)]


def test_a_full_list_goes_on_whole_whatever_was_new_in_it(client, told, cso_platform):
    send(client, told.home_csp, [entry(), entry(CARD_2)])
    send(client, told.home_csp, [entry(CARD_2)])
    send(client, told.home_csp, [])
    while deliver_due():
        pass
    lists = [
        sorted(one["token_uid"] for one in message.body["identifications"])
        for message in cso_platform.messages("/uc4-2/identifications")
    ]
    assert lists == [[CARD, CARD_2], [CARD_2], []]


def test_only_csos_whose_agreement_covers_offline_are_told_and_see(client, told):
    online = make_party("Online only", "CSO", "DE*ONL")
    services = tuple(s for s in Service if s is not Service.OFFLINE)
    factories.make_agreement(online.operator, told.home_csp.operator, services=services)
    stranger = make_party("Stranger", "CSO", "DE*STR")
    send(client, told.home_csp, [entry()])
    assert {d.receiver for d in models.Delivery.objects.all()} == {told.visited_cso.platform}
    assert tokens(client, told.visited_cso) == tokens(client, told.home_csp) == [CARD]
    assert seen(client, online) == seen(client, stranger) == seen(client, told.outsider) == []


@pytest.mark.parametrize("status", ["suspended", "ended"])
def test_under_an_agreement_that_is_not_active_nothing_is_distributed(client, told, status):
    models.Agreement.objects.update(status=status)
    assert counts(send(client, told.home_csp, [entry()]))[0] == 1
    assert not models.Delivery.objects.exists()
    assert seen(client, told.visited_cso) == []
    assert tokens(client, told.home_csp) == [CARD]


def test_a_suspension_that_was_planned_counts_as_well(client, told):
    now = timezone.now()
    models.AgreementSuspension.objects.create(
        agreement=told.agreement, reason="unpaid",
        during=(now - timedelta(hours=1), now + timedelta(hours=1)),
    )  # fmt: skip
    send(client, told.home_csp, [entry()])
    assert not models.Delivery.objects.exists()
    assert seen(client, told.visited_cso) == []


def test_who_becomes_entitled_later_reads_everything(client, told):
    newcomer = make_party("Newcomer", "CSO", "DE*NEW")
    send(client, told.home_csp, [entry(), entry(CARD_2)])
    assert seen(client, newcomer) == []
    factories.make_agreement(newcomer.operator, told.home_csp.operator)
    assert tokens(client, newcomer) == sorted([CARD, CARD_2])


def test_the_list_is_filtered_and_paged(client, told):
    send(client, told.home_csp, [entry(f"04A2B3C{n}") for n in range(5)])
    patch(client, told.home_csp, [entry("04A2B3C5", whitelist="NEVER", valid=False)])
    assert len(seen(client, told.visited_cso, "?home_csp=DE-HOM")) == 6
    assert seen(client, told.visited_cso, "?home_csp=NL-SEC") == []
    assert tokens(client, told.visited_cso, "?whitelist=NEVER&valid=false") == ["04A2B3C5"]
    page = client.get(f"{URL}?page_size=4", headers=told.visited_cso.headers).json()
    rest = client.get(page["next"], headers=told.visited_cso.headers).json()
    found = [row["identification"]["token_uid"] for row in page["results"] + rest["results"]]
    assert (len(page["results"]), len(set(found))) == (4, 6)


def test_with_updated_since_removals_are_listed_too(client, told):
    send(client, told.home_csp, [entry(), entry(CARD_2)])
    models.Identification.objects.update(received_at=timezone.now() - timedelta(days=2))
    since = (timezone.now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    patch(client, told.home_csp, [{"token_uid": CARD, "removed": True, "last_updated": LATER}])
    assert tokens(client, told.visited_cso) == [CARD_2]
    (row,) = seen(client, told.visited_cso, f"?updated_since={since}")
    assert (row["removed"], row["identification"]["token_uid"]) == (True, CARD)


def test_an_erased_identification_is_listed_without_what_names_a_person(client, told):
    send(client, told.home_csp, [entry()])
    models.IdentificationPersonalData.objects.all().delete()
    (row,) = seen(client, told.visited_cso)
    assert row["identification"] is None
    assert counts(send(client, told.home_csp, [entry()])) == (1, 0, 0, 0, 0)
    assert tokens(client, told.visited_cso) == [CARD]


def test_a_card_that_was_unknown_is_known_as_soon_as_it_is_distributed(client, told):
    models.UnknownToken.objects.create(
        environment="live",
        visited_cso=told.visited_cso.identifier,
        token_hmac=token_fingerprint(CARD),
        until=timezone.now() + timedelta(hours=1),
    )
    send(client, told.home_csp, [entry(whitelist="ALWAYS")])
    assert not models.UnknownToken.objects.exists()
    answer = post(client, told.visited_cso, LOCAL, changed(CARD_START)).json()
    assert (answer["decision"], answer["home_csp"]) == ("ACCEPTED", "DE-HOM")


def test_test_and_live_do_not_mix(client, told):
    send(client, told.home_csp, [entry()])
    models.Identification.objects.update(environment="test")
    assert seen(client, told.visited_cso) == []
    assert counts(send(client, told.home_csp, [])) == (0, 0, 0, 0, 0)


@pytest.mark.parametrize("status", ["suspended", "ended"])
def test_that_one_company_of_a_platform_is_stopped_is_not_the_others(client, told, status):
    stopped = factories.IdentifierFactory(
        identifier="DE*STP", operator=factories.OperatorFactory(status=status)
    )
    models.PlatformIdentifier.objects.create(
        platform=told.visited_cso.platform, identifier=stopped, environment="live"
    )
    send(client, told.home_csp, [entry(valid=False)])
    assert models.Delivery.objects.filter(receiver=told.visited_cso.platform).count() == 1
    models.Operator.objects.filter(pk=told.visited_cso.operator.pk).update(status=status)
    send(client, told.home_csp, [entry(CARD_2)])
    assert models.Delivery.objects.filter(receiver=told.visited_cso.platform).count() == 1
