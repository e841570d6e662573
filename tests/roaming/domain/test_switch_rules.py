"""The matrix of use case and agreement, the session's life, the catalogue of refusals."""

import pytest

from roaming.domain.agreement import SERVICE_NEEDED, Standing, passes
from roaming.domain.receiving import starts_business
from roaming.domain.refusals import CATALOGUE, Fault, Refusal
from roaming.domain.secrets import MachineToken, fingerprint, same_digest
from roaming.domain.session import SessionState, may_become
from roaming.domain.use_case import UseCase

# domain.md, rules: what passes after suspension or end, until the SDR window closes.
PASSES_AFTERWARDS = {
    "UC3-4", "UC3-5", "UC3-6", "UC3-7", "UC3-9", "UC3-10", "UC5-1", "UC5-2", "UC5-3",
    # Information about the network goes on: running sessions need it.
    "UC1-1", "UC1-2", "UC1-3", "UC2-1",
}  # fmt: skip
NEW_BUSINESS = {"UC2-2", "UC3-1", "UC3-2", "UC3-3", "UC3-8", "UC4-1", "UC4-2"}


def test_the_twenty_use_cases_are_all_there_and_each_is_one_or_the_other():
    codes = {use_case.code for use_case in UseCase}
    assert len(codes) == 20
    assert codes == PASSES_AFTERWARDS | NEW_BUSINESS
    assert {u.code for u in UseCase if u.new_business} == NEW_BUSINESS


@pytest.mark.parametrize("use_case", UseCase, ids=lambda u: u.code)
@pytest.mark.parametrize("standing", [Standing.SUSPENDED, Standing.ENDED])
def test_a_running_session_is_never_stranded(use_case, standing):
    assert passes(use_case, standing) == (use_case.code in PASSES_AFTERWARDS)


@pytest.mark.parametrize("use_case", UseCase, ids=lambda u: u.code)
def test_an_active_agreement_lets_everything_pass(use_case):
    assert passes(use_case, Standing.ACTIVE)


@pytest.mark.parametrize("use_case", UseCase, ids=lambda u: u.code)
def test_without_any_agreement_only_registration_and_an_emergency_pass(use_case):
    assert passes(use_case, Standing.ABSENT) == (use_case.code in {"UC1-1", "UC5-3"})


def test_an_emergency_needs_no_service():
    assert UseCase.UC5_2 not in SERVICE_NEEDED
    assert UseCase.UC5_3 not in SERVICE_NEEDED


def test_what_ends_a_reservation_or_a_command_is_no_new_business_for_its_receiver():
    for path in ("uc3-8/cancellation", "uc3-8/result", "uc3-8/outcome", "uc3-2/result"):
        assert not starts_business(path)
    for path in ("uc3-4/stop", "uc5-2/unlock", "uc5-3/unlock"):
        assert not starts_business(path)
    assert starts_business("uc3-2/remote-start")
    assert starts_business("uc3-8/reservation")


def test_a_session_never_goes_back():
    order = [SessionState.REQUESTED, SessionState.AUTHORISED, SessionState.COMPLETED]
    for later in range(len(order)):
        for earlier in range(later + 1):
            assert not may_become(order[later], order[earlier])
    assert not any(may_become(SessionState.REFUSED, state) for state in SessionState)


def test_the_catalogue_says_whose_fault_and_what_to_do():
    for reason in CATALOGUE.values():
        assert isinstance(reason.fault, Fault)
        assert reason.title
        assert reason.what_to_do.endswith(".")
        assert 400 <= reason.status < 600
    assert len({reason.code for reason in CATALOGUE.values()}) == len(CATALOGUE)


def test_a_refusal_needs_a_code_of_the_catalogue():
    with pytest.raises(KeyError):
        Refusal("made_up", "…")


@pytest.mark.parametrize("text", ["", ".", "abc", "abcdefghijkl.", "abc.def", "ab-defghijkl.x"])
def test_rubbish_is_no_token(text):
    assert MachineToken.parse(text) is None


def test_a_fingerprint_depends_on_the_key_and_on_where_parts_end():
    assert fingerprint("a", "x") != fingerprint("b", "x")
    assert fingerprint("a", "xy", "z") != fingerprint("a", "x", "yz")
    assert same_digest(fingerprint("a", "x"), fingerprint("a", "x"))
