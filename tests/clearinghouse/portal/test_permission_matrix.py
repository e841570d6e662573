"""Who may open what: every address of the portal times everybody who could ask for it.

In the order of WHO: administrator, clerk and reader of the home-CSP; a clerk of its counterparty;
an administrator of an outsider; nobody signed in; a member of staff.
"""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from clearinghouse.portal import accounts
from clearinghouse.portal.urls import OPEN, urlpatterns
from settlement.domain.disputes import Side
from settlement.models import Dispute
from settlement.use_cases.dispute import Actor, add_evidence
from settlement.use_cases.sdr_decision import Decision, decline_sdr
from tests import factories
from tests.clearinghouse.portal.people import member, signed_in
from tests.clearinghouse.portal.stage import NOW

WHO = ("administrator", "clerk", "reader", "counterparty", "outsider", "nobody", "staff")
EVERYBODY = (200, 200, 200, 200, 200, 302, 403)
PARTIES = (200, 200, 200, 200, 404, 302, 403)
DECIDING = (200, 200, 403, 404, 404, 302, 403)
ADMINISTERING = (200, 403, 403, 403, 200, 302, 403)
COLLEAGUES = (200, 403, 403, 403, 404, 302, 403)
WELCOME = (200,) * 7
GONE = (410,) * 7
# What an address answers to GET.
READING = {
    "start": EVERYBODY,
    "sdrs": EVERYBODY,
    "sdrs-csv": EVERYBODY,
    "sdr": PARTIES,
    "decide": DECIDING,
    "disputes": EVERYBODY,
    "dispute": PARTIES,
    "dispute-step": (200, 200, 403, 404, 404, 302, 403),
    "evidence-file": PARTIES,
    "agreements": EVERYBODY,
    "agreement": PARTIES,
    "downloads": EVERYBODY,
    "download": EVERYBODY,
    "sign-in": WELCOME,
    "second-factor": (302, 302, 302, 302, 302, 302, 403),
    "second-factor-setup": EVERYBODY,
    "reset": WELCOME,
    "reset-sent": WELCOME,
    "reset-confirm": GONE,
    "invitation": GONE,
    "account": EVERYBODY,
    "password": EVERYBODY,
    "colleagues": ADMINISTERING,
    "colleague": COLLEAGUES,
    "withdraw-invitation": COLLEAGUES,
}
# Of those that change something, what an address answers to POST.
WRITING = {
    "sign-out": (302,) * 7,
    "switch": (302, 302, 302, 302, 302, 302, 403),
    "decide": (302, 302, 403, 404, 404, 302, 403),
    "agreement": (302, 302, 403, 302, 404, 302, 403),
    "dispute-step": (302, 302, 403, 404, 404, 302, 403),
    "dispute-message": (302, 302, 403, 302, 404, 302, 403),
    "dispute-evidence": (302, 302, 403, 302, 404, 302, 403),
    "colleagues": ADMINISTERING,
    "colleague": (302, 403, 403, 403, 404, 302, 403),
    "colleague-standing": (302, 403, 403, 403, 404, 302, 403),
    "withdraw-invitation": (302, 403, 403, 403, 404, 302, 403),
    "account": EVERYBODY,
    "password": EVERYBODY,
}


@pytest.fixture
def people(stage):
    """A browser of each."""
    home = stage.cast.home_csp.operator
    users = {role: member(home, role) for role in WHO[:3]}
    users["counterparty"] = member(stage.cast.visited_cso.operator, "clerk")
    users["outsider"] = member(stage.cast.outsider.operator, "administrator")
    users["staff"] = factories.UserFactory()
    return {"nobody": Client(), **{who: signed_in(user) for who, user in users.items()}}


@pytest.fixture
def address(stage, people, settings, tmp_path):
    """Name -> an address with the home-CSP's rows in it."""
    settings.DISPUTE_FILES_DIR = tmp_path
    home = stage.cast.home_csp.operator
    clerk = home.memberships.get(role="clerk")
    boss = home.memberships.get(role="administrator").user
    invitation, _ = accounts.invite(home, "new@home.example", "reader", boss, timezone.now())
    decision = Decision("Home CSP", "PRC", by_home_csp=True)
    decline_sdr(stage.agreeing.pk, decision, NOW)
    dispute = Dispute.objects.get()
    file = add_evidence(dispute.pk, Actor("Home CSP", Side.HOME_CSP), "a.txt", b"text", NOW)
    rows = {
        "sdr": [stage.deviating.pk],
        "dispute": [dispute.pk],
        "dispute-step": [dispute.pk, "withdraw"],
        "dispute-message": [dispute.pk],
        "dispute-evidence": [dispute.pk],
        "evidence-file": [dispute.pk, file.pk],
        "agreement": [stage.cast.agreement.pk],
        "download": ["discrepancies"],
        "reset-confirm": ["MQ", "none"],
        "invitation": ["none"],
        "colleague": [clerk.pk],
        "colleague-standing": [clerk.pk, "suspend"],
        "withdraw-invitation": [invitation.pk],
    }

    def of(name: str) -> str:
        query = f"?decision=approve&sdr={stage.deviating.pk}" if name == "decide" else ""
        return reverse(f"portal:{name}", args=rows.get(name, [])) + query

    return of


def test_every_address_stands_in_the_matrix():
    names = {pattern.name for pattern in urlpatterns}
    assert names == READING.keys() | WRITING.keys()
    assert names >= OPEN


@pytest.mark.parametrize("name", READING)
def test_who_may_read(people, address, name):
    answered = tuple(people[who].get(address(name)).status_code for who in WHO)
    assert dict(zip(WHO, answered, strict=True)) == dict(zip(WHO, READING[name], strict=True))


@pytest.mark.parametrize("name", WRITING)
def test_who_may_write(stage, people, address, name):
    data = {"decision": "approve", "sdr": str(stage.deviating.pk), "role": "clerk", "text": "x"}
    place = address(name).partition("?")[0]
    # The last first: who may not must not find it done already.
    answered = {who: people[who].post(place, data).status_code for who in reversed(WHO)}
    assert answered == dict(zip(WHO, WRITING[name], strict=True))


@pytest.mark.parametrize("name", sorted(READING.keys() - OPEN))
def test_who_is_not_signed_in_is_led_to_the_sign_in(people, address, name):
    answer = people["nobody"].get(address(name))
    assert answer["Location"].startswith("/portal/sign-in/?next=/portal/")


@pytest.mark.parametrize("name", ["switch", "colleague-standing", "sign-out"])
def test_what_changes_something_is_done_by_post_only(people, address, name):
    assert people["administrator"].get(address(name)).status_code == 405
