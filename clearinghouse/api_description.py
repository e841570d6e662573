"""What the API documentation says before its first endpoint."""

API_TAGS = [
    "UC1-1 Platform authentication",
    "UC1-2 Sites information",
    "UC1-3 Dynamic status",
    "UC2-1 Inform home-CSP on tariff",
    "UC2-2 Request tariffs",
    "UC3-1 Start locally at the EVSE",
    "UC3-2 Start remotely",
    "UC3-3 Start by plug and charge",
    "UC3-4 Stop energy transfer",
    "UC3-5 Complete the service transaction",
    "UC3-6 Dynamic charging information",
    "UC3-7 Charge plan exchange",
    "UC3-8 Reservation",
    "UC3-9 SDR information exchange",
    "UC3-10 Charge plan update",
    "UC4-1 Online identification",
    "UC4-2 Pre-distribution of identifications",
    "UC5-1 Maintenance and outage",
    "UC5-2 Cable unlocking after activation",
    "UC5-3 Cable unlocking when activation failed",
    "Commands",
    "Service sessions",
    "Messages",
    "Agreements and partners",
    "Operations",
]

API_DESCRIPTION = """
The native interface of the clearing house for platforms of home-CSPs and visited-CSOs, in the order
of IEC 63119-2, clause 8.

**First steps.** Register with the one-time token that the clearing house gave you:

```
curl -X POST https://hub.example/api/v1/registration \\
  -H 'Authorization: Bearer REGISTRATION_TOKEN' -H 'Content-Type: application/json' \\
  -d '{"url": "https://platform.example/rep", "token": "what-we-shall-present-to-you"}'
```

The answer carries your token; send it as `Authorization: Bearer …` from then on.

**Ids.** `X-Correlation-ID` and `X-Message-ID` are taken from you, or minted; the correlation id
comes back with every answer and goes on to the other party. Quote it when you ask us.

**Errors** are problem details (RFC 9457) with a stable `code`;
[all codes and what to do](/api/docs/refusals).

**Decimals** are JSON numbers or strings, kept exactly as sent. **Times** carry their offset.
Unknown extra fields are kept and passed on.

**What we send to you**: `POST` below your endpoint's address, with the token that you gave us;
first `uc1-1/handshake`, for which your registration waits: answer it with its nonce.
`GET /api/v1/versions` lists all paths; name those that you take, or leave them out for all. Answer
any 2xx to take a message; the same `X-Message-ID` may come again. Without an endpoint, fetch with
`GET /api/v1/messages`.
"""
