"""Sending again what was given up (6.4.1): for when a platform comes back after its deadline.

Accepts: a delivery that was given up.
Refuses (DeliveryError): one that was not, and one whose object has a later message already, because
an older version must never overtake a newer one.
Leaves behind: the delivery waiting again, due at once, with a new deadline.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from roaming.models import Delivery


class DeliveryError(ValueError):
    """Why it is not sent again, for the person who tried."""


def send_again(delivery: Delivery, real_now: datetime) -> Delivery:
    """Puts a delivery that was given up back in line. Real time, as all deliveries."""
    with transaction.atomic():
        locked = Delivery.objects.select_for_update().get(pk=delivery.pk)
        if locked.state != Delivery.State.DEAD:
            raise DeliveryError(f"It is {locked.get_state_display().lower()}, not given up.")
        later = Delivery.objects.filter(
            pk__gt=locked.pk, receiver=locked.receiver_id, object_key=locked.object_key
        ).exclude(state=Delivery.State.DEAD)
        if later.exists():
            raise DeliveryError("A later message about the same object has been sent since.")
        locked.state = Delivery.State.WAITING
        locked.due_at = real_now
        locked.leased_until = None
        locked.deadline = real_now + timedelta(hours=settings.DELIVERY_DEADLINE_HOURS)
        locked.save(update_fields=["state", "due_at", "leased_until", "deadline"])
    return locked
