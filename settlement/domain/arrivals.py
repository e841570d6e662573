"""SDR ids that count: what a range of them names."""

from __future__ import annotations

from roaming.domain.refusals import Refusal

MOST_ASKED = 10_000


def references_of(prefix: str, first: int, last: int, digits: int) -> list[str]:
    """The ids of a range, both ends included. Refuses too_many_records and invalid_field.

    >>> references_of("SDR-", 8, 10, 3)
    ['SDR-008', 'SDR-009', 'SDR-010']
    """
    if last < first:
        raise Refusal("invalid_field", "The last lies before the first.", "range.last")
    if last - first >= MOST_ASKED:
        raise Refusal("too_many_records", f"At most {MOST_ASKED:,} ids in a call.")
    return [f"{prefix}{number:0{digits}}" for number in range(first, last + 1)]
