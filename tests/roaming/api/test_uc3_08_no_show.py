"""UC3-8: what the visited-CSO says of a reservation that ended, and the SDR of a no-show."""

from datetime import timedelta

import pytest

from roaming import models
from roaming.hub_switch import deliver_due
from roaming.hub_switch.reservations import expire_reservations
from roaming.models.clock import set_business_clock
from tests.roaming.api.remote import APP_USER, reservation, session

HOUR = timedelta(hours=1)


@pytest.fixture
def reservation_id(remote):
    return remote.reserved()["reservation_id"]


def at(moment):
    set_business_clock(moment, speed=0, ceiling=moment)
    return moment


def states():
    return reservation().state, session().state


@pytest.mark.parametrize("swept", [False, True])
def test_nobody_came_and_the_session_waits_for_its_sdr(remote, reservation_id, now, swept):
    at(now + HOUR)
    if swept:
        expire_reservations(now + HOUR)
    response = remote.outcome(reservation_id, "NO_SHOW", reason="NOBODY_CAME")
    assert response.status_code == 200, response.content
    assert (response.json()["state"], response.json()["acknowledged"]) == ("no_show", not swept)
    assert states() == ("no_show", "completed")
    visit = session()
    assert (visit.started_at, visit.ended_at) == (now, now + HOUR)
    assert visit.energy_kwh == 0
    deliver_due()
    deliver_due()
    notice = remote.told("uc3-8/outcome")[-1]
    assert (notice["outcome"], notice["reason"]) == ("NO_SHOW", "NOBODY_CAME")


def test_the_same_outcome_again_changes_nothing(remote, reservation_id, now):
    at(now + HOUR)
    first = remote.outcome(reservation_id, "NO_SHOW").json()
    assert remote.outcome(reservation_id, "NO_SHOW").json() == first
    assert len(remote.told("uc3-8/outcome")) == 1


def test_the_visited_cso_may_say_first_that_it_ran_out(remote, reservation_id, now):
    at(now + HOUR)
    assert remote.outcome(reservation_id, "EXPIRED").json()["state"] == "expired"
    assert states() == ("expired", "cancelled")
    assert expire_reservations(now + HOUR) == 0


def test_an_evse_that_cannot_be_kept_is_called_off(remote, reservation_id):
    answer = remote.outcome(reservation_id, "CANCELLED", reason="EVSE_INOPERATIVE").json()
    assert answer["acknowledged"] is True
    assert states() == ("cancelled", "cancelled")
    (notice,) = remote.told("uc3-8/outcome")
    assert (notice["outcome"], notice["reason"]) == ("CANCELLED", "EVSE_INOPERATIVE")


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("fulfilled", "NO_SHOW"), ("cancelled", "NO_SHOW"), ("rejected", "EXPIRED"),
        ("requested", "CANCELLED"), ("no_show", "EXPIRED"), ("expired", "CANCELLED"),
    ],
)  # fmt: skip
def test_an_outcome_that_cannot_be_is_refused(remote, reservation_id, now, state, outcome):
    at(now + HOUR)
    models.Reservation.objects.update(state=state)
    response = remote.outcome(reservation_id, outcome)
    assert (response.status_code, response.json()["code"]) == (409, "reservation_state")
    assert reservation().state == state


def test_nobody_is_missing_before_the_reservation_begins(remote, now):
    answer = remote.reserved(starts_at="2026-10-05T10:30:00+02:00")
    response = remote.outcome(answer["reservation_id"], "NO_SHOW")
    assert response.json()["code"] == "reservation_state"
    assert remote.outcome(answer["reservation_id"], "EXPIRED").json()["code"] == (
        "reservation_state"
    )


@pytest.mark.parametrize("status", ["suspended", "ended"])
def test_an_outcome_passes_whatever_became_of_the_agreement(remote, reservation_id, now, status):
    models.Agreement.objects.update(status=status)
    models.Platform.objects.update(status="suspended")
    at(now + HOUR)
    assert remote.outcome(reservation_id, "NO_SHOW").status_code == 200


def test_only_the_visited_cso_says_what_became_of_it(remote, reservation_id):
    for party in (remote.cast.home_csp, remote.cast.outsider):
        response = remote.outcome(reservation_id, "CANCELLED", party)
        assert (response.status_code, response.json()["code"]) == (404, "unknown_reservation")
    assert states() == ("reserved", "reserved")


@pytest.mark.parametrize(
    ("body", "field"),
    [({"outcome": "LOST"}, "outcome"), ({"outcome": "EXPIRED", "reason": "x" * 61}, "reason")],
)
def test_a_bad_outcome_is_refused_with_its_field(remote, reservation_id, body, field):
    problem = remote.post(
        f"reservations/{reservation_id}/outcome", body, remote.cast.visited_cso
    ).json()
    assert (problem["code"], problem["field"]) == ("invalid_field", field)


# --- The SDR of a no-show -------------------------------------------------------------------------

TARIFF = {
    "id": "T-R",
    "visited_cso": "DE*VIS",
    "currency": "EUR",
    "valid_from": "2026-10-01T00:00:00+02:00",
    "elements": [
        {
            "price_components": [{"type": "TIME", "price": 4, "step_size": 60}],
            "restrictions": {"reservation": "RESERVATION_EXPIRES"},
        },
        {"price_components": [{"type": "ENERGY", "price": 0.5, "step_size": 1}]},
    ],
}


def no_show_sdr(service_session_id, **fields):
    return {
        "id": "SDR-R",
        "visited_cso": "DE*VIS",
        "home_csp": "DE-HOM",
        "service_session_id": service_session_id,
        "evse_id": "DE*VIS*E001",
        "country": "DE",
        "time_zone": "Europe/Berlin",
        "start_date_time": "2026-10-05T10:00:00+02:00",
        "end_date_time": "2026-10-05T11:00:00+02:00",
        "currency": "EUR",
        "tariff_id": "T-R",
        "charging_periods": [
            {
                "start_date_time": "2026-10-05T10:00:00+02:00",
                "dimensions": [{"type": "RESERVATION_TIME", "volume": 1}],
            }
        ],
        "total_energy": 0,
        "total_time": 1,
        "total_reservation_time": 1,
        "total_cost": {"excl_vat": "4.00"},
        **fields,
    }


@pytest.fixture
def no_show(remote, now):
    """A reservation to which nobody came, under a published tariff; its session's id."""
    at(now - HOUR)
    published = remote.client.put(
        "/api/v1/tariffs/T-R", data=TARIFF, content_type="application/json",
        headers=remote.cast.visited_cso.headers,
    )  # fmt: skip
    assert published.status_code in (200, 201), published.content
    at(now)
    answer = remote.reserved()
    at(now + HOUR)
    remote.outcome(answer["reservation_id"], "NO_SHOW")
    return answer["service_session_id"]


@pytest.mark.parametrize(
    "identification", [{}, {"identification": {**APP_USER, "authorised": "COMMAND"}}]
)
def test_the_sdr_of_a_no_show_is_taken_and_agreed(remote, no_show, now, identification):
    from settlement.use_cases.sdr_reconciliation import reconcile
    from tests.settlement.sdrs import rules_of, standing_of

    response = remote.post("sdrs", no_show_sdr(no_show, **identification), remote.cast.visited_cso)
    assert response.status_code == 201, response.content
    assert response.json()["findings"] == []
    reconcile("live", now + 2 * HOUR)
    sdr = models.Sdr.objects.get()
    assert (standing_of(sdr).outcome, rules_of(sdr)) == ("agreed", [])
    assert standing_of(sdr).rated_before_tax == 4


def test_the_sdr_of_a_reservation_that_was_refused_has_no_authorisation(remote, no_show, now):
    from settlement.use_cases.sdr_reconciliation import reconcile
    from tests.settlement.sdrs import rules_of

    models.ServiceSession.objects.update(state="refused")
    remote.post("sdrs", no_show_sdr(no_show), remote.cast.visited_cso)
    reconcile("live", now + 2 * HOUR)
    assert "AUT-01" in rules_of(models.Sdr.objects.get())
