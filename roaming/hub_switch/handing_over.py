"""A message that is stored and yet carried at once, never ahead of an earlier one of its object."""

from __future__ import annotations

from roaming.hub_switch.delivering import send_now
from roaming.models import Delivery
from roaming.outbox import Parcel, enqueue, enqueue_leased

LEASE_S = 30


def hand_over(parcel: Parcel) -> Delivery | None:
    """Leaves the parcel as a row, in the caller's transaction; returns it to be carried at once.

    None where an earlier message of the object still waits: then a worker carries both in order.
    """
    earlier = Delivery.objects.filter(
        receiver=parcel.receiver, object_key=parcel.object_key, state=Delivery.State.WAITING
    )
    if earlier.exists():
        enqueue([parcel])
        return None
    return enqueue_leased(parcel, LEASE_S)


def carry(handed_over: Delivery | None) -> bool:
    """Carries it outside the transaction; True when the receiver took it, else a worker will."""
    return handed_over is not None and send_now(handed_over)


def has_arrived(object_key: str) -> bool:
    """Whether the newest message of the object has been taken by its receiver."""
    newest = Delivery.objects.filter(object_key=object_key).order_by("-id").first()
    return newest is not None and newest.state == Delivery.State.DELIVERED
