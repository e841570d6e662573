"""For each rule that SQL evaluates: cases that make it fire, and near misses that do not."""

from dataclasses import replace
from datetime import timedelta

from roaming.domain.whitelist import Distributed, Whitelist
from settlement.domain.reconciliation.case import Case, OfflineEvidence
from tests.settlement.domain.reconciliation.right import (
    CLAIM,
    HOUR,
    OTHER_SESSION,
    RIGHT,
    SESSION,
    TEN,
    D,
    beside,
    claim,
    price,
    recorded,
    session,
    terms,
)

GOOD = Distributed(Whitelist.ALLOWED_OFFLINE, True, None, False)


def offline(covered: bool = True, distributed: Distributed | None = GOOD, **fields) -> Case:
    return Case(
        claim=replace(CLAIM, service_session_id=None, authorised="OFFLINE", **fields),
        offline=OfflineEvidence(covered=covered, distributed=distributed),
        terms=RIGHT.terms,
        price=RIGHT.price,
        evse_owned=RIGHT.evse_owned,
    )


ONLINE = replace(RIGHT, offline=OfflineEvidence())  # what is no offline start is not held to it
AT_ITS_EVSE = {"evse_key": "DEVISE001"}
OF_ITS_TOKEN = {"token_hmac": b"token"}

SEVERAL = replace(
    claim(service_session_id=None), session=None, session_candidates=(SESSION, OTHER_SESSION)
)
OWING = replace(terms(csp_record_hours=48), judged_at=TEN + 51 * HOUR)

# rule -> (fires, silent)
CASE_EXAMPLES: dict[str, tuple[list[Case], list[Case]]] = {
    "DUP-02": (
        [
            beside(service_session_id=SESSION),
            beside(service_session_id=SESSION, arrival=6, decided=True),
            beside(service_session_id=None, matched_session_id=SESSION),
        ],
        [
            beside(),
            beside(service_session_id=SESSION, arrival=6),  # the other is the second
            beside(service_session_id=SESSION, pair_id=8),
        ],
    ),
    "AUT-01": (
        [
            replace(claim(service_session_id=None), session=None),
            replace(RIGHT, session=None),
            session(pair_id=8),
            *(session(state=state) for state in ("requested", "refused", "cancelled")),
            claim(token_hmac=b"another"),
        ],
        [RIGHT, claim(token_hmac=None), session(state="active"), offline(), SEVERAL,
         claim(service_session_id=None)],
    ),
    "AUT-03": (
        [offline(token_hmac=None), offline(covered=False), offline(distributed=None),
         offline(distributed=replace(GOOD, removed=True))],
        [offline(), ONLINE],
    ),
    "AUT-04": (
        [offline(distributed=replace(GOOD, valid=False)),
         offline(distributed=replace(GOOD, expires_at=TEN))],
        [offline(), offline(distributed=replace(GOOD, expires_at=TEN + HOUR)), ONLINE],
    ),
    "AUT-05": (
        [offline(distributed=replace(GOOD, whitelist=Whitelist.NEVER))],
        [offline(), offline(distributed=replace(GOOD, whitelist=Whitelist.ALLOWED)), ONLINE],
    ),
    "AGR-01": (
        [terms(valid_from=TEN + HOUR), terms(valid_to=TEN), replace(RIGHT, terms=None)],
        [RIGHT, terms(valid_to=TEN + timedelta(seconds=1)), terms(valid_from=TEN)],
    ),
    "AGR-02": (
        [terms(suspensions=((TEN - HOUR, None),))],
        [
            terms(suspensions=((TEN - HOUR, TEN),)),
            terms(suspensions=((TEN + HOUR, None),)),
            terms(suspensions=((TEN - HOUR, None),), valid_to=TEN),  # AGR-01 says so
        ],
    ),
    "TIM-05": (
        [claim(received_at=TEN + 170 * HOUR)],
        [claim(received_at=TEN + 169 * HOUR), replace(RIGHT, terms=None)],
    ),
    "TIM-06": (
        [beside(**AT_ITS_EVSE), beside(**AT_ITS_EVSE, ended_at=TEN + timedelta(seconds=61))],
        [
            beside(),
            beside(**AT_ITS_EVSE, ended_at=TEN + timedelta(seconds=60)),
            beside(**AT_ITS_EVSE, service_session_id=SESSION),
            beside(**AT_ITS_EVSE, arrival=6),
        ],
    ),
    "TIM-07": (
        [beside(**OF_ITS_TOKEN)],
        [beside(**OF_ITS_TOKEN, home_csp_id=3), beside(**OF_ITS_TOKEN, **AT_ITS_EVSE), beside()],
    ),
    "QTY-02": (
        [price(periods_energy=D("20.2"))],
        [price(periods_energy=D("20.1")), price(periods_energy=None)],
    ),
    "QTY-06": (
        [session(evse_key="DEVISE002"), replace(RIGHT, evse_owned=((TEN + HOUR, None),))],
        [RIGHT, session(evse_key=None), claim(evse_key="")],
    ),
    "PRC-01": (
        [price(expected=D("9.98")), price(expected=D("10.02"))],
        [price(expected=D("9.99")), price(expected=None)],
    ),
    "PRC-02": ([price(failure="no_tariff: there is none")], [RIGHT]),
    "PRC-04": (
        [price(tariff_issue="older_version"),
         price(tariff_issue="older_version", expected=D(8))],
        [price(expected=D(8))],
    ),
    "DUP-06": (
        [
            beside(**AT_ITS_EVSE, cso_session_id="S", started_at=TEN - HOUR),
            beside(**AT_ITS_EVSE, **OF_ITS_TOKEN),
        ],
        [
            beside(cso_session_id="S"),
            beside(**AT_ITS_EVSE, cso_session_id="T"),
            beside(**AT_ITS_EVSE, cso_session_id="S", arrival=6),
            beside(**AT_ITS_EVSE, cso_session_id="S", service_session_id=SESSION),  # DUP-02
            beside(**AT_ITS_EVSE, cso_session_id="S", started_at=TEN - 24 * HOUR),
            beside(**AT_ITS_EVSE, cso_session_id="S", pair_id=8),
        ],
    ),
    "AUT-07": (
        [claim(identification_method="APP"), claim(authorised="OFFLINE")],
        [
            claim(identification_method=""),
            claim(identification_method="OTHER"),
            claim(authorised=""),
            session(pair_id=8, authorised="OFFLINE"),
        ],
    ),
    "AUT-08": (
        [claim(authorization_reference="B")],
        [RIGHT, claim(authorization_reference=""), session(authorization_reference="")],
    ),
    "AGR-04": (
        [
            claim(identification_method="PNC"),
            claim(authorised="COMMAND"),
            replace(RIGHT, reserved=True),
        ],
        [
            RIGHT,
            replace(RIGHT, reserved=True, services=frozenset({"reservation"})),
            replace(RIGHT, reserved=True, terms=None),  # AGR-01 says so
        ],
    ),
    "TIM-08": (
        [claim(total_time_h=D("1.02")), claim(total_time_h=D(60))],
        [claim(total_time_h=D("1.0166")), claim(total_time_h=None)],
    ),
    "TIM-11": ([claim(ended_at=TEN + 73 * HOUR)], [claim(ended_at=TEN + 72 * HOUR)]),
    "TIM-12": (
        [session(opened_at=TEN + timedelta(minutes=16))],
        [session(opened_at=TEN + timedelta(minutes=15)), session(opened_at=TEN - HOUR)],
    ),
    "QTY-08": (
        [claim(energy_kwh=D(1001)), claim(ended_at=TEN)],
        [claim(energy_kwh=D(1000)), claim(energy_kwh=D(0), ended_at=TEN)],
    ),
    "QTY-09": ([claim(energy_kwh=D("1000.1"))], [claim(energy_kwh=D(1000))]),
    "QTY-10": (
        [claim(energy_kwh=D("0.0"))],
        [
            claim(energy_kwh=D(0), before_tax=D(0)),
            claim(energy_kwh=D("0.1")),
            replace(claim(energy_kwh=D(0)), reserved=True),
        ],
    ),
    "QTY-11": (
        [session(completed_kwh=D(19)), session(completed_kwh=D("20.2"))],
        [
            RIGHT,
            session(completed_kwh=D("20.1")),
            session(completed_kwh=None),
            session(completed_kwh=D(19), pair_id=8),
        ],
    ),
    "PRC-12": ([claim(before_tax=D("-0.01"))], [claim(before_tax=D(0)), RIGHT]),
    "PRC-05": ([claim(currency="CHF")], [RIGHT, replace(RIGHT, terms=None)]),
    "AUT-20": ([SEVERAL], [RIGHT, claim(service_session_id=None)]),
    "AUT-21": (
        [recorded(token_hmac=b"another")],
        [recorded(), recorded(token_hmac=None), RIGHT],
    ),
    "TIM-20": (
        [recorded(started_at=TEN - timedelta(seconds=61)),
         recorded(ended_at=TEN + HOUR + timedelta(seconds=61))],
        [recorded(), recorded(started_at=TEN - timedelta(seconds=60)), RIGHT],
    ),
    "QTY-20": (
        [recorded(energy_kwh=D("19.89")), recorded(energy_kwh=D("20.11"))],
        [recorded(), recorded(energy_kwh=D("20.1")), RIGHT],
    ),
    "QTY-21": (
        [recorded(evse_key="DEVISE002")],
        [recorded(), recorded(evse_key=""), RIGHT],
    ),
    "PRC-20": (
        [recorded(before_tax=D("9.98"))],
        [recorded(), recorded(before_tax=D("9.99")), recorded(before_tax=None),
         recorded(before_tax=D(5), currency="CHF"), RIGHT],
    ),
    "PRC-21": ([recorded(currency="CHF")], [recorded(), recorded(currency=""), RIGHT]),
    "DAT-20": ([replace(RIGHT, record_candidates=("A", "B"))], [recorded(), RIGHT]),
    "DAT-21": (
        [OWING],
        [replace(OWING, judged_at=TEN + 50 * HOUR), replace(OWING, record=recorded().record),
         replace(OWING, record_candidates=("A", "B")), replace(RIGHT, judged_at=TEN + 99 * HOUR)],
    ),
}  # fmt: skip
