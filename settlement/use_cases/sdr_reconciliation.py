"""SDR reconciliation (IEC 63119-2, 6.4.2): the claim, the evidence and the tariff, side by side.

Accepts: nothing from outside; takes the SDRs that wait, batch by batch, each batch one transaction.
Leaves behind: state, outcome and events of each SDR, findings with both values and the money at
stake, the decision window of what agrees, a run that counts. Again with nothing new: nothing.
Two runs at once take different SDRs; a run that is killed loses its last batch only.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from roaming.domain.money import Rounding
from roaming.domain.sdr import Outcome
from roaming.domain.tariff import Asked, Version
from settlement.domain.rating import RatingFinding
from settlement.domain.reconciliation.case import PriceEvidence, number_text
from settlement.domain.reconciliation.rerating import Rerater, ToRerate
from settlement.domain.reconciliation.rule_settings import (
    Rulings,
    allowances_of,
    severity_by,
)
from settlement.domain.reconciliation.rules import (
    CREDIT_RULES,
    JUDGED_ANEW,
    OTHER_WHILE_RATING,
    RULES,
    WHILE_RATING,
    Rule,
)
from settlement.domain.reconciliation.tariff_store import TariffStore
from settlement.domain.reconciliation.tolerances import Allowance
from settlement.models import ReconciliationRun
from settlement.models.reconciliation_sql import (
    batch,
    bodies,
    credits,
    evidence,
    findings,
    matching,
    standing,
)
from settlement.models.reconciliation_sql.rulings import RulingsOfBatch, bring_rulings
from settlement.models.rule_settings import settings_in_force

Scope = ReconciliationRun.Scope
_FIRST = uuid.UUID(int=0)


@dataclass(slots=True)
class Reconciled:
    """What a run came to. `outcomes`: SDRs per outcome; `changed`: those that it left otherwise."""

    judged: int = 0
    changed: int = 0
    credits: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)

    def of(self, outcome: Outcome) -> int:
        return self.outcomes.get(outcome.value, 0)


def reconcile(
    environment: str,
    now: datetime,
    *,
    scope: Scope = Scope.NEW,
    by: str = "clearing house",
    batch_size: int = 10_000,
) -> Reconciled:
    """Judges what waits (NEW), or everything undecided once more (OPEN). `now` is aware."""
    states = batch.NEW_STATES if scope is Scope.NEW else batch.OPEN_STATES
    return _run(_Work(environment, now, states), scope, by, batch_size)


def reconcile_chosen(
    keys: Sequence[uuid.UUID], environment: str, now: datetime, *, by: str
) -> Reconciled:
    """Judges these SDRs once more, as far as they are undecided and of this environment."""
    work = _Work(environment, now, batch.OPEN_STATES, keys)
    return _run(work, Scope.OPEN, by, max(1, len(keys)))


def _run(work: _Work, scope: Scope, by: str, batch_size: int) -> Reconciled:
    started = time.monotonic()
    result = Reconciled()
    after: uuid.UUID | None = _FIRST
    while after is not None:
        with transaction.atomic():
            after = work.judge_batch(after, batch_size, result)
    if result.judged:
        ReconciliationRun.objects.create(
            environment=work.environment,
            scope=scope,
            started_by=by,
            started_at=work.now,
            finished_at=work.now,
            duration_ms=int((time.monotonic() - started) * 1000),
            judged=result.judged,
            changed=result.changed,
            credits=result.credits,
            **{
                outcome.value: result.of(outcome)
                for outcome in Outcome
                if outcome is not Outcome.REJECTED
            },
        )
    return result


class _Work:
    """One run: what it keeps between its batches is the tariffs, compiled."""

    def __init__(
        self,
        environment: str,
        now: datetime,
        states: list[str],
        only: Sequence[uuid.UUID] | None = None,
    ) -> None:
        self.environment = environment
        self.now = now
        self._states = states
        self._only = only
        self._store = TariffStore()
        self._known_csos: set[int] = set()
        self._rerater = Rerater(self._store)

    def judge_batch(self, after: uuid.UUID, size: int, result: Reconciled) -> uuid.UUID | None:
        """Takes the next SDRs after this key to a verdict; returns the last key, None: no more."""
        with connection.cursor() as cursor:
            claiming = batch.Claiming(self.environment, self._states, after, size, self._only)
            last = batch.claim_batch(cursor, claiming)
            if last is None:
                return None
            batch.claim_siblings(cursor, self.environment)
            if credits.pair_up_credits(cursor):
                judged, accepted, changed = credits.take_credits(
                    cursor, self.environment, batch.OPEN_STATES, _listed(CREDIT_RULES), self.now
                )
                result.judged += judged
                result.credits += accepted
                result.changed += changed
            rulings = bring_rulings(cursor, settings_in_force())
            self._rerate(cursor, rulings)
            matching.match_records(cursor, self.environment)
            evidence.gather_evidence(cursor, self.now, settings.CSP_RECORD_HOURS)
            findings.apply_rules(cursor, _listed(RULES))
            findings.keep_findings(cursor, JUDGED_ANEW, self.now)
            outcomes = standing.reach_verdicts(cursor, JUDGED_ANEW)
            result.changed += standing.let_verdicts_stand(cursor, self.now)
        for outcome, count in outcomes.items():
            result.outcomes[outcome] = result.outcomes.get(outcome, 0) + count
            result.judged += count
        return last

    def _rerate(self, cursor: Any, of_batch: RulingsOfBatch) -> None:
        rows = batch.rows_to_rerate(cursor)
        unknown = {row.visited_cso_id for row in rows} - self._known_csos
        if unknown:
            versions = batch.tariff_versions(cursor, self.environment, sorted(unknown))
            self._store.add(Version(*version) for version in versions)
            self._known_csos |= unknown
        prices: list[tuple[uuid.UUID, PriceEvidence]] = []
        noted: list[batch.FoundRow] = []
        reserved: list[uuid.UUID] = []
        for row in rows:
            rulings = of_batch.of(row.agreement_key, row.pair_key)
            rerated = self._rerater.rerate(_to_rerate(row, rulings))
            prices.append((row.sdr_id, rerated.price))
            noted += _noted(row.sdr_id, rerated.notes, rulings)
            body = bodies.read_body(row, rerated)
            if body is not None:
                noted += bodies.found_in_body(row, body, rulings)
                if body.reserved:
                    reserved.append(row.sdr_id)
        batch.bring_prices(cursor, prices)
        if reserved:
            bodies.bring_reserved(cursor, reserved)
        if noted:
            batch.bring_findings(cursor, noted)


def _to_rerate(row: batch.RerateRow, rulings: Rulings) -> ToRerate:
    money = Allowance(row.tolerance_money, row.tolerance_money_share)
    money = allowances_of(rulings).get("PRC-01", money)
    own = (row.tariff_id,) if row.tariff_id else tuple(row.connector_tariff_ids)
    notice = timedelta(hours=row.tariff_notice_hours)
    return ToRerate(
        rated_part=row.rated_part,
        time_zone=row.time_zone,
        asked=Asked(row.visited_cso_id, row.home_csp_id, row.started_at, notice),
        tariff_ids=own,
        before_tax=row.before_tax,
        currency=row.currency,
        rounding=Rounding(row.rounding),
        tolerance_money=money.absolute,
        tolerance_money_share=money.share,
    )


def _noted(
    sdr_id: uuid.UUID, notes: tuple[RatingFinding, ...], rulings: Rulings
) -> Iterator[batch.FoundRow]:
    for note in notes:
        rule = WHILE_RATING.get(note.code, OTHER_WHILE_RATING)
        severity = severity_by(rulings, rule.id, note.severity)
        if severity is None:
            continue
        split = note.total_if_split
        yield batch.FoundRow(
            sdr_id,
            rule.id,
            severity.value,
            rule.explanation,
            note.detail,
            "" if split is None else f"{number_text(split)} if split there"[:200],
            note.money_at_stake,
            [note.code],
        )


def _listed(rules: tuple[Rule, ...]) -> str:
    """The registry as the SQL reads it."""
    return json.dumps(
        [
            {"rule": rule.id, "severity": rule.severity.value, "explanation": rule.explanation}
            for rule in rules
        ]
    )
