"""The SDR as it arrives, and what is judged at the door (IEC 63119-2, Annex B; settlement.md, 1).

At the door an SDR is refused only when it cannot be parsed or lacks its own id or its parties.
Every other defect is a finding: the SDR is stored, answered, and visible to both sides.
"""

from roaming.domain.sdr.door import (
    LONGEST_ID,
    LONGEST_PARTY,
    DoorFinding,
    absurd_number,
    door_findings,
    usable_number,
    without_overlong_texts,
)
from roaming.domain.sdr.message import Cost, IdentificationPart, RatedPart, SdrMessage
from roaming.domain.sdr.meter_data import MeterData, read_meter_data
from roaming.domain.sdr.states import Basis, Outcome, SdrLifeState, Severity

__all__ = [
    "LONGEST_ID",
    "LONGEST_PARTY",
    "Basis",
    "Cost",
    "DoorFinding",
    "IdentificationPart",
    "MeterData",
    "Outcome",
    "RatedPart",
    "SdrLifeState",
    "SdrMessage",
    "Severity",
    "absurd_number",
    "door_findings",
    "read_meter_data",
    "usable_number",
    "without_overlong_texts",
]
