"""UC2-2: which tariff was in force when; and asking a CSO that does not publish its tariffs."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from psycopg.types.range import TimestamptzRange

from roaming import models
from roaming.domain.tariff.requesting import TariffQuestion
from roaming.models.clock import set_business_clock
from tests import factories
from tests.cast import make_party
from tests.roaming.api.messages import TARIFF, changed
from tests.roaming.api.visit import refusal
from tests.settlement.sdrs import announce

PATH = "/uc2-2/tariff-request"
DAY = timedelta(days=1)


@pytest.fixture
def asking(visit):
    """The cast; the visited-CSO has announced nothing."""
    return visit


def in_force(visit, who="home_csp", **query):
    query.setdefault("visited_cso", "DE*VIS")
    return visit.client.get("/api/v1/tariffs/in-force", query, headers=party(visit, who).headers)


def request(visit, who="home_csp", **fields):
    return visit.client.post(
        "/api/v1/tariff-requests",
        data={"visited_cso": "DE*VIS", **fields},
        content_type="application/json",
        headers=party(visit, who).headers,
    )


def party(visit, who):
    return getattr(visit.cast, who)


def told(visit, tariff_id="AC", **fields):
    """A version that was announced long ago, unless said otherwise."""
    fields.setdefault("valid_from", visit.now - 30 * DAY)
    return announce(visit.cast.visited_cso.identifier, tariff_id, **fields)


def prices(response):
    assert response.status_code == 200, response.content
    return {
        row["tariff_id"]: row["tariff"]["elements"][0]["price_components"][0]["price"]
        for row in response.json()["tariffs"]
    }


# --- Which was in force when ----------------------------------------------------------------------


def test_the_version_in_force_is_told_as_it_was_sent(asking):
    version = told(asking)
    answer = in_force(asking)
    assert answer.json() == {
        "visited_cso": "DE*VIS",
        "home_csp": "DE-HOM",
        "at": "2026-10-05T08:00:00Z",
        "source": "store",
        "evse_id": None,
        "connectors": [],
        "tariffs": [
            {
                "tariff_id": "AC",
                "home_csp": None,
                "currency": "EUR",
                "valid_from": "2026-09-05T08:00:00Z",
                "valid_to": None,
                "received_at": "2026-09-04T08:00:00Z",
                "on_request": False,
                "tariff": msgspec.json.decode(version.body),
            }
        ],
        "not_in_force": [],
    }


def test_a_future_version_is_in_force_from_then_on(asking):
    told(asking, price="0.40")
    told(asking, price="0.60", valid_from=asking.now + DAY, received_at=asking.now - DAY)
    assert prices(in_force(asking)) == {"AC": 0.40}
    assert prices(in_force(asking, at="2026-10-06T08:00:00Z")) == {"AC": 0.60}
    assert prices(in_force(asking, at="2026-10-06T09:59:59+02:00")) == {"AC": 0.40}


def test_what_was_in_force_is_told_of_the_past(asking):
    told(asking, price="0.40")
    told(asking, price="0.60", valid_from=asking.now - DAY, received_at=asking.now - 2 * DAY)
    assert prices(in_force(asking, at="2026-10-04T07:59:59Z")) == {"AC": 0.40}
    assert prices(in_force(asking)) == {"AC": 0.60}
    assert prices(in_force(asking, at="2026-01-01T00:00:00Z")) == {}


def test_nobody_posts_yesterday_s_price_today(asking):
    told(asking, price="0.40")
    told(asking, price="0.90", valid_from=asking.now - 2 * DAY, received_at=asking.now)
    assert prices(in_force(asking, at="2026-10-04T08:00:00Z")) == {"AC": 0.40}
    assert prices(in_force(asking)) == {"AC": 0.90}


def test_the_agreement_s_notice_counts_back_from_the_moment(asking):
    told(asking, price="0.40")
    told(asking, price="0.60", valid_from=asking.now - 5 * DAY, received_at=asking.now - DAY)
    assert prices(in_force(asking)) == {"AC": 0.60}
    replaced = asking.cast.agreement
    ended = datetime(2026, 6, 1, tzinfo=UTC)
    models.Agreement.objects.filter(pk=replaced.pk).update(
        validity=TimestamptzRange(replaced.validity.lower, ended), status="ended"
    )
    factories.make_agreement(
        asking.cast.visited_cso.operator,
        asking.cast.home_csp.operator,
        valid_from=ended,
        tariff_notice_hours=48,
    )
    assert prices(in_force(asking)) == {"AC": 0.40}
    assert prices(in_force(asking, at="2026-10-06T08:00:00Z")) == {"AC": 0.60}
    assert prices(in_force(asking, at="2026-10-06T09:59:59+02:00")) == {"AC": 0.40}


def test_a_tariff_for_one_home_csp_beats_the_general_one_and_no_other_sees_it(asking):
    other = make_party("Other CSP", "CSP", "NL-OTH")
    factories.make_agreement(asking.cast.visited_cso.operator, other.operator)
    told(asking, price="0.40")
    told(asking, price="0.30", home_csp=asking.cast.home_csp.identifier)
    assert prices(in_force(asking)) == {"AC": 0.30}
    answer = asking.client.get(
        "/api/v1/tariffs/in-force", {"visited_cso": "DE*VIS"}, headers=other.headers
    )
    assert prices(answer) == {"AC": 0.40}


def test_a_withdrawal_ends_what_was_announced_before_it_for_later_too(asking):
    told(asking, price="0.40")
    told(asking, price="0.60", valid_from=asking.now + DAY, received_at=asking.now - 2 * DAY)
    asking.client.delete(
        "/api/v1/tariffs/AC?visited_cso=DE*VIS", headers=asking.cast.visited_cso.headers
    )
    assert prices(in_force(asking)) == {}
    assert prices(in_force(asking, at="2026-10-10T00:00:00Z")) == {}
    assert prices(in_force(asking, at="2026-10-05T07:59:59Z")) == {"AC": 0.40}


def test_a_tariff_that_is_announced_again_after_its_withdrawal_is_in_force_again(asking):
    for method in ("put", "delete", "put"):
        send = getattr(asking.client, method)
        address = "/api/v1/tariffs/T1"
        headers = asking.cast.visited_cso.headers
        if method == "put":
            send(address, data=TARIFF, content_type="application/json", headers=headers)
        else:
            send(f"{address}?visited_cso=DE*VIS", headers=headers)
    later = asking.now + timedelta(seconds=1)
    set_business_clock(later, speed=0, ceiling=later)
    assert prices(in_force(asking)) == {"T1": 0.25}


def test_the_tariffs_of_a_connector_are_told_per_home_csp(asking):
    connector = models.Connector.objects.get()
    connector.tariff_ids = ["AC", "GONE"]
    connector.save()
    told(asking, "AC")
    told(asking, "VIP")
    at_it = {"evse_id": "DE*VIS*E001", "connector_id": "1"}
    answer = in_force(asking, **at_it).json()
    assert answer["connectors"] == [{"connector_id": "1", "tariff_ids": ["AC", "GONE"]}]
    assert [row["tariff_id"] for row in answer["tariffs"]] == ["AC"]
    assert answer["not_in_force"] == ["GONE"]
    models.ConnectorTariffs.objects.create(
        connector=connector, home_csp=asking.cast.home_csp.identifier, tariff_ids=["VIP"]
    )
    assert set(prices(in_force(asking, **at_it))) == {"VIP"}
    of_the_cso = in_force(asking, "visited_cso", evse_id="DEVISE001")
    assert set(prices(of_the_cso)) == {"AC"}


def test_a_cso_asks_about_its_own_tariffs_for_all_or_for_one(asking):
    told(asking, price="0.40")
    told(asking, price="0.30", home_csp=asking.cast.home_csp.identifier)
    assert prices(in_force(asking, "visited_cso")) == {"AC": 0.40}
    assert prices(in_force(asking, "visited_cso", home_csp="DE-HOM")) == {"AC": 0.30}


def test_who_has_no_agreement_is_told_nothing(asking):
    told(asking)
    assert refusal(in_force(asking, "outsider"))[:2] == (403, "no_agreement")
    assert refusal(request(asking, "outsider"))[:2] == (403, "no_agreement")
    assert asking.cso.messages(PATH) == []


@pytest.mark.parametrize(
    ("status", "code"), [("suspended", "agreement_suspended"), ("ended", "agreement_ended")]
)
def test_it_is_new_business_and_stops_with_the_agreement(asking, status, code):
    told(asking)
    models.Agreement.objects.update(status=status)
    assert refusal(in_force(asking))[:2] == (403, code)
    assert refusal(request(asking))[:2] == (403, code)
    assert in_force(asking, "visited_cso").status_code == 200


def test_a_suspended_platform_asks_nothing(asking):
    models.Platform.objects.update(status="suspended")
    for response in (in_force(asking), in_force(asking, home_csp="DE-HOM"), request(asking),
                     in_force(asking, "visited_cso")):  # fmt: skip
        assert refusal(response)[:2] == (403, "platform_suspended")


@pytest.mark.parametrize(
    ("query", "code", "field"),
    [
        ({"visited_cso": ""}, "invalid_identifier", "visited_cso"),
        ({"visited_cso": "FR*XXX"}, "unknown_party", "visited_cso"),
        ({"home_csp": "FR-OUT"}, "party_not_held", "home_csp"),
        ({"at": "2026-10-05T08:00:00"}, "time_without_offset", "at"),
        ({"at": "yesterday"}, "invalid_field", "at"),
        ({"at": "1999-10-05T08:00:00Z"}, "invalid_field", "at"),
        ({"evse_id": "?"}, "invalid_identifier", "evse_id"),
        ({"evse_id": "DE*VIS*E999"}, "unknown_evse", "evse_id"),
        ({"evse_id": "DE*VIS*E001", "connector_id": "9"}, "invalid_field", "connector_id"),
        ({"connector_id": "1"}, "invalid_field", "evse_id"),
    ],
)
def test_a_bad_question_is_refused_with_its_field(asking, query, code, field):
    assert refusal(in_force(asking, **query))[1:] == (code, field)


def test_who_speaks_for_several_home_csps_says_for_which(asking):
    platform = asking.cast.home_csp.platform
    second = factories.IdentifierFactory(
        operator=asking.cast.home_csp.operator, role="CSP", identifier="DE-HO2"
    )
    models.PlatformIdentifier.objects.create(
        platform=platform, identifier=second, environment="live"
    )
    assert refusal(in_force(asking)) == (422, "invalid_field", "home_csp")
    assert in_force(asking, home_csp="DE-HOM").status_code == 200


# --- Asking a CSO that does not publish -----------------------------------------------------------


@pytest.fixture
def telling(asking):
    """The visited-CSO tells one tariff when it is asked."""
    asking.cso.answers[PATH] = (200, {"tariffs": [TARIFF]})
    return asking


def test_a_cso_that_does_not_publish_is_asked_and_its_answer_returned(telling):
    answer = request(telling, purpose="campaign")
    assert answer.status_code == 200, answer.content
    content = answer.json()
    assert (content["source"], content["home_csp"]) == ("visited_cso", "DE-HOM")
    (row,) = content["tariffs"]
    assert (row["tariff"], row["on_request"], row["home_csp"]) == (TARIFF, True, "DE-HOM")
    (message,) = telling.cso.messages(PATH)
    question = msgspec.convert(message.body, TariffQuestion, strict=False)
    assert (question.home_csp, question.visited_cso) == ("DE-HOM", "DE*VIS")
    assert message.body["purpose"] == "campaign"


def test_it_leaves_a_version_received_now_that_rating_finds(telling):
    request(telling)
    version = models.TariffVersion.objects.get()
    assert (version.on_request, version.received_at) == (True, telling.now)
    assert version.home_csp == telling.cast.home_csp.identifier
    assert prices(in_force(telling)) == {"T1": 0.25}
    earlier = (telling.now - timedelta(seconds=1)).isoformat()
    assert prices(in_force(telling, at=earlier)) == {}
    rows = models.JournalEntry.objects.filter(use_case="UC2-2").order_by("id")
    assert list(rows.values_list("phase", "outcome")) == [
        ("admitted", "pending"), ("verdict", "accepted"),
    ]  # fmt: skip


def test_the_same_answer_again_leaves_nothing_new(telling):
    request(telling)
    assert request(telling).status_code == 200
    assert models.TariffVersion.objects.count() == 1
    assert len(telling.cso.messages(PATH)) == 2


def test_what_one_home_csp_was_told_no_other_sees(telling):
    factories.make_agreement(telling.cast.visited_cso.operator, telling.cast.outsider.operator)
    request(telling)
    assert prices(in_force(telling, "outsider")) == {}


def test_what_was_told_on_request_does_not_outlive_what_is_announced_to_all(telling):
    request(telling)
    later = telling.now + DAY
    set_business_clock(later, speed=0, ceiling=later)
    told(telling, "T1", price="0.45", valid_from=telling.now, received_at=later)
    assert prices(in_force(telling)) == {"T1": 0.45}


def test_a_cso_that_publishes_is_not_asked(telling):
    told(telling, "AC")
    answer = request(telling, tariff_ids=["ac", "DC"])
    assert prices(answer) == {"AC": 0.5}
    assert (answer.json()["source"], answer.json()["not_in_force"]) == ("store", ["DC"])
    assert telling.cso.messages(PATH) == []
    row = models.JournalEntry.objects.get(use_case="UC2-2")
    assert (row.phase, row.outcome) == ("verdict", "accepted")


def test_a_cso_that_publishes_for_others_only_is_asked(telling):
    told(telling, home_csp=telling.cast.outsider.identifier)
    assert request(telling).json()["source"] == "visited_cso"


def test_a_tariff_that_was_asked_for_and_not_told_is_named(telling):
    assert request(telling, tariff_ids=["T1", "T2"]).json()["not_in_force"] == ["T2"]


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (404, {}, "receiver_refused"),
        (200, b"?", "receiver_answered_rubbish"),
        (200, [TARIFF], "receiver_answered_rubbish"),
        (200, {"tariffs": [changed(TARIFF, valid_from="2026-10-01T00:00:00")]},
         "receiver_answered_rubbish"),
        (200, {"tariffs": [changed(TARIFF, elements=[])]}, "receiver_answered_rubbish"),
        (200, {"tariffs": [TARIFF, changed(TARIFF, id="")]}, "receiver_answered_rubbish"),
        (200, {"tariffs": [changed(TARIFF, visited_cso="DE*XXX")]}, "receiver_answered_rubbish"),
        (200, {"tariffs": [changed(TARIFF, home_csp="FR-OUT")]}, "receiver_answered_rubbish"),
        (200, {"tariffs": [TARIFF] * 1001}, "receiver_answered_rubbish"),
    ],
)  # fmt: skip
def test_an_answer_that_is_none_is_refused_and_nothing_of_it_is_kept(telling, status, body, code):
    telling.cso.answers[PATH] = (status, body)
    response = request(telling)
    assert (response.status_code, response.json()["code"]) == (502, code), response.content
    assert not models.TariffVersion.objects.exists()
    last = models.JournalEntry.objects.filter(use_case="UC2-2").order_by("id").last()
    assert (last.phase, last.refusal_code) == ("verdict", code)


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"visited_cso": "?"}, "invalid_identifier", "visited_cso"),
        ({"tariff_ids": ["x" * 37]}, "invalid_field", "tariff_ids[0]"),
        ({"tariff_ids": ["T"] * 1001}, "invalid_field", "tariff_ids"),
        ({"tariff_ids": "T"}, "invalid_field", "tariff_ids"),
        ({"home_csp": "DE-XXX"}, "party_not_held", "home_csp"),
    ],
)
def test_a_bad_request_is_refused_with_its_field(telling, fields, code, field):
    assert refusal(request(telling, **fields))[1:] == (code, field)
    assert telling.cso.messages(PATH) == []
