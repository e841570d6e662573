"""Store and forward: what waits to be handed to a platform, as rows (6.4.1)."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, models
from django.db.models import Min, OuterRef, Q, Subquery

from roaming.models.fields import Environment
from roaming.models.platforms import Platform


class Delivery(models.Model):
    """A message on its way to one platform.

    Kept in order per (receiver, object): a later version never overtakes an earlier one.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        DEAD = "dead", "Given up"
        REPLACED = "replaced", "Replaced by a newer one"

    receiver = models.ForeignKey(Platform, models.PROTECT, related_name="deliveries")
    environment = models.CharField(max_length=4, choices=Environment)
    use_case = models.CharField(max_length=8)
    path = models.CharField(max_length=120, help_text="Below the endpoint's address.")
    object_key = models.CharField(max_length=120, help_text="What is kept in order.")
    message_id = models.UUIDField(unique=True)
    correlation_id = models.CharField(max_length=64)
    body = models.TextField()
    state = models.CharField(max_length=9, choices=State, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="Real time: when it may be tried (again).")
    leased_until = models.DateTimeField(null=True)
    deadline = models.DateTimeField(help_text="Real time: after it the delivery is given up.")
    delivered_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)
    answer = models.TextField(blank=True)
    # Ids are drawn before COMMIT, so who pages by them could pass one that is still being written.
    # This number is given when the receiver fetches, to what is committed then.
    arrival = models.BigIntegerField(null=True, editable=False)
    erased_at = models.DateTimeField(null=True, help_text="Body and answer were erased.")

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        indexes = [
            models.Index(
                fields=["receiver", "due_at", "id"],
                condition=Q(state="waiting"),
                name="delivery_waiting",
            ),
            models.Index(fields=["correlation_id"]),
            models.Index(fields=["object_key"]),
            models.Index(
                fields=["receiver", "id"],
                condition=Q(arrival__isnull=True),
                name="delivery_not_numbered",
            ),
            models.Index(
                fields=["receiver", "arrival"],
                condition=Q(arrival__isnull=False),
                name="delivery_arrival",
            ),
            models.Index(fields=["-id"], condition=Q(state="dead"), name="delivery_dead"),
            models.Index(
                fields=["delivered_at"],
                condition=Q(use_case="UC4-2", state="delivered", erased_at__isnull=True),
                name="delivery_identifications",
            ),
            models.Index(
                fields=["receiver", "object_key", "id"],
                condition=Q(state="waiting"),
                name="delivery_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.use_case} {self.object_key}"


def oldest_waiting() -> datetime | None:
    """When the delivery that came due first was made; each receiver's first row is looked at."""
    first = Delivery.objects.filter(receiver=OuterRef("pk"), state=Delivery.State.WAITING).order_by(
        "due_at", "id"
    )
    platforms = Platform.objects.order_by().annotate(first=Subquery(first.values("created_at")[:1]))
    found: datetime | None = platforms.aggregate(oldest=Min("first"))["oldest"]
    return found


_NUMBER = """
    WITH next AS MATERIALIZED (
        SELECT id FROM roaming_delivery WHERE receiver_id = %(receiver)s AND arrival IS NULL
        ORDER BY id LIMIT %(most)s FOR UPDATE
    ), numbered AS MATERIALIZED (
        SELECT id, nextval('roaming_delivery_arrival_seq') AS arrival
        FROM (SELECT id FROM next ORDER BY id) AS in_order
    )
    UPDATE roaming_delivery SET arrival = numbered.arrival
    FROM numbered WHERE roaming_delivery.id = numbered.id
"""


def number_arrivals(receiver: Platform, most: int) -> bool:
    """Gives up to `most` committed deliveries of a receiver their arrival numbers, in id order.

    Returns whether there may be more. In the caller's transaction, which has to end before its
    numbers are told: one at a time per receiver, so that no lower number appears later.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtext('arrivals'), %s::int)", [receiver.pk % 2**31]
        )
        cursor.execute(_NUMBER, {"receiver": receiver.pk, "most": most})
        return int(cursor.rowcount) == most
