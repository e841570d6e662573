"""Whatever is sent to an address below /api/ that does not exist, the answer is a problem."""

import pytest
from django.test import Client


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_an_address_that_does_not_exist_is_not_found_in_any_method(db, method):
    client = Client(enforce_csrf_checks=True)
    response = getattr(client, method)("/api/v1/nowhere/at-all")
    assert (response.status_code, response["Content-Type"]) == (404, "application/problem+json")
    assert response.json()["code"] == "not_found"
