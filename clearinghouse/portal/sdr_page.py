"""One SDR: what is claimed, what the clearing house knows, what was found, what happened."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from clearinghouse.portal import own, words
from clearinghouse.portal.actors import naming
from clearinghouse.portal.presentation import (
    EMPTY,
    badge,
    code,
    moment,
    money,
    quantity,
)
from clearinghouse.portal.sdr_list import UNDECIDED, rated
from clearinghouse.portal.sdr_price import price_table
from clearinghouse.portal.tables import Row, Table, headers
from clearinghouse.portal.viewer import Viewer, portal_page
from roaming.models import JournalEntry, Sdr, ServiceSession
from roaming.models.clock import business_now
from settlement.domain.reconciliation.mistakes import advice_on, title_of
from settlement.domain.reconciliation.rules import rule_titles
from settlement.models import CspRecord, Statement, StatementLine

_MOST = 200


@portal_page()
def sdr_page(request: HttpRequest, viewer: Viewer, key: uuid.UUID) -> HttpResponse:
    """Everything that the operator may see of one of its SDRs."""
    rows = own.sdrs(viewer).select_related(
        "standing", "visited_cso__operator", "home_csp__operator", "agreement", "original"
    )
    sdr = get_object_or_404(rows, pk=key)
    standing = sdr.standing
    session = own.session(viewer, standing.service_session_id or sdr.service_session_id)
    context = {
        "title": sdr.reference,
        "sdr": sdr,
        "state": words.mark(words.STATES, standing.state),
        "outcome": words.mark(words.OUTCOMES, standing.outcome),
        "rated": rated(sdr),
        "offers": _offers(viewer, sdr),
        "beside": _beside(viewer, sdr, session),
        "findings": _findings(sdr),
        "price": price_table(sdr),
        "events": _events(viewer, sdr),
        "messages_of_session": _messages(viewer, session) if session else None,
        "session": session,
        "disputes": own.disputes(viewer).filter(sdr=sdr).order_by("-pk"),
        "as_sent": sdr.original.content if hasattr(sdr, "original") else "",
    }
    return render(request, "portal/sdr.html", context)


def _offers(viewer: Viewer, sdr: Sdr) -> set[str]:
    """Which decisions the person can take now."""
    if not viewer.decides or not own.decides_on(viewer, sdr) or sdr.credit:
        return set()
    state = sdr.standing.state
    offers = set()
    if state in (*UNDECIDED, "disputed"):
        offers.add("approve")
    open_for_it = state in UNDECIDED and not _window_over(sdr)
    if open_for_it or (state == "accepted" and _can_object(sdr)):
        offers.add("decline")
    return offers


def _window_over(sdr: Sdr) -> bool:
    decide_by = sdr.standing.decide_by
    return sdr.standing.state == "rated" and decide_by is not None and decide_by < business_now()


def _can_object(sdr: Sdr) -> bool:
    """Whether it stands on a preliminary statement whose objection window is open."""
    return StatementLine.objects.filter(
        sdr=sdr,
        statement__status=Statement.Status.PRELIMINARY,
        statement__period__objections_until__gte=business_now(),
    ).exists()


def _beside(viewer: Viewer, sdr: Sdr, session: ServiceSession | None) -> Table:
    """The claim, the clearing house's evidence and the viewer's own record, differences marked."""
    record = own.csp_record(viewer, sdr)
    titles = ["", _("The CSO's claim"), _("The clearing house's evidence"), _("Difference")]
    if record is not None:
        titles += [_("Your own record"), _("Difference to it")]
    notes = []
    if session is None:
        notes.append(_("No service session was found for it: the claim stands alone."))
    if record is None and own.decides_on(viewer, sdr):
        notes.append(_("You sent no record of your own for it."))
    rows = []
    for line in _lines(sdr, session, record):
        cells = [line.name, *line.against_evidence()]
        rows.append(Row(cells + line.against_record() if record is not None else cells))
    return Table(
        _("Claim and evidence, side by side"), headers(*titles), rows, "", note=" ".join(notes),
        shown_caption=False,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Line:
    """One quantity as each side has it; `show` writes a value, `apart` what two differ by."""

    name: str
    claimed: Any
    evidence: Any
    own: Any
    show: Callable[[Any], Any]
    apart: Callable[[Any, Any], Any]

    def against_evidence(self) -> list[Any]:
        return [self.show(self.claimed), self.show(self.evidence), self._apart(self.evidence)]

    def against_record(self) -> list[Any]:
        return [self.show(self.own), self._apart(self.own)]

    def _apart(self, known: Any) -> SafeString | str:
        if known is None or self.claimed is None or self.claimed == known:
            return ""
        return badge(self.apart(self.claimed, known), "warn")


def _lines(sdr: Sdr, session: ServiceSession | None, record: CspRecord | None) -> Iterator[_Line]:
    def known(name: str) -> tuple[Any, Any]:
        return getattr(session, name, None), getattr(record, name, None)

    def differs(claimed: Any, other: Any) -> Any:
        return _("differs")

    def in_kwh(value: Any) -> Any:
        return quantity(value, "kWh")

    def in_money(value: Any) -> Any:
        return money(value, sdr.currency)

    def to_the_second(value: Any) -> Any:
        return moment(value, "second")

    names = {sdr.evse_key: sdr.evse_id}
    if session is not None:
        names.setdefault(session.evse.key, session.evse.evse_id)
    if record is not None:
        names.setdefault(record.evse_key, record.evse_id)

    def by_name(key: Any) -> Any:
        return names.get(key) or EMPTY

    evse = session.evse.key if session else None
    yield _Line(_("EVSE"), sdr.evse_key, evse, getattr(record, "evse_key", None), by_name, differs)
    for name, field in ((_("Start"), "started_at"), (_("End"), "ended_at")):
        yield _Line(name, getattr(sdr, field), *known(field), to_the_second, _ahead)
    yield _Line(_("Energy"), sdr.energy_kwh, *known("energy_kwh"), in_kwh, _signed(in_kwh))
    yield _Line(
        _("Before tax"), sdr.claim_before_tax, rated(sdr), getattr(record, "before_tax", None),
        in_money, _signed(in_money),
    )  # fmt: skip
    tokens = [
        bytes(row.token_hmac) if row is not None and row.token_hmac else None
        for row in (sdr, session, record)
    ]
    if tokens[0] is not None:
        first = tokens[0]

        def named(value: Any) -> Any:
            if value is None:
                return EMPTY
            return _("as claimed") if value == first else _("another token")

        yield _Line(_("Token"), tokens[0], tokens[1], tokens[2], named, differs)


def _ahead(claimed: datetime, known: datetime) -> str:
    ahead = claimed - known
    return f"{'+' if ahead > timedelta() else '−'}{abs(ahead)}"


def _signed(show: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    def apart(claimed: Decimal, known: Decimal) -> SafeString:
        return format_html("{}{}", "+" if claimed > known else "−", show(abs(claimed - known)))

    return apart


def _findings(sdr: Sdr) -> Table:
    titles = (
        _("Finding"), _("Severity"), _("What it means"), _("Claimed"), _("Expected"),
        _("At stake"), _("Named cause"),
    )  # fmt: skip
    names = rule_titles()
    standing = list(own.findings(sdr)[:_MOST])
    rows = [
        Row(
            (
                f"{found.rule} {names.get(found.rule, '')}".strip(),
                words.mark(words.SEVERITIES, found.severity),
                found.explanation,
                found.claimed or EMPTY,
                found.expected or EMPTY,
                money(found.money_at_stake, sdr.currency),
                "; ".join(title_of(cause) for cause in found.causes) or EMPTY,
            )
        )
        for found in standing
    ]
    advice = advice_on([cause for found in standing for cause in found.causes])
    return Table(
        _("Findings"), headers(*titles, figures=(_("At stake"),)), rows,
        _("No check found anything."), note=" ".join(advice), shown_caption=False,
    )  # fmt: skip


def _events(viewer: Viewer, sdr: Sdr) -> Table:
    found = list(own.events(sdr)[:_MOST])
    who = naming(viewer, [event.actor for event in found])
    rows = [
        Row(
            (
                moment(event.at, "second"),
                words.mark(words.STATES, event.to_state),
                who(event.actor),
                _why(event.reason),
                event.note or EMPTY,
            )
        )
        for event in found
    ]
    titles = (_("When"), _("State"), _("Who"), _("Why"), _("Note"))
    return Table(
        _("What happened to it"), headers(*titles), rows, _("Nothing yet."), shown_caption=False
    )


def _why(reason: str) -> str:
    from clearinghouse.portal.decisions import REASONS

    known = dict(REASONS)
    return str(known[reason]) if reason in known else reason.replace("_", " ") or EMPTY


def _messages(viewer: Viewer, session: ServiceSession) -> Table:
    rows = [
        Row(
            (
                moment(entry.at, "second"),
                entry.use_case,
                entry.sender.run_by.name,
                _ended(entry),
                code(entry.correlation_id),
            )
        )
        for entry in own.messages(viewer, session.pk)[:_MOST]
    ]
    titles = (_("When"), _("Use case"), _("From"), _("Outcome"), _("Correlation id"))
    return Table(
        _("Messages of the session"), headers(*titles), rows,
        _("The clearing house switched no message of this session."), shown_caption=False,
    )  # fmt: skip


def _ended(entry: JournalEntry) -> SafeString:
    accepted = entry.outcome == JournalEntry.Outcome.ACCEPTED
    text = entry.get_outcome_display()
    if entry.refusal_code:
        text = f"{text}: {entry.refusal_code.replace('_', ' ')}"
    return badge(text, "ok" if accepted else "warn")
