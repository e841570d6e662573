"""Passing a message on, with what its sender said beyond our vocabulary."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import msgspec


def passed_on(message: msgspec.Struct, sent: bytes, consumed: Collection[str] = ()) -> bytes:
    """`message` as JSON, with the fields of `sent` that neither it nor the address knows.

    The identification goes on as it was sent. A field of `message` is never taken from the sender,
    not even where it is left out: what the clearing house alone may say cannot be smuggled in.
    `consumed`: fields of `sent` that live on under another name.

    >>> class Question(msgspec.Struct, omit_defaults=True):
    ...     evse_id: str
    ...     decided: str = ""
    >>> passed_on(Question("DE*VIS*E1"), b'{"evse_id": "x", "decided": "yes", "bay": 7}')
    b'{"evse_id":"DE*VIS*E1","bay":7}'
    """
    own = msgspec.json.decode(msgspec.json.encode(message), type=dict[str, msgspec.Raw])
    received = msgspec.json.decode(sent, type=dict[str, msgspec.Raw]) if sent else {}
    ours = {*message.__struct_fields__, *consumed}
    extra = {name: value for name, value in received.items() if name not in ours}
    if "identification" in own and "identification" in received:
        own["identification"] = received["identification"]
    return msgspec.json.encode({**own, **extra})


def as_sent(sent: bytes | str, ours: Mapping[str, object]) -> str:
    """The sender's object as it came, every digit and offset, with our fields in it, as JSON.

    A field of ours is never taken from the sender, not even where it is None and left out: what the
    clearing house alone may say cannot be smuggled in.

    >>> as_sent('{"energy_kwh": 1.50, "home_csp": "x", "b": 1}', {"home_csp": "DE-HOM", "b": None})
    '{"energy_kwh":1.50,"home_csp":"DE-HOM"}'
    """
    received = msgspec.json.decode(sent, type=dict[str, msgspec.Raw])
    fields: dict[str, object] = {n: value for n, value in received.items() if n not in ours}
    fields.update({name: value for name, value in ours.items() if value is not None})
    return msgspec.json.encode(fields).decode()
