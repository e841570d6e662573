"""The 20 elementary use cases of IEC 63119-2 (clause 7 and 8.1 to 8.5), as values.

Directions and contents are our reading of the titles and of four open protocols (domain.md); the
codes and groups are the standard's.
"""

from __future__ import annotations

from enum import Enum


class Kind(Enum):
    """How the clearing house handles the message."""

    LOCAL = "local"  # answered by the clearing house itself
    STORE = "store"  # stored, answered at once, delivered to every entitled party
    SWITCH = "switch"  # passed on at once; the other side's answer is the answer


class UseCase(Enum):
    """Code, title, kind, and whether it starts new business (which a suspension stops)."""

    UC1_1 = ("UC1-1", "Platform authentication", Kind.LOCAL, False)
    UC1_2 = ("UC1-2", "Sites information", Kind.STORE, False)
    UC1_3 = ("UC1-3", "Dynamic status of EV supply equipment", Kind.STORE, False)
    UC2_1 = ("UC2-1", "Inform home-CSP on tariff", Kind.STORE, False)
    UC2_2 = ("UC2-2", "Request tariffs from visited-CSO", Kind.SWITCH, True)
    UC3_1 = ("UC3-1", "Start locally at the EVSE", Kind.SWITCH, True)
    UC3_2 = ("UC3-2", "Start remotely from the home-CSP", Kind.SWITCH, True)
    UC3_3 = ("UC3-3", "Start by plug and charge", Kind.SWITCH, True)
    UC3_4 = ("UC3-4", "Stop energy transfer via the home-CSP", Kind.SWITCH, False)
    UC3_5 = ("UC3-5", "Complete the service transaction", Kind.SWITCH, False)
    UC3_6 = ("UC3-6", "Dynamic charging information", Kind.STORE, False)
    UC3_7 = ("UC3-7", "Charge plan exchange", Kind.SWITCH, False)
    UC3_8 = ("UC3-8", "Reservation of an EVSE", Kind.SWITCH, True)
    UC3_9 = ("UC3-9", "SDR information exchange", Kind.STORE, False)
    UC3_10 = ("UC3-10", "Charge plan updated by the visited-CSO", Kind.SWITCH, False)
    UC4_1 = ("UC4-1", "Online identification of the user", Kind.SWITCH, True)
    UC4_2 = ("UC4-2", "Pre-distribution of identification data", Kind.STORE, True)
    UC5_1 = ("UC5-1", "Maintenance and outage", Kind.STORE, False)
    UC5_2 = ("UC5-2", "Cable unlocking after activation", Kind.SWITCH, False)
    UC5_3 = ("UC5-3", "Cable unlocking when activation failed", Kind.SWITCH, False)

    def __init__(self, code: str, title: str, kind: Kind, new_business: bool) -> None:
        self.code = code
        self.title = title
        self.kind = kind
        self.new_business = new_business

    @classmethod
    def of(cls, code: str) -> UseCase:
        """The use case with this code.

        >>> UseCase.of("UC3-9").title
        'SDR information exchange'
        """
        return _BY_CODE[code]


class Supporting(Enum):
    """What passes between platforms and the clearing house besides the 20, by its clause.

    Accepting an agreement is new business: who is suspended does not.
    """

    AGREEMENT_SHARING = ("5.4.6", "Agreement sharing", Kind.STORE, True)
    SDR_RECONCILIATION = ("6.4.2", "SDR reconciliation", Kind.STORE, False)

    def __init__(self, code: str, title: str, kind: Kind, new_business: bool) -> None:
        self.code = code
        self.title = title
        self.kind = kind
        self.new_business = new_business


Exchange = UseCase | Supporting
EXCHANGES: tuple[Exchange, ...] = (*UseCase, *Supporting)


def title_of(code: str) -> str:
    """Of whatever stands in the journal.

    >>> title_of("UC3-9"), title_of("5.4.6"), title_of("?")
    ('SDR information exchange', 'Agreement sharing', '?')
    """
    return next((exchange.title for exchange in EXCHANGES if exchange.code == code), code)


_BY_CODE = {use_case.code: use_case for use_case in UseCase}
