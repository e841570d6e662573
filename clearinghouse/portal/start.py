"""The first page: what needs a decision, with counts, age and money; every number leads there.

Each figure looks at a bounded number of rows, so that the page is as fast with a million SDRs.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from clearinghouse.portal import own
from clearinghouse.portal.disputes import your_turn
from clearinghouse.portal.presentation import age, money_text, quantity
from clearinghouse.portal.viewer import Viewer, portal_page
from roaming.models import Agreement
from roaming.models.clock import business_now

ENOUGH = 1_000


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its words, where it leads, and whether it calls for somebody."""

    value: str
    words: str
    address: str
    notes: Sequence[str] = ()
    calls: bool = False


@portal_page()
def start(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """What waits for the operator, by the side on which it stands."""
    now = business_now()
    groups: list[tuple[str, list[Figure]]] = []
    if viewer.is_csp:
        groups.append((_("To decide, as home-CSP"), list(_to_decide(viewer, now))))
    if viewer.is_cso:
        groups.append((_("Your claims, as visited-CSO"), list(_claims(viewer, now))))
    groups.append((_("Disputes"), [_disputes(viewer, now)]))
    groups.append((_("Agreements"), [_agreements(viewer)]))
    context = {
        "title": _("What waits for %s") % viewer.operator.name,
        "groups": groups,
        "now": now,
    }
    return render(request, "portal/start.html", context)


def _to_decide(viewer: Viewer, now: datetime) -> Iterator[Figure]:
    yield _figure(viewer, "csp", "deviating", _("Deviating: claim and re-rating differ"), now)
    yield _figure(viewer, "csp", "unmatched", _("Unmatched: no known session"), now)
    yield _figure(viewer, "csp", "not_ratable", _("Not ratable"), now)
    yield _figure(
        viewer, "csp", "rated", _("Agreeing: silence decides when the window ends"), now,
        calls=False,
    )  # fmt: skip
    yield _figure(viewer, "csp", "disputed", _("Disputed by you"), now, calls=False)


def _claims(viewer: Viewer, now: datetime) -> Iterator[Figure]:
    yield _figure(viewer, "cso", "disputed", _("Disputed by the home-CSP"), now)
    yield _figure(viewer, "cso", "rejected", _("Rejected at the door"), now)
    yield _figure(viewer, "cso", "deviating", _("Deviating, not yet decided"), now, calls=False)
    yield _figure(viewer, "cso", "rated", _("Agreeing, window still open"), now, calls=False)


def _figure(  # noqa: PLR0913, PLR0917  a row of the tables above
    viewer: Viewer, side: str, state: str, what: str, now: datetime, calls: bool = True
) -> Figure:
    """The SDRs of one state: at most 1,000 are looked at, the oldest first."""
    rows = own.standings(viewer, as_csp=side == "csp").filter(state=state).order_by("sdr")
    found = list(
        rows.values_list("visible_at", "sdr__claim_before_tax", "sdr__currency", "decide_by")[
            :ENOUGH
        ]
    )
    count = len(found)
    notes: list[str] = []
    if found:
        notes = [_sums([(amount, currency) for _at, amount, currency, _by in found])]
        oldest = min(at for at, *_rest in found)
        notes.append(_("oldest for %s") % age(oldest, now))
        due = [by for *_rest, by in found if by is not None and by > now]
        if state == "rated" and due:
            notes.append(_("the next window ends in %s") % age(now, min(due)))
    query = f"state={state}" + (f"&side={side}" if viewer.is_csp and viewer.is_cso else "")
    return Figure(
        _many(count), what, f"{reverse('portal:sdrs')}?{query}",
        [note for note in notes if note], calls=calls and count > 0,
    )  # fmt: skip


def _disputes(viewer: Viewer, now: datetime) -> Figure:
    """Those of the operator's turn."""
    rows = your_turn(viewer, own.disputes(viewer)).order_by("respond_by")
    found = list(rows.values_list("claim", "undisputed", "currency", "respond_by")[:ENOUGH])
    notes: list[str] = []
    if found:
        notes.append(_sums([(claim - right, currency) for claim, right, currency, _by in found]))
        soonest = found[0][3]
        if soonest is not None and soonest > now:
            notes.append(_("the next answer is due in %s") % age(now, soonest))
        else:
            notes.append(_("an answer is overdue"))
    return Figure(
        _many(len(found)), _("Your turn"), f"{reverse('portal:disputes')}?show=yours", notes,
        calls=bool(found),
    )  # fmt: skip


def _many(count: int) -> str:
    text = str(quantity(count))
    return _("%s or more") % f"{ENOUGH:,}" if count == ENOUGH else text


def _sums(amounts: Sequence[tuple[Decimal | None, str]]) -> str:
    sums: dict[str, Decimal] = {}
    for amount, currency in amounts:
        if amount is not None:
            sums[currency] = sums.get(currency, Decimal(0)) + amount
    return ", ".join(money_text(value, currency) for currency, value in sorted(sums.items()))


def _agreements(viewer: Viewer) -> Figure:
    """Those that the other side or nobody accepted yet."""
    proposed = own.agreements(viewer).filter(status=Agreement.Status.PROPOSED)
    waiting = [
        agreement
        for agreement in proposed.prefetch_related("acceptances")[:ENOUGH]
        if own.party(viewer, agreement)
        not in {acceptance.party for acceptance in agreement.acceptances.all()}
    ]
    what = _("Waiting for your yes")
    return Figure(
        _many(len(waiting)), what, reverse("portal:agreements"),
        calls=bool(waiting),
    )  # fmt: skip
