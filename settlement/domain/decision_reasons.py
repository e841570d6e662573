"""Why a party declines an SDR: the catalogue of reason codes (settlement.md, section 3).

The codes of the rules' families, so that a finding and a decline speak of the same thing; and two
that no rule finds.
"""

from __future__ import annotations

from enum import StrEnum


class ReasonCode(StrEnum):
    """Codes of families of rules, FRD and OTH."""

    DUP = "DUP"
    AUT = "AUT"
    TIM = "TIM"
    QTY = "QTY"
    PRC = "PRC"
    TAX = "TAX"
    AGR = "AGR"
    DAT = "DAT"
    MTR = "MTR"
    FRD = "FRD"
    OTH = "OTH"

    @property
    def label(self) -> str:
        """In people's words.

        >>> ReasonCode.FRD.label
        'Suspicion of fraud'
        """
        return _LABELS[self]


_LABELS = {
    ReasonCode.DUP: "Billed twice, or wrongly corrected",
    ReasonCode.AUT: "Not authorised, or not this home-CSP's contract",
    ReasonCode.TIM: "Times are wrong, or the SDR is late",
    ReasonCode.QTY: "Energy or duration is wrong",
    ReasonCode.PRC: "Price is not as published or agreed",
    ReasonCode.TAX: "Tax is wrong",
    ReasonCode.AGR: "Not covered by the agreement",
    ReasonCode.DAT: "Data is missing or wrong",
    ReasonCode.MTR: "Signed meter data is missing or does not verify",
    ReasonCode.FRD: "Suspicion of fraud",
    ReasonCode.OTH: "Another reason, which the text says",
}


def read_reason(code: str) -> ReasonCode | None:
    """The reason with this code, None where there is none.

    >>> read_reason(" prc "), read_reason("XYZ")
    (<ReasonCode.PRC: 'PRC'>, None)
    """
    try:
        return ReasonCode(code.strip().upper())
    except ValueError:
        return None
