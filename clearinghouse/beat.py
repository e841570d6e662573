"""The one beat table, static and in UTC: what is swept how often (real seconds).

Each task sweeps rows that are due; a tick that is lost is made good by the next one. `expires`
keeps ticks from piling up behind a worker that was away.
"""

from __future__ import annotations

from typing import Any


def _every(seconds: float, task: str) -> dict[str, Any]:
    return {"task": task, "schedule": seconds, "options": {"expires": max(seconds, 5)}}


BEAT_SCHEDULE = {
    "deliver due messages": _every(1, "roaming.tasks.deliver_due"),
    "probe endpoints": _every(5, "roaming.tasks.probe_roaming_endpoints"),
    "give up overdue messages": _every(300, "roaming.tasks.give_up_overdue_deliveries"),
    "close unanswered questions": _every(30, "roaming.tasks.close_unanswered_questions"),
    "account for SDRs that came": _every(30, "roaming.tasks.account_for_sdrs"),
    "erase personal data by age": _every(3600, "roaming.tasks.erase_personal_data"),
    "keep months ahead": _every(21_600, "roaming.tasks.keep_months_ahead"),
    "forget given answers": _every(300, "roaming.tasks.forget_given_answers"),
    "time out overdue commands": _every(1, "roaming.tasks.time_out_overdue_commands"),
    "expire due reservations": _every(5, "roaming.tasks.expire_due_reservations"),
    "end agreements that ran out": _every(60, "roaming.tasks.end_agreements_that_ran_out"),
    "reconcile SDRs": _every(5, "settlement.tasks.reconcile_due"),
    "judge everything undecided once more": _every(3600, "settlement.tasks.reconcile_open"),
    "open the running periods": _every(3600, "settlement.tasks.open_due_periods"),
    "remind of unconfirmed days": _every(86_400, "settlement.tasks.remind_of_unconfirmed_days"),
    "remind of closes": _every(86_400, "settlement.tasks.remind_of_closes"),
    "accept SDRs whose decision window has passed": _every(10, "settlement.tasks.accept_undecided"),
    "let silence count in disputes": _every(10, "settlement.tasks.expire_due_disputes"),
    "send e-mails": _every(10, "settlement.tasks.send_due_mails"),
    "forget old evidence": _every(86_400, "settlement.tasks.forget_old_evidence"),
}
