"""The demo's people in the portal: one of each side, who can sign in."""

from __future__ import annotations

from clearinghouse.demo import portal_people
from tests.clearinghouse.portal.people import sign_in


def test_one_of_each_side_can_sign_in_and_again_with_a_fresh_password(cast, client):
    first = portal_people.accounts_for_two()
    again = portal_people.accounts_for_two()
    assert [account.email for account in first] == [account.email for account in again]
    assert {account.operator for account in again} == {"Home CSP", "Visited CSO"}
    for old, new in zip(first, again, strict=True):
        assert sign_in(client, old.email, old.password).status_code == 200
        assert sign_in(client, new.email, new.password).status_code == 302
        assert client.get("/portal/sdrs/").status_code == 200


def test_what_is_printed_says_for_whom(cast):
    account = portal_people.account_for(cast.home_csp.operator)
    (line,) = portal_people.told([account], "  ")
    assert line == f"  portal@home-csp.example, password {account.password} (Home CSP)"
