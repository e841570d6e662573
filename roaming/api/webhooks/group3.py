"""Group 3, energy transfer management: what a platform receives (IEC 63119-2, 8.3)."""

from roaming.api import examples
from roaming.api.webhooks import examples as sent
from roaming.api.webhooks.commands import REMOTE_START, RESERVING, STOPPING
from roaming.api.webhooks.webhook import DECIDED, LIVE, NOT_ANSWERED, STOOD_IN, STORED, Webhook
from roaming.domain.charge_plan import (
    ChargePlanAnswer,
    ChargePlanUpdateNotice,
    ChargePlanWishesNotice,
)
from roaming.domain.charging_information import (
    ChargingInformation,
    ChargingInformationNotice,
    ChargingInformationQuestion,
)
from roaming.domain.completion import CompletionNotice
from roaming.domain.decision import Decision
from roaming.domain.identification_messages import LocalStartQuestion, PlugAndChargeQuestion

_SDR_LOT = {
    "type": "object",
    "description": "Up to 200 SDRs that name you as home-CSP, each unchanged, with the findings of "
    "the clearing house beside it.",
    "required": ["sdrs"],
    "properties": {
        "sdrs": {
            "type": "array",
            "minItems": 1,
            "maxItems": 200,
            "items": {
                "type": "object",
                "required": ["sdr_id", "state", "findings", "sdr"],
                "properties": {
                    "sdr_id": {"type": "string", "format": "uuid"},
                    "state": {"type": "string"},
                    "findings": {
                        "type": "array",
                        "items": {"$ref": "#/components/schemas/FindingPart"},
                    },
                    "sdr": {"$ref": "#/components/schemas/SdrMessage"},
                },
            },
        }
    },
}

WEBHOOKS = (
    Webhook(
        "uc3-1/local-start",
        "UC3-1 Start locally at the EVSE",
        "A user of yours identified at an EVSE: decide",
        LocalStartQuestion,
        {
            "An RFID card of yours": examples.LOCAL_START_QUESTION,
            "A card that nobody distributed: others are asked, too": examples.BROADCAST_QUESTION,
            "No question: the clearing house decided in your place": examples.DECIDED_QUESTION,
        },
        Decision,
        {"Yes": examples.DECISION_ACCEPTED, "No": examples.DECISION_REFUSED},
        when=f"{LIVE} With `decided` it is news and no question: any 2xx takes it.",
        taken=DECIDED,
        refused=STOOD_IN,
    ),
    *REMOTE_START,
    Webhook(
        "uc3-3/plug-and-charge-start",
        "UC3-3 Start by plug and charge",
        "A vehicle of a user of yours presented its contract certificate: decide",
        PlugAndChargeQuestion,
        {"A contract certificate": examples.PLUG_AND_CHARGE_QUESTION},
        Decision,
        {"Yes": examples.DECISION_ACCEPTED, "No": examples.DECISION_REFUSED},
        when=f"{LIVE} With `decided` it is news and no question.",
        taken=DECIDED,
        refused=STOOD_IN,
    ),
    *STOPPING,
    Webhook(
        "uc3-5/completion",
        "UC3-5 Complete the service transaction",
        "A session of a user of yours is complete; its SDR follows",
        CompletionNotice,
        {
            "One hour, 20 kWh": examples.COMPLETION_NOTICE,
            "Nothing was provided: no SDR follows": sent.NOTHING_PROVIDED,
        },
    ),
    Webhook(
        "uc3-6/charging-information",
        "UC3-6 Dynamic charging information",
        "How a session of a user of yours goes",
        ChargingInformationNotice,
        {"Half way": sent.CHARGING_INFORMATION},
        when=f"{STORED} Newer information takes the place of what still waits.",
    ),
    Webhook(
        "uc3-6/request",
        "UC3-6 Dynamic charging information",
        "The home-CSP wants to know now how its session goes: answer",
        ChargingInformationQuestion,
        {"A running session": sent.CHARGING_QUESTION},
        ChargingInformation,
        {"Half way": sent.CHARGING_ANSWER},
        when=LIVE,
        taken="As you would report it by UC3-6.",
        refused="The home-CSP is given what you reported last, with its age.",
    ),
    Webhook(
        "uc3-7/charge-plan-wishes",
        "UC3-7 Charge plan exchange",
        "What the user of a running session wishes: answer with a plan",
        ChargePlanWishesNotice,
        {"20 kWh by noon": sent.PLAN_WISHES},
        ChargePlanAnswer,
        {"Yes, with the plan": sent.PLAN_ACCEPTED, "No": sent.PLAN_REJECTED},
        when=LIVE,
        taken="Your decision. A no is an answer with status 200, too.",
        refused=NOT_ANSWERED,
    ),
    *RESERVING,
    Webhook(
        "uc3-9/sdrs",
        "UC3-9 SDR information exchange",
        "SDRs of your users",
        _SDR_LOT,
        {"One SDR without findings": examples.DELIVERED_SDRS},
    ),
    Webhook(
        "uc3-10/charge-plan",
        "UC3-10 Charge plan update",
        "The plan of a session of a user of yours has changed",
        ChargePlanUpdateNotice,
        {"Less power from eleven on": sent.PLAN_UPDATE},
        when=f"{STORED} A newer plan takes the place of one that still waits.",
    ),
)
