"""Messages of the cast, as the documentation of agreements and partners shows them."""

AGREEMENT = {
    "id": 12,
    "environment": "live",
    "status": "proposed",
    "visited_cso": {"name": "Visited CSO", "legal_name": "Visited CSO GmbH", "country": "DE",
                    "identifiers": ["DE*VIS"]},
    "home_csp": {"name": "Home CSP", "legal_name": "Home CSP AG", "country": "DE",
                 "identifiers": ["DE-HOM"]},
    "services": ["local_start", "remote_start", "reservation"],
    "valid_from": "2026-11-01T00:00:00Z",
    "valid_to": None,
    "replaces": None,
    "currency": "EUR",
    "rounding": "HALF_UP",
    "collection_mode": "direct",
    "netting": "bilateral",
    "calendar": {"name": "Monthly, Berlin", "cycle": "monthly", "time_zone": "Europe/Berlin",
                 "cut_off_hours": 120, "objection_hours": 48},
    "tolerance_energy_kwh": "0.01",
    "tolerance_energy_share": "0.005",
    "tolerance_time_s": 60,
    "tolerance_money": "0.01",
    "tolerance_money_share": "0",
    "sdr_window_hours": 168,
    "decision_window_hours": 72,
    "silence": "accepts",
    "tariff_notice_hours": 24,
    "offline_liability": "home_csp",
    "requires_csp_record": False,
    "requires_signed_meter_data": False,
    "acceptances": [{"party": "CSO", "how": "api", "at": "2026-10-05T08:00:00Z"}],
    "suspended_since": None,
}  # fmt: skip
ACCEPTANCE = {"home_csp": "DE-HOM"}
ACCEPTED = {"agreement_id": 12, "status": "active", "party": "CSP"}
PARTNER = {
    "identifier": "DE-HOM",
    "role": "CSP",
    "operator": "Home CSP",
    "agreements": [
        {"id": 12, "status": "active", "valid_from": "2026-11-01T00:00:00Z", "valid_to": None}
    ],
    "connection": "connected",
    "since": "2026-10-05T08:00:00Z",
}
