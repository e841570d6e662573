"""Keys rotate without a gap: the new one encrypts, the old one can go."""

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command

from roaming import models
from roaming.hub_switch.asking import address_of
from tests import factories


def test_after_a_rotation_the_old_key_is_not_needed(db, settings, capsys):
    old = settings.ENCRYPTION_KEYS
    endpoint = factories.EndpointFactory()
    new = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [new, *old]
    call_command("rotate_secrets")
    assert "1 secrets" in capsys.readouterr().out
    settings.ENCRYPTION_KEYS = [new]
    assert address_of(models.RoamingEndpoint.objects.get(pk=endpoint.pk)).secret == "outbound"


def test_a_secret_that_no_key_opens_stops_the_rotation_whole(db, settings):
    first, second = factories.EndpointFactory(), factories.EndpointFactory()
    models.RoamingEndpoint.objects.filter(pk=second.pk).update(outbound_secret=b"rubbish")
    with pytest.raises(CommandError, match="nothing was changed"):
        call_command("rotate_secrets")
    kept = models.RoamingEndpoint.objects.get(pk=first.pk).outbound_secret
    assert bytes(kept) == bytes(first.outbound_secret)
