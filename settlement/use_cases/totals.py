"""The totals hand-shake (6.4.2): a party's own count, kWh and amount per day and counterparty.

Accepts: figures of up to 100 days, of a CSO or a CSP that the platform holds, with or without the
SDRs that it counted.
Refuses: invalid_identifier, party_not_held, unknown_party, invalid_field.
Leaves behind: the newest word of that side about each day, confirmed or not; the answer names the
SDRs that explain a difference, or candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from django.db import transaction

from roaming.domain.identifiers import IdentifierError, OperatorId, ProviderId
from roaming.domain.refusals import Refusal
from roaming.domain.uuid7 import uuid7_at
from roaming.models import OperatorIdentifier, Platform, Role, Sdr
from settlement.domain.totals import (
    Counted,
    Explanation,
    Totals,
    explain_figures,
    explain_listed,
    total_of,
)
from settlement.models import TotalsOfDay

_DAY = timedelta(days=1)
# A session that ended on a day began at most so long before; a bound that the index uses.
_LONGEST = timedelta(days=31)


@dataclass(frozen=True, slots=True)
class Parties:
    """Whose SDRs are counted, and which side counts."""

    visited_cso: OperatorIdentifier
    home_csp: OperatorIdentifier
    side: TotalsOfDay.Side


@dataclass(frozen=True, slots=True)
class DaySaid:
    """What a party says of a day. `sdrs` None: figures alone."""

    day: date
    currency: str
    totals: Totals
    sdrs: tuple[Counted, ...] | None = None


@dataclass(frozen=True, slots=True)
class DayCompared:
    """What came of it. `there`: the party's figures."""

    said: DaySaid
    agreed: bool
    here: Totals
    explanation: Explanation


def read_parties(platform: Platform, visited_cso: str, home_csp: str, side: str | None) -> Parties:
    """The two identifiers, of which the platform holds one; `side` where it holds both."""
    cso = _identifier(OperatorId, Role.CSO, visited_cso, "visited_cso")
    csp = _identifier(ProviderId, Role.CSP, home_csp, "home_csp")
    held = set(
        OperatorIdentifier.objects.filter(
            pk__in=[row.pk for row in (cso, csp) if row is not None],
            held_by__platform=platform,
            held_by__environment=platform.environment,
        ).values_list("role", flat=True)
    )
    wanted = {side} if side else {str(role) for role in held}
    speaking = wanted & {str(role) for role in held}
    if not speaking:
        raise Refusal("party_not_held", "This platform speaks for neither party.", "visited_cso")
    if cso is None or csp is None:
        name = "visited_cso" if cso is None else "home_csp"
        raise Refusal("unknown_party", "No operator with this identifier is known.", name)
    if len(speaking) > 1:
        raise Refusal("invalid_field", "You speak for both: say side.", "side")
    return Parties(cso, csp, TotalsOfDay.Side(speaking.pop()))


def _identifier(
    kind: type[OperatorId] | type[ProviderId], role: Role, text: str, field: str
) -> OperatorIdentifier | None:
    try:
        key = kind.parse(text).key
    except IdentifierError as error:
        raise Refusal("invalid_identifier", error.detail, field) from error
    return OperatorIdentifier.objects.filter(role=role, key=key).first()


@transaction.atomic
def compare_totals(
    platform: Platform, parties: Parties, days: Sequence[DaySaid], now: datetime
) -> list[DayCompared]:
    """Compares each day and keeps what was said of it."""
    compared = [_compare(platform.environment, parties, said) for said in days]
    for day in compared:
        said = day.said
        TotalsOfDay.objects.update_or_create(
            environment=platform.environment,
            day=said.day,
            visited_cso=parties.visited_cso,
            home_csp=parties.home_csp,
            currency=said.currency,
            side=parties.side,
            defaults={
                "state": TotalsOfDay.State.CONFIRMED if day.agreed else TotalsOfDay.State.DIFFERS,
                "count": said.totals.count,
                "energy_kwh": said.totals.energy_kwh,
                "before_tax": said.totals.before_tax,
                "count_here": day.here.count,
                "energy_kwh_here": day.here.energy_kwh,
                "before_tax_here": day.here.before_tax,
                "sent_by": platform,
                "said_at": now,
            },
        )
    return compared


def _compare(environment: str, parties: Parties, said: DaySaid) -> DayCompared:
    around = _counted(environment, parties, said)
    here = [sdr for sdr, counts in around if counts]
    totals = total_of(here)
    difference = totals - said.totals
    if said.sdrs is not None:
        explanation = explain_listed(here, said.sdrs)
        named = explanation.missing_there or explanation.missing_here or explanation.differing
        return DayCompared(said, difference.is_nothing and not named, totals, explanation)
    if difference.is_nothing:
        return DayCompared(said, True, totals, Explanation(exact=True))
    nearby = [sdr for sdr, counts in around if not counts]
    return DayCompared(said, False, totals, explain_figures(difference, here, nearby))


def _counted(environment: str, parties: Parties, said: DaySaid) -> list[tuple[Counted, bool]]:
    """The SDRs of the day and of those around it, each with whether it counts on that day.

    What was rejected does not count, anything else does, credits with their negative amounts.
    """
    midnight = datetime.combine(said.day, time(), UTC)
    rows = (
        Sdr.objects.filter(
            environment=environment,
            visited_cso=parties.visited_cso,
            home_csp=parties.home_csp,
            pair__visited_cso=parties.visited_cso.operator_id,
            pair__home_csp=parties.home_csp.operator_id,
            currency=said.currency,
            id__gte=uuid7_at(midnight - _LONGEST, 0),
            id__lt=uuid7_at(midnight + 2 * _DAY, 0),
            ended_at__gte=midnight - _DAY,
            ended_at__lt=midnight + 2 * _DAY,
        )
        .order_by("arrival")
        .values_list("reference", "energy_kwh", "claim_before_tax", "ended_at", "standing__state")
    )
    found = []
    for reference, energy, amount, ended_at, state in rows:
        assert ended_at is not None, "it was asked for by its end"
        of_the_day = midnight <= ended_at < midnight + _DAY
        counts = of_the_day and state != "rejected"
        found.append((Counted(reference, energy or Decimal(0), amount or Decimal(0)), counts))
    return found
