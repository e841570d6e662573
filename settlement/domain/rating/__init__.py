"""Rating: what an SDR costs under a tariff, every cent explained (settlement.md, section 2)."""

from roaming.domain.money import Rounding
from settlement.domain.rating.findings import RatingFinding
from settlement.domain.rating.not_ratable import Cause, InvalidSdrError, NotRatable
from settlement.domain.rating.plan import TariffPlan, compile_tariff
from settlement.domain.rating.priced import (
    Amount,
    Bound,
    LineTax,
    PricedLine,
    PricedSdr,
    SubTotals,
)
from settlement.domain.rating.rate import rate
from settlement.domain.rating.sdr_to_rate import SdrToRate, parse_ocpi_cdr, parse_sdr
from settlement.domain.rating.tariff_choice import PlanCache

__all__ = [
    "Amount",
    "Bound",
    "Cause",
    "InvalidSdrError",
    "LineTax",
    "NotRatable",
    "PlanCache",
    "PricedLine",
    "PricedSdr",
    "RatingFinding",
    "Rounding",
    "SdrToRate",
    "SubTotals",
    "TariffPlan",
    "compile_tariff",
    "parse_ocpi_cdr",
    "parse_sdr",
    "rate",
]
