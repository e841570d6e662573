"""`manage.py rotate_secrets`: encrypt the outbound secrets anew with the first key.

Put the new key in front of CLEARINGHOUSE_ENCRYPTION_KEYS, restart, run this, drop the old key.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from roaming.use_cases.outbound_secrets import OutboundSecretError, reencrypt_outbound_secrets


class Command(BaseCommand):
    help = "Encrypts every outbound secret anew with the first of CLEARINGHOUSE_ENCRYPTION_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            count = reencrypt_outbound_secrets()
        except OutboundSecretError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} secrets rest under the first key now.")
