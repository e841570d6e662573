"""Group 2, tariff and pricing: what a platform receives (IEC 63119-2, 8.2)."""

from roaming.api import examples
from roaming.api.webhooks import examples as sent
from roaming.api.webhooks.webhook import LIVE, NOT_ANSWERED, Webhook
from roaming.domain.tariff.announcement import TariffMessage
from roaming.domain.tariff.requesting import TariffQuestion, TariffsGiven

WEBHOOKS = (
    Webhook(
        "uc2-1/tariffs",
        "UC2-1 Inform home-CSP on tariff",
        "A tariff version was announced to you, or a tariff withdrawn",
        {
            "anyOf": [
                {"$ref": f"#/components/schemas/{TariffMessage.__name__}"},
                {
                    "type": "object",
                    "description": "The tariff was withdrawn.",
                    "required": ["id", "visited_cso", "withdrawn"],
                    "properties": {
                        "id": {"type": "string", "maxLength": 36},
                        "visited_cso": {"type": "string"},
                        "home_csp": {"type": ["string", "null"]},
                        "withdrawn": {"const": True},
                    },
                },
            ]
        },
        {
            "A version, as its CSO sent it": examples.TARIFF,
            "A withdrawal": {
                "id": "T1",
                "visited_cso": "DE*VIS",
                "home_csp": None,
                "withdrawn": True,
            },
        },
        also=(TariffMessage,),
    ),
    Webhook(
        "uc2-2/tariff-request",
        "UC2-2 Request tariffs",
        "A home-CSP asks for your tariffs, which you do not publish: answer them",
        TariffQuestion,
        {"The tariffs of one connector": sent.TARIFF_QUESTION},
        TariffsGiven,
        {"One tariff": {"tariffs": [examples.TARIFF]}},
        when=LIVE,
        taken="Each tariff as it would be announced by UC2-1; it counts as received now.",
        refused=NOT_ANSWERED,
    ),
)
