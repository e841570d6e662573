"""A live question to the other party's platform, outside any database transaction (house.md)."""

from __future__ import annotations

from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from roaming import ports
from roaming.domain.receiving import starts_business, takes
from roaming.domain.refusals import Refusal
from roaming.hub_switch.claiming import Waiting
from roaming.hub_switch.endpoint_health import health_notes
from roaming.hub_switch.live_questions import Place, live_questions
from roaming.hub_switch.rights import known_rights
from roaming.models import Delivery, OperatorIdentifier, Platform, RoamingEndpoint


def address_of(endpoint: RoamingEndpoint) -> ports.Address:
    """The endpoint's address with its secret in clear, for the moment of use only."""
    try:
        secret = _in_clear(bytes(endpoint.outbound_secret), tuple(settings.ENCRYPTION_KEYS))
    except InvalidToken as error:
        raise ports.NoAnswer(
            "receiver_not_connected", "The secret of the endpoint cannot be read.", sent=False
        ) from error
    return ports.Address(endpoint.url, secret)


@lru_cache(1_000)
def _in_clear(encrypted: bytes, keys: tuple[str, ...]) -> str:
    """Remembered in this process's memory, where it has to be for each message anyway."""
    return MultiFernet([Fernet(key) for key in keys]).decrypt(encrypted).decode()


def encrypt_secret(secret: str) -> bytes:
    """An outbound secret as it rests in the database (MultiFernet: the first key encrypts)."""
    return _cipher().encrypt(secret.encode())


def _cipher() -> MultiFernet:
    return MultiFernet([Fernet(key) for key in settings.ENCRYPTION_KEYS])


def ask(
    receiver: OperatorIdentifier, environment: str, message: ports.OutgoingMessage
) -> ports.Answer:
    """Asks the platform that speaks for `receiver` and returns its answer with a 2xx status.

    Refuses receiver_not_connected, receiver_timed_out, receiver_refused, receiver_answered_rubbish,
    and without asking receiver_offline, receiver_overloaded or overloaded. Must be called outside a
    transaction: the question may take seconds.
    """
    endpoint = _endpoint_of(receiver, environment, message)
    with live_questions.place(endpoint.platform_id, receiver.identifier) as place:
        return _ask_at(endpoint, receiver, message, place, settings.LIVE_QUESTION_TIMEOUT_S)


def ask_one_of_many(
    endpoint: RoamingEndpoint,
    receiver: OperatorIdentifier,
    message: ports.OutgoingMessage,
    timeout_s: float,
) -> ports.Answer:
    """As `ask`, at an endpoint that is known to take the message; reads nothing from the database.

    Takes a place of the receiver's share, none of the web threads'.
    """
    with live_questions.place(endpoint.platform_id, receiver.identifier, of_many=True) as place:
        return _ask_at(endpoint, receiver, message, place, timeout_s)


def _ask_at(
    endpoint: RoamingEndpoint,
    receiver: OperatorIdentifier,
    message: ports.OutgoingMessage,
    place: Place,
    timeout_s: float,
) -> ports.Answer:
    try:
        answer = send(endpoint, message, timeout_s)
    except ports.NoAnswer as silence:
        place.alive = silence.trouble == "receiver_answered_rubbish"
        refusal = Refusal(silence.trouble, silence.detail)
        refusal.may_have_acted = silence.sent
        raise refusal from silence
    place.alive = is_alive(answer)
    if not 200 <= answer.status < 300:
        refusal = Refusal(
            "receiver_refused", f"{receiver} answered with HTTP status {answer.status}."
        )
        refusal.may_have_acted = answer.status >= 500  # it broke down, perhaps half-way
        raise refusal
    return answer


def is_alive(answer: ports.Answer) -> bool:
    """Whether the platform itself answered, or failed, or a proxy in front of it."""
    return answer.status < 500


def _endpoint_of(
    receiver: OperatorIdentifier, environment: str, message: ports.OutgoingMessage
) -> RoamingEndpoint:
    try:
        endpoint = known_rights().endpoint(receiver, environment)
    except (OperationalError, InterfaceError) as error:
        raise Refusal("unavailable", "The database did not answer.") from error
    if endpoint is None or endpoint.platform.status == Platform.Status.ENDED:
        raise Refusal("receiver_not_connected", f"{receiver} has no roaming endpoint.")
    if endpoint.platform.status == Platform.Status.SUSPENDED and starts_business(message.path):
        raise Refusal(
            "receiver_not_connected", f"The platform of {receiver} is suspended for new business."
        )
    if not takes(endpoint.paths, message.path):
        raise Refusal(
            "receiver_not_connected", f"The platform of {receiver} does not take {message.path}."
        )
    return endpoint


def send(
    endpoint: RoamingEndpoint, message: ports.OutgoingMessage, timeout_s: float
) -> ports.Answer:
    """Carries one message in the endpoint's dialect, and notes how it went. Raises NoAnswer."""
    try:
        answer = carry(endpoint.dialect, address_of(endpoint), message, timeout_s)
    except ports.NoAnswer as silence:
        if silence.trouble != "receiver_answered_rubbish":
            health_notes.note(endpoint.platform_id, str(silence))
        raise
    error = None if is_alive(answer) else f"HTTP status {answer.status}"
    health_notes.note(endpoint.platform_id, error)
    return answer


def carry(
    dialect: str, address: ports.Address, message: ports.OutgoingMessage, timeout_s: float
) -> ports.Answer:
    """Carries one message to an address that need not be registered yet. Raises NoAnswer."""
    client = ports.clients[dialect]
    give_connection_back()
    return client.send(address, message, timeout_s)


def give_connection_back() -> None:
    """Gives this thread's connection back to the pool, where there is one, while we wait."""
    if connection.settings_dict.get("OPTIONS", {}).get("pool"):
        connection.close()


def outgoing(delivery: Waiting | Delivery) -> ports.OutgoingMessage:
    """A waiting delivery as the message that goes out."""
    return ports.OutgoingMessage(
        use_case=delivery.use_case,
        path=delivery.path,
        body=delivery.body.encode(),
        message_id=str(delivery.message_id),
        correlation_id=delivery.correlation_id,
    )
