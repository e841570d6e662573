"""What staff set for rules, laid beside the batch: one row per parties and rule that has one."""

from __future__ import annotations

from typing import Any

from settlement.domain.reconciliation.rule_settings import (
    NO_RULINGS,
    Parties,
    Rulings,
    Setting,
    rulings_for,
)

Terms = tuple[int, int]

_PARTIES = """
SELECT DISTINCT coalesce(sdr.agreement_id, 0), coalesce(sdr.pair_id, 0), sdr.agreement_id,
    pair.visited_cso_id, pair.home_csp_id
FROM recon_claim JOIN roaming_sdr sdr ON sdr.id = recon_claim.sdr_id
LEFT JOIN roaming_operatorpair pair ON pair.id = sdr.pair_id
"""
_COPY = (
    "COPY recon_ruling (agreement_key, pair_key, rule, off, severity, absolute, share) FROM STDIN"
)


class RulingsOfBatch:
    """The settings that count for each (agreement, pair) of a batch."""

    def __init__(self, by_terms: dict[Terms, Rulings]) -> None:
        self._by_terms = by_terms

    def of(self, agreement_key: int, pair_key: int) -> Rulings:
        return self._by_terms.get((agreement_key, pair_key), NO_RULINGS)


def bring_rulings(cursor: Any, settings: list[Setting]) -> RulingsOfBatch:
    """Fills `recon_ruling`; empty where nothing is set, which is what a batch costs nothing for."""
    if not settings:
        return RulingsOfBatch({})
    cursor.execute(_PARTIES)
    by_terms: dict[Terms, Rulings] = {
        (agreement_key, pair_key): rulings_for(Parties(*parties), settings)
        for agreement_key, pair_key, *parties in cursor.fetchall()
    }
    with cursor.copy(_COPY) as copy:
        for terms, rulings in by_terms.items():
            for rule, setting in rulings.items():
                allowance = setting.allowance
                copy.write_row(
                    (
                        *terms,
                        rule,
                        setting.off,
                        setting.severity.value if setting.severity else None,
                        allowance.absolute if allowance else None,
                        allowance.share if allowance else None,
                    )
                )
    cursor.execute("ANALYZE recon_ruling")
    return RulingsOfBatch(by_terms)
