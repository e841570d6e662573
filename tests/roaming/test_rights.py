"""Rights and routes in memory: one version for all, new with each change, never the same twice."""

import threading
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.utils import timezone
from psycopg.types.range import TimestamptzRange

from roaming import models
from roaming.hub_switch.rights import known_rights, of_one_request, standing_version
from tests import factories
from tests.cast import make_cast, make_party


class UndoneError(Exception):
    """Takes a transaction back."""


def test_the_version_changes_with_everything_that_is_kept(cast):
    agreement, party = cast.agreement, cast.home_csp
    now = timezone.now()
    changes = [
        lambda: models.Operator.objects.update(status="suspended"),
        lambda: models.OperatorIdentifier.objects.filter(pk=party.identifier.pk).update(
            operator=cast.outsider.operator
        ),
        lambda: models.OperatorPair.objects.create(
            visited_cso=cast.visited_cso.operator, home_csp=cast.outsider.operator
        ),
        lambda: models.Platform.objects.filter(pk=party.platform.pk).update(status="suspended"),
        lambda: models.PlatformIdentifier.objects.filter(platform=party.platform).delete(),
        lambda: factories.CredentialFactory(platform=party.platform),
        lambda: models.Credential.objects.update(revoked_at=now),
        lambda: models.RoamingEndpoint.objects.update(url="https://elsewhere.example"),
        lambda: models.RoamingEndpoint.objects.all().delete(),
        lambda: models.Agreement.objects.update(status="suspended"),
        lambda: models.AgreementSuspension.objects.create(
            agreement=agreement, during=TimestamptzRange(now, None), reason="test"
        ),
        lambda: models.AgreementService.objects.filter(agreement=agreement).delete(),
    ]
    seen = {standing_version()}
    for number, change in enumerate(changes, start=1):
        change()
        seen.add(standing_version())
        assert len(seen) == number + 1, f"change {number} was not noticed"


def test_what_is_chatty_changes_no_version(cast):
    before = standing_version()
    models.EndpointHealth.objects.create(platform=cast.home_csp.platform, since=timezone.now())
    factories.make_site(cast.visited_cso.identifier, "DE*VIS*E777")
    assert standing_version() == before


def test_a_version_never_comes_twice_even_after_a_rollback(cast):
    before = standing_version()

    seen = set()
    for _ in range(3):
        with pytest.raises(UndoneError), transaction.atomic():
            models.Platform.objects.update(status="suspended")
            seen.add(standing_version())
            raise UndoneError
        assert standing_version() == before
    assert len(seen) == 3


def test_the_change_and_its_version_are_seen_with_the_same_commit(committed_db):
    party = make_party("Home CSP", "CSP", "DE-HOM")
    before = standing_version()
    changed, may_commit, seen = threading.Event(), threading.Event(), []

    def change():
        with transaction.atomic():
            models.Platform.objects.update(status="suspended")
            seen.append(standing_version())
            changed.set()
            may_commit.wait(10)
        connections.close_all()

    thread = threading.Thread(target=change)
    thread.start()
    changed.wait(10)
    assert standing_version() == before
    assert known_rights().credential(party.token.partition(".")[0]).platform.status == "connected"
    may_commit.set()
    thread.join()
    assert standing_version() == seen[0]
    assert known_rights().credential(party.token.partition(".")[0]).platform.status == "suspended"


def test_what_was_read_once_is_not_read_again(cast, django_assert_num_queries):
    def look():
        rights = known_rights()
        prefix = cast.visited_cso.token.partition(".")[0]
        credential = rights.credential(prefix)
        return (
            credential.platform.pk,
            rights.held(credential.platform, "CSO", "DEVIS").pk,
            rights.party("CSP", "DEHOM").operator.name,
            rights.pair(cast.visited_cso.operator.pk, cast.home_csp.operator.pk, "live").pair.pk,
            rights.endpoint(cast.home_csp.identifier, "live").url,
        )

    first = look()
    with django_assert_num_queries(0):
        assert look() == first


def test_what_is_not_there_is_asked_for_each_time(cast):
    assert known_rights().party("CSP", "NLNEW") is None
    with of_one_request():
        assert known_rights().credential("tst000000xxx") is None
    make_party("Newcomer", "CSP", "NL-NEW")
    assert known_rights().party("CSP", "NLNEW").identifier == "NL-NEW"


def test_each_asker_has_a_platform_of_its_own(cast):
    prefix = cast.visited_cso.token.partition(".")[0]
    one, other = known_rights().credential(prefix), known_rights().credential(prefix)
    assert one is not other
    assert one.platform is not other.platform
    one.platform.name = "changed"
    one.platform.health = None
    assert known_rights().credential(prefix).platform.name != "changed"
    assert other.platform.roaming_endpoint.platform_id == other.platform.pk


def test_a_credential_that_expires_meanwhile_is_not_taken_from_memory(client, cast):
    def status():
        return client.get("/api/v1/sites", headers=cast.visited_cso.headers).status_code

    expires = timezone.now() + timedelta(milliseconds=700)
    models.Credential.objects.update(expires_at=expires)
    assert status() == 200
    version = standing_version()
    threading.Event().wait(max(0, (expires - timezone.now()).total_seconds()) + 0.05)
    assert standing_version() == version
    assert status() == 401


def test_without_the_version_s_row_nothing_is_kept(cast):
    models.SwitchVersion.objects.all().delete()
    assert known_rights().party("CSP", "DEHOM").operator.name == "Home CSP"
    models.Operator.objects.filter(name="Home CSP").update(name="Renamed")
    assert known_rights().party("CSP", "DEHOM").operator.name == "Renamed"


def test_two_threads_that_read_at_once_agree(committed_db):
    cast = make_cast()
    names, failures = [], []

    def read():
        try:
            names.extend(known_rights().party("CSP", "DEHOM").operator.name for _ in range(50))
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=read) for _ in range(6)]
    for thread in threads:
        thread.start()
    models.Operator.objects.filter(pk=cast.home_csp.operator.pk).update(name="Renamed")
    for thread in threads:
        thread.join()
    assert failures == []
    assert set(names) <= {"Home CSP", "Renamed"}
    assert known_rights().party("CSP", "DEHOM").operator.name == "Renamed"
