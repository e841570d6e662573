"""The hash over everything that a close takes in: lines and fees (settlement.md, section 5)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from decimal import Decimal
from typing import NamedTuple


class ChargedFee(NamedTuple):
    """What one rule charges one operator."""

    rule_id: int
    operator_id: int
    sdr_count: int
    unit_amount: Decimal
    amount: Decimal


def input_hash(lines_hash: str, fees: Iterable[ChargedFee]) -> str:
    """SHA-256, hexadecimal, over the hash of the lines and the fees, in whatever order they come.

    >>> one, two = (ChargedFee(1, n, 3, Decimal("0.10"), Decimal("0.30")) for n in (7, 8))
    >>> input_hash("ab", [one, two]) == input_hash("ab", [two, one])
    True
    """
    told = sorted(
        f"{fee.rule_id}|{fee.operator_id}|{fee.sdr_count}|{fee.unit_amount:f}|{fee.amount:f}"
        for fee in fees
    )
    return hashlib.sha256("\n".join([lines_hash, *told]).encode()).hexdigest()
