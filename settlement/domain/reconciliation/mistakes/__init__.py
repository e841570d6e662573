"""Why a total differs: the known mistakes, and which of them explain a claim to the cent.

Pure and bounded. Asked only where a claim differs from the re-rated total beyond the tolerance.
"""

from settlement.domain.reconciliation.mistakes.explaining import Explanation, explain
from settlement.domain.reconciliation.mistakes.material import Material, TariffChoice
from settlement.domain.reconciliation.mistakes.registry import MISTAKES, Mistake, mistakes_in
from settlement.domain.reconciliation.mistakes.words import advice_on, in_words, title_of

__all__ = [
    "MISTAKES",
    "Explanation",
    "Material",
    "Mistake",
    "TariffChoice",
    "advice_on",
    "explain",
    "in_words",
    "mistakes_in",
    "title_of",
]
