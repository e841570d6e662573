"""Any of the three records that comes late has its session judged anew, and no other."""

import threading
import time
from datetime import timedelta

import msgspec
import pytest
from django.db import connection, transaction

from roaming import models
from roaming.waking import wake_after_commit
from settlement.domain.csp_record import CspRecordMessage
from settlement.use_cases.csp_records import OfferedRecord, receive_csp_records
from settlement.use_cases.sdr_decision import Decision, approve_sdr
from settlement.use_cases.sdr_reconciliation import reconcile
from tests.settlement.sdrs import OCTOBER_5, Trade, announce, rules_of, standing_of

NOW = OCTOBER_5 + timedelta(days=1)
START, END = "2026-10-05T10:00:00Z", "2026-10-05T11:00:00Z"


@pytest.fixture
def trade(cast):
    announce(cast.visited_cso.identifier)
    return Trade.of(cast)


def send(cast, session=None, **fields):
    said = {
        "id": "OWN-1", "home_csp": "DE-HOM", "visited_cso": "DE*VIS", "start_date_time": START,
        "end_date_time": END, "total_energy": "20", **fields,
    }  # fmt: skip
    if session is not None:
        said["service_session_id"] = str(session.id)
    raw = msgspec.json.encode(said)
    offered = OfferedRecord(raw, msgspec.json.decode(raw, type=CspRecordMessage))
    (receipt,) = receive_csp_records(cast.home_csp.platform, [offered], NOW)
    assert receipt.refusal is None
    return receipt


def run():
    return reconcile("live", NOW)


def test_a_late_record_of_the_home_csp_has_its_session_judged_anew_and_no_other(trade, cast):
    session = trade.session()
    sdr = trade.sdr(session)
    others = [trade.sdr(trade.session(OCTOBER_5 - timedelta(hours=2 * n))) for n in range(1, 30)]
    assert run().judged == 30
    receipt = send(cast, session, total_energy="15")
    began = time.perf_counter()
    assert run().judged == 1
    print(f"judged anew in {(time.perf_counter() - began) * 1000:.0f} ms")
    assert rules_of(sdr) == ["QTY-20"]
    assert standing_of(sdr).csp_record_id == receipt.record_id
    assert all(standing_of(other).state == "rated" for other in others)
    assert run().judged == 0
    assert not models.SdrDue.objects.exists()


@pytest.mark.parametrize("way", ["authorization of the SDR", "of the session", "identification"])
def test_it_finds_its_sdr_without_a_session_id(trade, cast, way):
    from roaming.models.fingerprints import token_fingerprint

    token = token_fingerprint("04A2B3C4D5E6F7")
    session = trade.session(
        token_hmac=token, authorization_reference="A" if way == "of the session" else ""
    )
    sdr = trade.sdr(
        session,
        token_hmac=token,
        authorization_reference="A" if way == "authorization of the SDR" else "",
    )
    run()
    if way == "identification":
        identification = {"method": "RFID", "token_uid": "04A2B3C4D5E6F7"}
        receipt = send(cast, identification=identification, evse_id="DE*VIS*E001")
    else:
        receipt = send(cast, authorization_reference="A")
    assert run().judged == 1
    assert standing_of(sdr).csp_record_id == receipt.record_id


def test_the_same_record_again_and_one_of_a_decided_sdr_make_no_work(trade, cast):
    session = trade.session()
    sdr = trade.sdr(session)
    run()
    send(cast, session)
    run()
    send(cast, session)
    assert run().judged == 0
    approve_sdr(sdr.id, Decision("Ada", "other"), NOW)
    send(cast, session, id="OWN-2", total_energy="1")
    assert run().judged == 0
    assert standing_of(sdr).state == "accepted"


def test_a_late_authorisation_has_the_sdr_judged_anew(trade):
    session = trade.session(state="requested")
    sdr = trade.sdr(session)
    run()
    assert rules_of(sdr) == ["AUT-01"]
    session.state = "completed"
    session.save()
    assert run().judged == 1
    assert (standing_of(sdr).state, rules_of(sdr)) == ("rated", [])


def test_news_that_change_nothing_make_no_work(trade):
    session = trade.session()
    trade.sdr(session)
    run()
    session.connector_id = "2"
    session.save()
    assert not models.SdrDue.objects.exists()


def test_a_session_that_comes_after_its_sdr_is_found(trade):
    sdr = trade.sdr()
    run()
    assert standing_of(sdr).state == "unmatched"
    session = trade.session()
    assert run().judged == 1
    assert standing_of(sdr).service_session_id == session.id


def test_a_second_session_puts_a_match_by_identification_in_doubt(trade):
    session = trade.session()
    sdr = trade.sdr()
    run()
    assert standing_of(sdr).service_session_id == session.id
    trade.session(OCTOBER_5 + timedelta(minutes=1))
    assert run().judged == 1
    assert rules_of(sdr) == ["AUT-20"]


def test_what_somebody_else_holds_stays_due(committed_db):
    from tests.cast import make_cast

    cast = make_cast()
    announce(cast.visited_cso.identifier)
    trade = Trade.of(cast)
    sdr = trade.sdr(trade.session())
    run()
    held, go = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            models.SdrState.objects.select_for_update().get(sdr=sdr)
            held.set()
            go.wait(20)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(20)
    send(cast, models.ServiceSession.objects.get(), total_energy="15")  # waits for nobody
    assert run().judged == 0
    assert models.SdrDue.objects.count() == 1
    go.set()
    holder.join()
    assert run().judged == 1
    assert rules_of(sdr) == ["QTY-20"]


def test_a_worker_is_woken_once_the_transaction_stands_and_not_if_it_is_undone(
    committed_db, settings, tmp_path
):
    from clearinghouse.celery import app

    settings.WAKE_WORKERS = True
    options = {
        "data_folder_in": str(tmp_path), "data_folder_out": str(tmp_path), "store_processed": False,
    }  # fmt: skip
    before = app.conf.broker_transport_options
    app.conf.broker_transport_options = options
    try:
        with pytest.raises(RuntimeError), transaction.atomic():
            wake_after_commit()
            raise RuntimeError
        time.sleep(0.3)
        assert list(tmp_path.iterdir()) == []
        with transaction.atomic():
            for _ in range(100):
                wake_after_commit()
            time.sleep(0.1)
            assert list(tmp_path.iterdir()) == []
        deadline = time.monotonic() + 10
        while not list(tmp_path.glob("*")) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.5)
        sent = [path.read_text() for path in tmp_path.iterdir() if path.is_file()]
        assert 1 <= len(sent) <= 3
        assert all("settlement.tasks.reconcile_due" in text for text in sent)
    finally:
        app.conf.broker_transport_options = before
