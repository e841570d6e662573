"""Requests that no view ever sees: the API answers them with problem details too."""

import pytest

ADDRESSES = ["/api/v1/sdrs", "/api/v1/clock", "/api/docs/refusals", "/api/nothing"]


@pytest.mark.parametrize("host", ["elsewhere.example", "not a host", "[::", "a" * 300, "x:port"])
@pytest.mark.parametrize("address", ADDRESSES)
def test_a_bad_host_below_api_is_a_problem_detail(client, db, address, host):
    response = client.get(address, headers={"Host": host, "X-Correlation-ID": "C-1"})
    assert response.status_code == 400
    assert response["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert (problem["code"], problem["field"]) == ("malformed_request", "Host")
    assert problem["correlation_id"] == response["X-Correlation-ID"] == "C-1"
    assert host not in problem["detail"]


def test_a_bad_host_elsewhere_keeps_django_s_page(client, db):
    response = client.get("/admin/login/", headers={"Host": "elsewhere.example"})
    assert response.status_code == 400
    assert response["Content-Type"].startswith("text/html")


def test_too_many_parameters_are_the_sender_s_fault(client, cast):
    query = "&".join(f"p{number}=1" for number in range(2000))
    response = client.get(f"/api/v1/sdrs?{query}", headers=cast.home_csp.headers)
    assert (response.status_code, response.json()["code"]) == (400, "malformed_request")


def test_what_breaks_outside_of_a_view_is_a_problem_detail_too(client, db, monkeypatch):
    from roaming.api.operations import ClockView

    client.raise_request_exception = False
    monkeypatch.setattr(ClockView, "finalize_response", None)
    response = client.get("/api/v1/clock")
    assert response.status_code == 500
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "internal_error"


def test_nobody_fills_the_memory_through_a_log_in_page(client):
    for address in ("/admin/login/", "/portal/sign-in/"):
        response = client.post(address, CONTENT_LENGTH="6000000000")
        assert (response.status_code, response.content) == (413, b"That is too large.")
