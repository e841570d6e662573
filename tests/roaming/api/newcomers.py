"""A platform that is about to register, and how it does (UC1-1)."""

from django.utils import timezone

from roaming import models
from roaming.use_cases.uc1_01_platform_authentication import issue_registration_token
from tests.cast import make_party

SECRET = "a-secret-of-the-platform"
HANDSHAKE = "/uc1-1/handshake"


def make_newcomer():
    party = make_party("Newcomer", "CSO", "NL*NEW")
    models.Credential.objects.all().delete()
    models.RoamingEndpoint.objects.all().delete()
    models.Platform.objects.update(status="expected")
    return party


def invite(party):
    return issue_registration_token(party.platform, timezone.now())


def send(client, path, token, body):
    return client.post(
        f"/api/v1/{path}",
        data=body,
        content_type="application/json",
        headers={"Authorization": f"Bearer {token}"},
    )


def register(client, token, rep=None, **more):
    body = {"url": rep.url, "token": SECRET} if rep else {}
    return send(client, "registration", token, body | more)


def offered(rep, secret=SECRET):
    return {"url": rep.url, "token": secret}


def credentials(client, token):
    return client.get("/api/v1/credentials", headers={"Authorization": f"Bearer {token}"}).json()
