"""The clearing house's two sides of store and forward, as processes of their own for B7.

`deliver` is the worker, until it is stopped; `enqueue N` leaves N updates for every home-CSP, each
update in one transaction, as a use case does.
"""

from __future__ import annotations

import sys
import time
import uuid

import django

PATH = "uc1-2/sites"
BODY = (
    '{"id":"S-1","visited_cso":"DE*BMO","name":"Market square","evses":['
    + ",".join(f'{{"evse_id":"DE*BMO*E{n}","status":"AVAILABLE"}}' for n in range(20))
    + "]}"
)


def deliver() -> None:
    """Round after round; in real use Celery's beat begins each."""
    from roaming.tasks import deliver_due

    while True:
        if not deliver_due():
            time.sleep(0.05)


def wait_for_the_word() -> None:
    """Says that this process is ready, and waits until all others are."""
    print("ready", flush=True)
    sys.stdin.readline()


def leave_updates(count: int) -> None:
    """So many updates, each an object of its own, to the platform of every home-CSP."""
    from django.db import transaction

    from roaming.models import Platform
    from roaming.outbox import Parcel, enqueue

    home_csps = list(Platform.objects.filter(name__startswith="DE-").order_by("pk"))
    wait_for_the_word()
    for _ in range(count):
        update = str(uuid.uuid4())
        with transaction.atomic():
            enqueue(
                Parcel(home_csp, "UC1-2", PATH, f"site:{update}", BODY, update)
                for home_csp in home_csps
            )


if __name__ == "__main__":
    django.setup()  # B7 has set the environment: its own data, wherever they are
    if sys.argv[1] == "deliver":
        deliver()
    else:
        leave_updates(int(sys.argv[2]))
