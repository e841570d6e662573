"""UC3-8: the user who reserved identifies at the EVSE, and the reservation's session goes on."""

import pytest

from roaming import models
from roaming.models.clock import set_business_clock
from tests import factories
from tests.roaming.api.messages import LOCAL_START, changed
from tests.roaming.api.remote import reservation, session

CARD = {"method": "RFID", "token_uid": "04A2B3C4D5E6F7"}
VEHICLE = {"method": "PNC", "contract_id": "DE-HOM-C12345678"}


@pytest.fixture
def held(remote):
    return remote.reserved(identification=CARD)


def identify(remote, identification=CARD, **fields):
    return remote.post(
        "service-sessions/local-start",
        changed(LOCAL_START, identification=identification, **fields),
        remote.cast.visited_cso,
    )


def states():
    return reservation().state, session().state


def test_the_reservation_s_session_goes_on(remote, held):
    response = identify(remote)
    assert response.status_code == 200, response.content
    answer = response.json()
    assert answer["decision"] == "ACCEPTED"
    assert answer["service_session_id"] == held["service_session_id"]
    (asked,) = remote.told("uc3-1/local-start")
    assert asked["service_session_id"] == held["service_session_id"]
    assert states() == ("fulfilled", "authorised")
    visit = session()
    assert (visit.authorised, visit.identification_method) == ("ONLINE", "RFID")
    assert (visit.cso_session_id, visit.connector_id) == ("S-1", "1")
    assert visit.opened_by == "UC3-8"
    assert visit.authorization_reference == "AUTH-1"


def test_a_card_that_nobody_distributed_leads_to_the_home_csp_that_reserved(remote, held):
    factories.make_agreement(
        remote.cast.visited_cso.operator, remote.cast.outsider.operator
    )  # else a broadcast would have one candidate only
    assert identify(remote).json()["home_csp"] == "DE-HOM"
    (asked,) = remote.told("uc3-1/local-start")
    assert "broadcast" not in asked


def test_plug_and_charge_fulfils_it_too(remote):
    held = remote.reserved(identification=VEHICLE)
    remote.csp.answers["/uc3-3/plug-and-charge-start"] = (200, {"decision": "ACCEPTED"})
    answer = remote.post(
        "service-sessions/plug-and-charge-start",
        {"visited_cso": "DE*VIS", "evse_id": "DE*VIS*E001", "emaid": "DEHOMC12345678"},
        remote.cast.visited_cso,
    ).json()
    assert answer["service_session_id"] == held["service_session_id"]
    assert states() == ("fulfilled", "authorised")


def test_what_the_home_csp_said_when_it_reserved_is_kept_where_it_says_nothing_now(remote):
    remote.reserved(identification=CARD, authorization_reference="AUTH-R", csp_session_id="HOM-R-1")
    remote.csp.answers["/uc3-1/local-start"] = (200, {"decision": "ACCEPTED"})
    identify(remote)
    visit = session()
    assert (visit.authorization_reference, visit.csp_session_id) == ("AUTH-R", "HOM-R-1")


def test_where_the_home_csp_refuses_the_reservation_stands(remote, held):
    remote.csp.answers["/uc3-1/local-start"] = (200, {"decision": "REFUSED", "reason": "blocked"})
    assert identify(remote).json()["decision"] == "REFUSED"
    assert states() == ("reserved", "reserved")


def test_where_the_home_csp_is_away_the_reservation_stands(remote, held):
    remote.csp.answers["/uc3-1/local-start"] = (503, {})
    assert identify(remote).json()["code"] == "receiver_refused"
    assert states() == ("reserved", "reserved")
    remote.csp.accept()
    assert identify(remote).json()["decision"] == "ACCEPTED"
    assert states() == ("fulfilled", "authorised")


@pytest.mark.parametrize(
    ("identification", "fields"),
    [
        ({**CARD, "token_uid": "04FFFFFFFFFFFF", "contract_id": "DE-HOM-C99999999"}, {}),
        ({**CARD, "contract_id": "DE-HOM-C12345678"}, {"evse_id": "DE*VIS*E002"}),
    ],
)
def test_another_user_or_place_has_a_session_of_its_own(remote, held, identification, fields):
    factories.make_site(remote.cast.visited_cso.identifier, "DE*VIS*E002")
    answer = identify(remote, identification, **fields).json()
    assert answer["decision"] == "ACCEPTED"
    assert answer["service_session_id"] != held["service_session_id"]
    assert reservation().state == "reserved"


def test_before_it_begins_a_reservation_is_none(remote):
    held = remote.reserved(identification=CARD, starts_at="2026-10-05T10:30:00+02:00")
    answer = identify(remote, {**CARD, "contract_id": "DE-HOM-C12345678"}).json()
    assert answer["service_session_id"] != held["service_session_id"]


def test_after_it_ran_out_a_reservation_is_none(remote, held, now):
    from datetime import timedelta

    later = now + timedelta(hours=1)
    set_business_clock(later, speed=0, ceiling=later)
    answer = identify(remote, {**CARD, "contract_id": "DE-HOM-C12345678"}).json()
    assert answer["service_session_id"] != held["service_session_id"]


def test_a_start_whose_answer_was_lost_is_recalled(remote, held):
    from django.utils import timezone

    body = changed(LOCAL_START, identification=CARD)
    for _ in range(2):
        answer = remote.post(
            "service-sessions/local-start", body, remote.cast.visited_cso,
            **{"X-Message-ID": "m-1"},
        ).json()  # fmt: skip
        assert answer["service_session_id"] == held["service_session_id"]
        models.GivenAnswer.objects.update(status=None, body=b"", leased_until=timezone.now())
    assert len(remote.told("uc3-1/local-start")) == 1


def test_who_did_not_reserve_pays_no_query_for_it(remote):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        identify(remote, {**CARD, "contract_id": "DE-HOM-C12345678"})
    asked = [query["sql"] for query in queries if "roaming_reservation" in query["sql"]]
    assert all('FROM "roaming_evse"' in sql for sql in asked)  # with the EVSE, in one go
    assert len(asked) == 1
