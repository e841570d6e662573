"""Global identifiers, IEC 63119-2 clause 5.5: who, where, and under which contract.

Each value is parsed from text once, keeps what was received, and offers `key` (unique, look-up),
`display` (for people) and `synthesised` (True: `display` is our form and must not leave as if it
had been sent). `parse` raises IdentifierError and nothing else, whatever the text.
"""

from roaming.domain.identifiers.check_digits import din_check_digit, iso_check_digit
from roaming.domain.identifiers.contracts import ContractId, ContractStandard
from roaming.domain.identifiers.countries import COUNTRIES, E164_COUNTRIES, SHARED_PREFIXES
from roaming.domain.identifiers.errors import IdentifierError
from roaming.domain.identifiers.parties import OperatorId, ProviderId
from roaming.domain.identifiers.places import EvseId, SiteId
from roaming.domain.identifiers.tokens import TokenUid

__all__ = [
    "COUNTRIES",
    "E164_COUNTRIES",
    "SHARED_PREFIXES",
    "ContractId",
    "ContractStandard",
    "EvseId",
    "IdentifierError",
    "OperatorId",
    "ProviderId",
    "SiteId",
    "TokenUid",
    "din_check_digit",
    "iso_check_digit",
]
