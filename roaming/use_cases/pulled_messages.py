"""Messages that a platform fetches by itself (IEC 63119-2, 6.4.1): to catch up, or instead of push.

Accepts: a page of what was put down for the platform, in the order of arrival; the ids of messages
that it has taken.
Refuses: nothing; ids that are not the platform's own come back as unknown.
Leaves behind: what was acknowledged as delivered, whether it waited, was on its way at that moment
or had been given up. Who carries it just then finds it done.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from roaming.models import Delivery, Platform
from roaming.models.deliveries import number_arrivals

# How many messages are given their arrival numbers at a time; more come with the next page.
NUMBERED_AT_ONCE = 1_000
ACKNOWLEDGED = "fetched and acknowledged by the platform"


@dataclass(frozen=True, slots=True)
class Page:
    """Messages after an arrival number, in order, and whether there are more already."""

    messages: list[Delivery]
    more: bool


@dataclass(frozen=True, slots=True)
class PageWish:
    """`after`: the last arrival number that the platform has seen. Empty texts: any."""

    after: int
    limit: int
    use_case: str = ""
    state: str = ""


def read_messages(platform: Platform, wish: PageWish) -> Page:
    """What was put down for the platform. Nothing ever appears behind what was read once."""
    with transaction.atomic():
        unnumbered = number_arrivals(platform, NUMBERED_AT_ONCE)
    rows = Delivery.objects.filter(receiver=platform, arrival__gt=wish.after).order_by("arrival")
    if wish.use_case:
        rows = rows.filter(use_case=wish.use_case)
    if wish.state:
        rows = rows.filter(state=wish.state)
    else:
        rows = rows.exclude(state=Delivery.State.REPLACED)  # empty: the newer one says it all
    found = list(rows[: wish.limit + 1])
    return Page(found[: wish.limit], unnumbered or len(found) > wish.limit)


def acknowledge_messages(
    platform: Platform, message_ids: Sequence[uuid.UUID], real_now: datetime
) -> list[uuid.UUID]:
    """Marks messages of the platform as delivered; returns the ids that are none of its own."""
    with transaction.atomic():
        own = Delivery.objects.select_for_update().filter(
            receiver=platform, message_id__in=message_ids
        )
        # In one order for everybody, or two acknowledgements could wait for each other.
        known = {row.message_id: row for row in own.order_by("id").only("message_id", "state")}
        taken = [row.pk for row in known.values() if row.state != Delivery.State.DELIVERED]
        Delivery.objects.filter(pk__in=taken).update(
            state=Delivery.State.DELIVERED,
            delivered_at=real_now,
            leased_until=None,
            last_error="",
            answer=ACKNOWLEDGED,
        )
    return [message_id for message_id in message_ids if message_id not in known]
