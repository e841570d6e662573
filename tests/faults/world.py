"""Run in a process of its own on the database of the fault tests: makes the cast, or reads rows.

`python -m tests.faults.world make CSP_URL` prints the tokens; `read` prints what the books say.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any


def main(arguments: list[str]) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clearinghouse.settings")
    import django

    django.setup()
    content = _make(arguments[1]) if arguments[0] == "make" else _read()
    json.dump(content, sys.stdout, default=str)


def _make(csp_url: str) -> dict[str, str]:
    from roaming import models
    from tests.cast import make_cast

    cast = make_cast(csp_endpoint=csp_url)
    models.Agreement.objects.filter(pk=cast.agreement.pk)
    return {"cso": cast.visited_cso.token, "csp": cast.home_csp.token}


def _read() -> dict[str, Any]:
    from roaming import models

    return {
        "journal": list(
            models.JournalEntry.objects.values(
                "phase", "use_case", "message_id", "outcome", "service_session_id",
                "transaction_id", "refusal_code", "object_key",
            )
        ),
        "sessions": list(models.ServiceSession.objects.values("id", "state", "cso_session_id")),
        "sdrs": list(models.Sdr.objects.values("id", "reference", "service_session_id")),
        "deliveries": list(
            models.Delivery.objects.values(
                "id", "use_case", "message_id", "object_key", "state", "last_error"
            )
        ),
        "server": models.JournalEntry.objects.count(),
    }  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
