"""UC1-1: registration with a one-time token, rotation with overlap, revocation.

What passes between the two at the handshake: test_uc1_01_handshake.py.
"""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from roaming import models
from roaming.use_cases.uc1_01_platform_authentication import issue_registration_token
from tests.cast import make_party
from tests.fake_party import fake_party

OFFER = {"token": "a-secret-of-the-platform"}


@pytest.fixture(autouse=True)
def rep():
    """The newcomer's roaming endpoint."""
    with fake_party() as party:
        OFFER["url"] = party.url
        yield party


@pytest.fixture
def newcomer(db):
    party = make_party("Newcomer", "CSO", "NL*NEW")
    models.Credential.objects.all().delete()
    models.RoamingEndpoint.objects.all().delete()
    models.Platform.objects.update(status="expected")
    return party


def register(client, token, body=None):
    return client.post(
        "/api/v1/registration",
        data=OFFER if body is None else body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )


def read(client, token):
    return client.get("/api/v1/credentials", headers={"Authorization": f"Bearer {token}"})


def test_a_registration_token_registers_once(client, newcomer):
    token = issue_registration_token(newcomer.platform, timezone.now())
    response = register(client, token)
    assert response.status_code == 201, response.content
    answer = response.json()
    assert answer["parties"] == [{"role": "CSO", "identifier": "NL*NEW"}]
    assert read(client, answer["token"]).json()["status"] == "connected"
    again = register(client, token)
    assert (again.status_code, again.json()["code"]) == (401, "registration_token_invalid")


def test_an_expired_registration_token_is_refused(client, newcomer):
    token = issue_registration_token(newcomer.platform, timezone.now() - timedelta(days=8))
    assert register(client, token).json()["code"] == "registration_token_invalid"


@pytest.mark.parametrize("token", ["", "rubbish", "abcdefghijkl.wrong", "x" * 5000])
def test_an_unknown_registration_token_is_refused(client, newcomer, token):
    response = register(client, token)
    assert (response.status_code, response.json()["code"]) == (401, "registration_token_invalid")


def test_neither_side_s_secret_rests_in_clear(client, newcomer):
    token = issue_registration_token(newcomer.platform, timezone.now())
    answer = register(client, token).json()
    secret = answer["token"].partition(".")[2]
    for model in (models.Credential, models.RegistrationToken, models.RoamingEndpoint):
        rows = repr([list(map(repr, row)) for row in model.objects.values_list()])
        assert secret not in rows
        assert OFFER["token"] not in rows
        assert token.partition(".")[2] not in rows


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "ftp://127.0.0.1/"}, "url"),
        ({"url": "http://user:pw@127.0.0.1/"}, "url"),
        ({"url": "http://127.0.0.1:99999999/"}, "url"),
        ({"url": "not a url"}, "url"),
        ({"url": "http://127.0.0.1/" + "x" * 400}, "url"),
        ({"token": "short"}, "token"),
        ({"token": "ünïcödé-ünïcödé-ünïcödé"}, "token"),
        ({"token": "line\nbreak-line-break"}, "token"),
        ({"url": 5}, "url"),
    ],
)
def test_a_bad_offer_is_refused_and_the_token_stays_usable(client, newcomer, change, field):
    token = issue_registration_token(newcomer.platform, timezone.now())
    problem = register(client, token, OFFER | change).json()
    assert (problem["code"], problem["field"]) == ("invalid_field", field)
    assert register(client, token).status_code == 201


def test_plain_http_is_refused_unless_a_development_setting_allows_it(client, newcomer, settings):
    settings.ALLOW_PLAIN_HTTP_ENDPOINTS = False
    token = issue_registration_token(newcomer.platform, timezone.now())
    assert register(client, token).json()["field"] == "url"


def test_after_a_rotation_both_tokens_are_taken_until_the_overlap_ends(client, newcomer):
    token = issue_registration_token(newcomer.platform, timezone.now())
    old = register(client, token).json()["token"]
    response = client.post(
        "/api/v1/credentials/rotation",
        data=json.dumps({}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {old}"},
    )
    assert response.status_code == 201, response.content
    new = response.json()["token"]
    assert read(client, old).status_code == read(client, new).status_code == 200
    models.Credential.objects.exclude(expires_at=None).update(expires_at=timezone.now())
    assert read(client, old).json()["code"] == "not_authenticated"
    assert read(client, new).status_code == 200


def test_a_revoked_token_is_refused_at_once(client, newcomer):
    token = register(client, issue_registration_token(newcomer.platform, timezone.now())).json()[
        "token"
    ]
    headers = {"Authorization": f"Bearer {token}"}
    assert client.delete("/api/v1/credentials", headers=headers).status_code == 204
    assert read(client, token).status_code == 401


def test_a_second_registration_ends_the_credentials_of_the_first(client, newcomer):
    first, second = (
        register(client, issue_registration_token(newcomer.platform, timezone.now())).json()[
            "token"
        ]
        for _ in range(2)
    )
    assert (read(client, first).status_code, read(client, second).status_code) == (401, 200)


@pytest.mark.parametrize("status", ["suspended", "ended"])
def test_a_suspended_platform_cannot_register(client, newcomer, status):
    token = issue_registration_token(newcomer.platform, timezone.now())
    models.Platform.objects.update(status=status)
    assert register(client, token).json()["code"] == "platform_suspended"


def test_no_token_at_all_is_answered_with_a_challenge(client, newcomer):
    response = client.get("/api/v1/credentials")
    assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
    assert response["WWW-Authenticate"].startswith("Bearer")


def rotate(client, token, body=None):
    return client.post(
        "/api/v1/credentials/rotation",
        data=body or {},
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )


def test_a_token_on_its_way_out_cannot_rotate_again(client, newcomer):
    token = register(client, issue_registration_token(newcomer.platform, timezone.now())).json()[
        "token"
    ]
    assert rotate(client, token).status_code == 201
    again = rotate(client, token)
    assert (again.status_code, again.json()["code"]) == (409, "rotated_already")


@pytest.mark.parametrize(
    "offer", [{"url": "https://a.example/", "token": ""}, {"url": "", "token": ""}, {"url": "x"}]
)
def test_half_an_offer_is_refused_whole(client, newcomer, offer):
    token = register(client, issue_registration_token(newcomer.platform, timezone.now())).json()[
        "token"
    ]
    assert rotate(client, token, offer).json()["code"] == "invalid_field"
    assert models.RoamingEndpoint.objects.get().url == OFFER["url"]


@pytest.mark.parametrize(
    "url",
    ["HTTPS://a.example/", "https://a.example/a?", "https://a.example/a#", "https://@a.example/",
     "https://a .example/", "https://a.example/\r\nX: y", "https://ä.example/"],
)  # fmt: skip
def test_odd_addresses_are_refused(client, newcomer, url):
    token = issue_registration_token(newcomer.platform, timezone.now())
    assert register(client, token, OFFER | {"url": url}).json()["field"] == "url"


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "[::1]", "localhost"])
def test_addresses_inside_are_refused_in_real_use(client, newcomer, settings, host):
    settings.ALLOW_PLAIN_HTTP_ENDPOINTS = False
    token = issue_registration_token(newcomer.platform, timezone.now())
    assert register(client, token, OFFER | {"url": f"https://{host}/"}).json()["field"] == "url"


def test_registration_and_rotation_stand_in_the_journal(client, newcomer):
    token = register(client, issue_registration_token(newcomer.platform, timezone.now())).json()[
        "token"
    ]
    rotate(client, token)
    client.delete("/api/v1/credentials", headers={"Authorization": f"Bearer {token}"})
    rows = models.JournalEntry.objects.filter(phase="verdict").order_by("id")
    answers = [row.body.content for row in rows]
    assert [text.split(";")[0] for text in answers] == ["registered", "rotated", "revoked"]
    assert OFFER["token"] not in "".join(answers)
