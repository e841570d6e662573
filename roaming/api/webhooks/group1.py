"""Group 1, general information exchange: what a platform receives (IEC 63119-2, 8.1)."""

from roaming.api import examples
from roaming.api.webhooks import examples as sent
from roaming.api.webhooks.webhook import STORED, Webhook, one_of
from roaming.domain.evse_status import EvseStatusLine, EvseStatusNotice
from roaming.domain.handshake import HandshakeAnswer, HandshakeMessage, ProbeMessage
from roaming.domain.receiving import HANDSHAKE_PATH
from roaming.domain.site import SiteMessage, SiteWithdrawal

WEBHOOKS = (
    Webhook(
        HANDSHAKE_PATH,
        "UC1-1 Platform authentication",
        "Prove that the address and the secret are yours",
        one_of(HandshakeMessage, ProbeMessage),
        {
            "At your registration and at a rotation": examples.HANDSHAKE,
            "A probe, after silence": {"probe": True},
        },
        HandshakeAnswer,
        {"With the nonce that came": examples.HANDSHAKE_ANSWER},
        when="Comes before your registration or rotation counts, while you wait for its answer, "
        "and as a probe after silence. Compare the bearer token with the one that you gave.",
        taken="The nonce as it came, and the version to speak. To a probe: anything.",
        refused="The registration or rotation is answered `handshake_failed`, and nothing changes. "
        "To a probe any status below 500 is a sign of life.",
        also=(HandshakeMessage, ProbeMessage),
    ),
    Webhook(
        "uc1-2/sites",
        "UC1-2 Sites information",
        "A site of a visited-CSO was published, changed or withdrawn",
        one_of(SiteMessage, SiteWithdrawal),
        {
            "As its CSO sent it": examples.SITE,
            "Withdrawn": {"id": "LOC1", "visited_cso": "DE*VIS", "withdrawn": True},
        },
        also=(SiteMessage, SiteWithdrawal),
    ),
    Webhook(
        "uc1-3/evse-statuses",
        "UC1-3 Dynamic status",
        "The newest status of EVSEs of one visited-CSO",
        EvseStatusNotice,
        {"Two EVSEs": sent.EVSE_STATUSES},
        when=f"{STORED} Where a newer status came while this one waited, only the newer one is "
        "sent.",
        also=(EvseStatusLine,),
    ),
)
