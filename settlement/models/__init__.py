"""Rows, constraints and named SQL of reconciliation, ledger and settlement."""

from settlement.models.csp_records import CspRecord, CspRecordOriginal, CspRecordRegistry
from settlement.models.disputes import Dispute, DisputeEvent, DisputeEvidence, DisputeTerms
from settlement.models.fees import FeeCharge, FeeRule
from settlement.models.ledger import LedgerAccount, LedgerEntry, Posting
from settlement.models.mails import OutgoingMail
from settlement.models.netting import NetPayment, NetPosition
from settlement.models.periods import SettlementPeriod
from settlement.models.reconciliation import ReconciliationRun
from settlement.models.rule_settings import RuleSetting
from settlement.models.statements import Statement, StatementLine
from settlement.models.totals import TotalsOfDay
from settlement.models.work_queues import SdrAssignment

__all__ = [
    "CspRecord",
    "CspRecordOriginal",
    "CspRecordRegistry",
    "Dispute",
    "DisputeEvent",
    "DisputeEvidence",
    "DisputeTerms",
    "FeeCharge",
    "FeeRule",
    "LedgerAccount",
    "LedgerEntry",
    "NetPayment",
    "NetPosition",
    "OutgoingMail",
    "Posting",
    "ReconciliationRun",
    "RuleSetting",
    "SdrAssignment",
    "SettlementPeriod",
    "Statement",
    "StatementLine",
    "TotalsOfDay",
]
