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
    "Reconciliation",
    "Commands",
    "Service sessions",
    "Messages",
    "Agreements and partners",
    "Operations",
]

API_DESCRIPTION = """
The native interface of the clearing house for platforms of home-CSPs and visited-CSOs, in the order
of IEC 63119-2, clause 8.

**Begin here: [the 20 use cases](/api/docs/use-cases)**, each on a page with the message in, what
the other side receives, every refusal and what to do. [All refusals](/api/docs/refusals); the same
reference [to try out](/api/docs), [to read](/api/redoc),
[to generate code from](/api/schema?format=json).

**First steps.** Register with the one-time token that the clearing house gave you:

```
curl -X POST https://hub.example/api/v1/registration \\
  -H 'Authorization: Bearer REGISTRATION_TOKEN' -H 'Content-Type: application/json' \\
  -d '{"url": "https://platform.example/rep", "token": "what-we-shall-present-to-you"}'
```

The answer carries your token; send it as `Authorization: Bearer …` from then on. What is spoken
here, `GET /api/v1/versions` says without any token.

**What we send to you**: `POST` below your endpoint's address, with the token that you gave us; see
*Webhooks* at the end. First `uc1-1/handshake`, for which your registration waits: answer it with
its nonce. Name the paths that you take, or leave them out for all. Answer any 2xx to take a
message; the same `X-Message-ID` may come again. We connect to public addresses only, over TLS 1.3,
and follow no redirect. Without an endpoint, fetch with `GET /api/v1/messages`.

**Ids.** `X-Correlation-ID` and `X-Message-ID` are taken from you, or minted; the correlation id
comes back with every answer and goes on to the other party. Quote it when you ask us.

**The same message again.** Whatever changes something takes an `Idempotency-Key` of yours, or your
`X-Message-ID` as such: the same key with the same method, address and body gets the same answer for
24 hours, with `Idempotency-Replayed: true`; other content under it is refused with
`idempotency_conflict`, and while the first attempt is at work with `request_in_progress`. Successes
are kept, and refusals of what stands in the message (400, 411, 413, 415, 422). Refusals that time
may heal are not: with 401, 403, 404, 409, 412, 429 and 5xx, and for a party or EVSE that is not
known yet, the same message is tried anew.

**Errors** are problem details (RFC 9457) with a stable `code`. Some can come from any address:
`malformed_request` (the request itself cannot be used), `method_not_allowed`, `not_found`. With 429
and 503, `Retry-After` says when to try again.

**Lists** come newest first, `?page_size=` at most 1,000, and lead on by `next`. A filter that
cannot be used is refused with its name. Every read carries an `ETag`; `If-None-Match` saves what
you have. Answers that may name a person are `no-store`.

**Limits.** Each platform has an allowance a minute; `RateLimit` says what is left of it.

**Decimals** are JSON numbers or strings, kept exactly as sent. **Times** carry their offset, and
leave in the message as they came; the fields that the clearing house itself puts beside a message
are in UTC. Unknown extra fields are kept and passed on.
"""
