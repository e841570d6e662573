"""The operator's SDRs: filtered, page by page along the key, and as CSV."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clearinghouse.portal import own, words
from clearinghouse.portal.presentation import link, moment, money, quantity
from clearinghouse.portal.tables import Row, Table, headers
from clearinghouse.portal.viewer import Viewer, portal_page
from roaming.domain.uuid7 import uuid7_at
from roaming.models import Finding, Sdr
from roaming.staff_pages.long_lists import Search, begins_with, clean_term, uuid_or_none
from settlement.domain.reconciliation.rules import rule_titles

PER_PAGE = 50
_MOST_HITS = 1_000


def _rules() -> list[tuple[str, Any]]:
    listed = [(rule, f"{rule} {title}") for rule, title in sorted(rule_titles().items())]
    return [("", _("Any")), *listed]


class SdrFilterForm(forms.Form):
    """What narrows the list. All of it is in the address, so that a list can be passed on."""

    q = forms.CharField(
        label=gettext_lazy("Search"),
        required=False,
        max_length=80,
        help_text=gettext_lazy("SDR id or its beginning, session id, EVSE"),
        widget=forms.TextInput(attrs={"type": "search"}),
    )
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    outcome = forms.ChoiceField(label=gettext_lazy("Outcome"), required=False)
    rule = forms.ChoiceField(label=gettext_lazy("Finding"), required=False, choices=_rules)
    pair = forms.ChoiceField(label=gettext_lazy("Counterparty"), required=False)
    side = forms.ChoiceField(label=gettext_lazy("Side"), required=False)
    since = forms.DateField(
        label=gettext_lazy("Session from"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )
    until = forms.DateField(
        label=gettext_lazy("Session until"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
    )

    def __init__(self, viewer: Viewer, data: QueryDict) -> None:
        super().__init__(data)
        self.fields["state"].choices = words.plain(words.STATES)  # type: ignore[attr-defined]
        self.fields["outcome"].choices = words.plain(words.OUTCOMES)  # type: ignore[attr-defined]
        names = {key: _counterparty(viewer, pair) for key, pair in viewer.pairs.items()}
        listed = sorted(names.items(), key=lambda item: item[1].casefold())
        self.fields["pair"].choices = [  # type: ignore[attr-defined]
            ("", _("Any")),
            *((str(key), name) for key, name in listed),
        ]
        self.fields["side"].choices = [  # type: ignore[attr-defined]
            ("", _("Both")),
            ("csp", _("To pay (you are the home-CSP)")),
            ("cso", _("Claimed (you are the visited-CSO)")),
        ]
        if not (viewer.is_csp and viewer.is_cso):
            del self.fields["side"]


def counterparty(viewer: Viewer, sdr: Sdr) -> str:
    """The other operator's name, or the identifier that the SDR gives it."""
    pair = viewer.pairs.get(sdr.pair_id or 0)
    if pair is not None:
        mine = pair.visited_cso_id == viewer.operator.pk
        return str((pair.home_csp if mine else pair.visited_cso).name)
    return str((sdr.visited_cso if own.decides_on(viewer, sdr) else sdr.home_csp) or "–")


def _counterparty(viewer: Viewer, pair: Any) -> str:
    if pair.visited_cso_id == viewer.operator.pk:
        return f"{pair.home_csp.name} (CSP)"
    return f"{pair.visited_cso.name} (CSO)"


def filtered(viewer: Viewer, form: SdrFilterForm) -> QuerySet[Sdr]:
    """The operator's SDRs that the form lets through; none where a value is no value."""
    rows = own.sdrs(viewer)
    if not form.is_valid():
        return rows.none()
    given = {name: value for name, value in form.cleaned_data.items() if value}
    for name in given.keys() & {"state", "outcome"}:
        rows = rows.filter(**{f"standing__{name}": given[name]})
    if "rule" in given:
        found = Finding.objects.filter(sdr=OuterRef("pk"), superseded_at=None, rule=given["rule"])
        rows = rows.filter(Exists(found))
    if "pair" in given:
        rows = rows.filter(pair=given["pair"])
    if "side" in given:
        side = "home_csp" if given["side"] == "csp" else "visited_cso"
        rows = rows.filter(**{f"{side}__in": sorted(viewer.identifiers)})
    if "since" in given:
        rows = rows.filter(pk__gte=_first_key(given["since"], viewer))
    if "until" in given and given["until"] < date.max:
        rows = rows.filter(pk__lt=_first_key(given["until"] + timedelta(days=1), viewer))
    if term := clean_term(given.get("q", "")):
        rows = rows.filter(pk__in=_found(own.sdrs(viewer), term))
    return rows


def _first_key(day: date, viewer: Viewer) -> uuid.UUID:
    """Keys carry the session's start: a day of the viewer's zone is a range of them."""
    return uuid7_at(datetime.combine(day, time.min, viewer.zone), 0)


def _found(rows: QuerySet[Sdr], term: str) -> set[uuid.UUID]:
    """Each search runs along its own index, at most 1,000 hits each."""
    keys: set[uuid.UUID] = set()
    for search in _searches(term):
        hits = rows.filter(search.condition).order_by(*search.along)
        keys.update(hits.values_list("pk", flat=True)[:_MOST_HITS])
    return keys


def _searches(term: str) -> Iterator[Search]:
    yield Search(begins_with("reference", term), ("reference",))
    if (key := uuid_or_none(term)) is not None:
        yield Search(Q(pk=key) | Q(service_session_id=key))
    evse_key = term.upper().replace("*", "").replace("-", "")
    yield Search(Q(evse_key=evse_key), ("evse_key", "-started_at"))


@dataclass(frozen=True, slots=True)
class Leaf:
    """One page along the key, newest first, and the addresses of its neighbours."""

    rows: list[Sdr]
    newer: str = ""
    older: str = ""


def leaf_of(rows: QuerySet[Sdr], asked: QueryDict) -> Leaf:
    """The page that the address asks for: `before` or `after` a key, else the newest."""
    before, after = (uuid_or_none(asked.get(name, "")) for name in ("before", "after"))
    if after is not None:
        taken = list(rows.filter(pk__gt=after).order_by("pk")[: PER_PAGE + 1])
        more_newer, more_older = len(taken) > PER_PAGE, True
        taken = taken[:PER_PAGE][::-1]
    else:
        older = rows if before is None else rows.filter(pk__lt=before)
        taken = list(older.order_by("-pk")[: PER_PAGE + 1])
        more_newer, more_older = before is not None, len(taken) > PER_PAGE
        taken = taken[:PER_PAGE]
    if not taken:
        return Leaf([])
    return Leaf(
        taken,
        newer=_address(asked, "after", taken[0].pk) if more_newer else "",
        older=_address(asked, "before", taken[-1].pk) if more_older else "",
    )


def _address(asked: QueryDict, name: str, key: object) -> str:
    return f"?{_filters(asked)}{name}={key}"


def _filters(asked: QueryDict) -> str:
    """The filters of an address, for links: without the place in the list, and without blanks."""
    kept = QueryDict(mutable=True)
    for name in SdrFilterForm.base_fields:
        if value := asked.get(name):
            kept[name] = value
    text = kept.urlencode()
    return f"{text}&" if text else ""


def _narrowed_by(form: SdrFilterForm) -> Iterator[tuple[Any, Any]]:
    """What narrows the list, in words."""
    for bound in form:
        value = bound.value()
        if value:
            choices = dict(getattr(bound.field, "choices", ()))
            yield bound.label, choices.get(value, value)


@portal_page()
def sdr_list(request: HttpRequest, viewer: Viewer) -> HttpResponse:
    """The list, newest session first."""
    form = SdrFilterForm(viewer, request.GET)
    rows = filtered(viewer, form).select_related("standing", "visited_cso", "home_csp")
    leaf = leaf_of(rows, request.GET)
    selectable = viewer.decides and viewer.is_csp
    context = {
        "title": _("SDRs"),
        "form": form,
        "narrowed_by": list(_narrowed_by(form)),
        "table": _table(viewer, leaf, selectable=selectable),
        "leaf": leaf,
        "filters": _filters(request.GET),
    }
    return render(request, "portal/sdrs.html", context)


def _table(viewer: Viewer, leaf: Leaf, *, selectable: bool) -> Table:
    titles = (
        _("SDR"), _("State"), _("Counterparty"), _("Session ended"), _("Energy"), _("Claimed"),
        _("Re-rated"), _("Decide by"),
    )  # fmt: skip
    figures = (_("Energy"), _("Claimed"), _("Re-rated"))
    return Table(
        _("SDRs, the newest session first"),
        headers(*titles, figures=figures),
        [row_of(viewer, sdr, selectable=selectable) for sdr in leaf.rows],
        _("No SDR is like that. Take a filter away, or look into the other environment."),
        selectable=selectable,
        shown_caption=False,
    )


def row_of(viewer: Viewer, sdr: Sdr, *, selectable: bool = False) -> Row:
    """An SDR in a list. It can be chosen where the operator may decide on it now."""
    standing = sdr.standing
    decides = own.decides_on(viewer, sdr)
    cells = (
        link(reverse("portal:sdr", args=[sdr.pk]), sdr.reference),
        words.mark(words.STATES, standing.state),
        counterparty(viewer, sdr),
        moment(sdr.ended_at),
        quantity(sdr.energy_kwh, "kWh"),
        money(sdr.claim_before_tax, sdr.currency),
        money(rated(sdr), sdr.currency),
        moment(standing.decide_by) if standing.state == "rated" else "–",
    )
    may = selectable and decides and standing.state in UNDECIDED and not sdr.credit
    return Row(cells, key=str(sdr.pk) if may else "", name=sdr.reference)


UNDECIDED = ("rated", "deviating", "unmatched", "not_ratable")


def rated(sdr: Sdr) -> Any:
    """What the tariff in force makes of it, at the digits that are settled."""
    from roaming.domain.money import Rounding, UnknownCurrencyError, round_money

    amount = sdr.standing.rated_before_tax
    if amount is None:
        return None
    try:
        return round_money(amount, sdr.currency, Rounding.HALF_UP)
    except UnknownCurrencyError:
        return amount
