"""An RFID card that nobody distributed: asked for at every home-CSP that may serve this CSO (UC3-1,
UC4-1), in parallel, within one time budget. The first acceptance wins.

Every party that is asked has its two rows in the journal, all under one transaction and correlation
id. Whose acceptance did not win is told so, however late it comes; where a process dies with
answers in its hands, the sweep of the journal tells them (`journal.close_unanswered`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeGuard

from django.conf import settings
from django.db import transaction

from roaming.domain.agreement import SERVICE_NEEDED
from roaming.domain.decision import Decision
from roaming.domain.receiving import takes
from roaming.domain.refusals import CATALOGUE, Refusal
from roaming.hub_switch.asking import give_connection_back
from roaming.hub_switch.asking_many import Addressed, Heard, Round
from roaming.hub_switch.authorising import Record, understand
from roaming.hub_switch.journal import Verdict, write_admissions, write_verdict
from roaming.hub_switch.live_questions import live_questions
from roaming.hub_switch.route import Route, check_operators
from roaming.hub_switch.store_decision import UNKNOWN, Ruling
from roaming.hub_switch.withdrawing import ELSEWHERE, TOO_LATE, withdrawal
from roaming.models import (
    Agreement,
    AgreementSuspension,
    JournalEntry,
    OperatorPair,
    Platform,
    PlatformIdentifier,
    RoamingEndpoint,
    UnknownToken,
)
from roaming.outbox import enqueue

_STOPPED = (Platform.Status.SUSPENDED, Platform.Status.ENDED)  # of operators too


@dataclass(frozen=True, slots=True)
class Candidate:
    """A home-CSP that is asked: the route to it and the endpoint of its platform."""

    route: Route
    endpoint: RoamingEndpoint


def authorise_by_many(record: Record) -> Ruling:
    """The first acceptance; REFUSED, `unknown`, where everybody refuses.

    Refuses home_csp_unknown where there is nobody to ask. Where nobody accepts and somebody gave no
    answer, the card may well be theirs: receiver_timed_out or receiver_not_connected, not unknown.
    """
    check_operators(record.envelope.use_case, record.asked.visited_cso)
    if _known_as_unknown(record):
        ruling = Ruling(UNKNOWN, None)
        record.rule(Route(record.asked.visited_cso), ruling)
        return ruling
    candidates = find_candidates(record)
    if not candidates:
        detail = "Nobody distributed this card, and no home-CSP that may be asked is connected."
        raise Refusal("home_csp_unknown", detail, "home_csp")
    routes = [candidate.route for candidate in candidates]
    with live_questions.place_of_a_round():
        write_admissions(record.envelope, routes, record.session_id, record.object_key)
        return _Broadcast(record, candidates).run()


class _Broadcast:
    def __init__(self, record: Record, candidates: Sequence[Candidate]) -> None:
        self._record = record
        self._candidates = candidates
        self._won = False

    def run(self) -> Ruling:
        budget_s = settings.BROADCAST_BUDGET_S
        round_ = Round(self._record_late, max(budget_s, settings.LIVE_QUESTION_TIMEOUT_S))
        round_.ask([self._addressed(place) for place in range(len(self._candidates))])
        give_connection_back()
        heard: list[tuple[int, Decision | Refusal]] = []
        winner: tuple[int, Decision] | None = None
        try:
            for answer in round_.answers(budget_s):
                said = self._understand(answer)
                if _accepts(said):
                    winner = (answer.place, said)
                    break
                heard.append((answer.place, said))
            self._won = winner is not None
        finally:
            rest = round_.close()
        for answer in rest:
            said = self._understand(answer)
            if winner is None and _accepts(said):
                winner = (answer.place, said)  # it came while the hearing was being closed
            else:
                heard.append((answer.place, said))
        return self._conclude(winner, heard)

    def _addressed(self, place: int) -> Addressed:
        candidate = self._candidates[place]
        home_csp = candidate.route.home_csp
        assert home_csp is not None
        message = self._record.outgoing(home_csp, broadcast=True)
        return Addressed(place, home_csp, candidate.endpoint, message)

    def _understand(self, answer: Heard) -> Decision | Refusal:
        if answer.outcome is None:
            code = ELSEWHERE if self._won else "overloaded"
            return Refusal(code, "It was not asked any more.")
        if isinstance(answer.outcome, Refusal):
            return answer.outcome
        home_csp = self._candidates[answer.place].route.home_csp
        assert home_csp is not None
        try:
            return understand(home_csp, answer.outcome)
        except Refusal as refusal:
            return refusal

    def _conclude(
        self, winner: tuple[int, Decision] | None, heard: Sequence[tuple[int, Decision | Refusal]]
    ) -> Ruling:
        """The session, all verdicts so far and the news to the losers become true together."""
        record = self._record
        if winner is not None:
            try:
                return self._open(winner, heard)
            except Refusal as gone:  # what it was accepted for is no more: nobody has won
                self._won = False
                with transaction.atomic():
                    for place, said in [*heard, winner]:
                        self._write_other(place, said, TOO_LATE)
                gone.journalled = True
                raise
        with transaction.atomic():
            for place, said in heard:
                self._write_other(place, said, TOO_LATE)
            refused = sum(isinstance(said, Decision) and not said.accepted for _, said in heard)
            if refused == len(self._candidates):
                _remember_unknown(record)
                return Ruling(UNKNOWN, None)
        refusal = self._nobody(refused, [said for _, said in heard])
        refusal.journalled = True  # each party has its own rows
        raise refusal

    def _open(
        self, winner: tuple[int, Decision], heard: Sequence[tuple[int, Decision | Refusal]]
    ) -> Ruling:
        route = self._candidates[winner[0]].route
        assert route.home_csp is not None
        ruling = Ruling.of_home_csp(route.home_csp, winner[1])
        with transaction.atomic():
            for place, said in heard:
                self._write_other(place, said, ELSEWHERE)
            self._record.rule(route, ruling)
        return ruling

    def _nobody(self, refused: int, heard: Sequence[Decision | Refusal]) -> Refusal:
        asked = len(self._candidates)
        silent = [said.code for said in heard if isinstance(said, Refusal)]
        slow = len(heard) < asked or "receiver_timed_out" in silent
        detail = f"Of {asked} home-CSPs asked {refused} refused; the others gave no answer."
        return Refusal("receiver_timed_out" if slow else "receiver_not_connected", detail)

    def _record_late(self, answer: Heard) -> None:
        """In the thread that heard it, after the answer to the visited-CSO was given."""
        with transaction.atomic():
            self._write_other(
                answer.place, self._understand(answer), ELSEWHERE if self._won else TOO_LATE
            )

    def _write_other(self, place: int, said: Decision | Refusal, reason: str) -> None:
        """The verdict on a party that did not win, and what it has to be told."""
        if isinstance(said, Refusal):
            verdict = Verdict.of_refusal(said)
            # Nobody can tell whether it believes to have accepted.
            if said.may_have_acted or said.code == "receiver_answered_rubbish":
                self._withdraw(place, reason)
        elif said.accepted:
            title = CATALOGUE[reason].title
            verdict = Verdict(JournalEntry.Outcome.REFUSED_BY_HUB, reason, title)
            self._withdraw(place, reason, said.authorization_reference)
        else:
            verdict = Verdict(JournalEntry.Outcome.REFUSED, answer=said.reason)
        record = self._record
        route = self._candidates[place].route
        write_verdict(record.envelope, route, verdict, record.session_id, record.object_key)

    def _withdraw(self, place: int, reason: str, reference: str = "") -> None:
        candidate, record = self._candidates[place], self._record
        assert candidate.route.home_csp is not None
        home_csp = candidate.route.home_csp.identifier
        enqueue(
            [
                withdrawal(
                    record.put_question, home_csp, candidate.endpoint.platform, reason, reference
                )
            ]
        )


def _accepts(said: Decision | Refusal) -> TypeGuard[Decision]:
    return isinstance(said, Decision) and said.accepted


def find_candidates(record: Record) -> list[Candidate]:
    """Home-CSPs with an agreement in force now that covers the service, each company once per
    platform. Who has no roaming endpoint, or does not take the question, is not waited for."""
    envelope, visited_cso = record.envelope, record.asked.visited_cso
    agreements = {
        agreement.home_csp_id: agreement
        for agreement in Agreement.objects.filter(
            visited_cso=visited_cso.operator_id,
            environment=envelope.environment,
            status=Agreement.Status.ACTIVE,
            validity__contains=envelope.now,
            services__contains=[SERVICE_NEEDED[envelope.use_case].value],
        ).exclude(suspensions__in=AgreementSuspension.objects.filter(during__contains=envelope.now))
    }
    pairs = {
        pair.home_csp_id: pair
        for pair in OperatorPair.objects.filter(
            visited_cso=visited_cso.operator_id, home_csp__in=agreements
        )
    }
    held = (
        PlatformIdentifier.objects.filter(
            environment=envelope.environment,
            identifier__role="CSP",
            identifier__operator__in=agreements,
            platform__roaming_endpoint__isnull=False,
        )
        .exclude(identifier__operator__status__in=_STOPPED)
        .exclude(platform__status__in=_STOPPED)
        .select_related("identifier__operator", "platform__roaming_endpoint")
        .order_by("platform_id", "identifier__operator_id", "identifier__identifier")
        .distinct("platform_id", "identifier__operator_id")
    )
    found = []
    for row in held:
        csp = row.identifier.operator_id
        route = Route(visited_cso, row.identifier, agreements[csp], pairs.get(csp))
        endpoint = row.platform.roaming_endpoint
        endpoint.platform = row.platform
        if takes(endpoint.paths, record.asked.path):
            found.append(Candidate(route, endpoint))
    return found


def _known_as_unknown(record: Record) -> bool:
    envelope = record.envelope
    return UnknownToken.objects.filter(
        environment=envelope.environment,
        visited_cso=record.asked.visited_cso,
        token_hmac=record.asked.presented.token_hmac,
        until__gt=envelope.now,
    ).exists()


def _remember_unknown(record: Record) -> None:
    """The short negative cache: the next swipe of this card does not ask everybody again."""
    envelope = record.envelope
    UnknownToken.objects.filter(until__lte=envelope.now).delete()
    UnknownToken.objects.update_or_create(
        environment=envelope.environment,
        visited_cso=record.asked.visited_cso,
        token_hmac=record.asked.presented.token_hmac,
        defaults={"until": envelope.now + timedelta(seconds=settings.UNKNOWN_TOKEN_TTL_S)},
    )
