"""The end of a service session as the visited-CSO reports it (UC3-5)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec


class CompletionMessage(msgspec.Struct, kw_only=True, frozen=True):
    """UC3-5, native form. Energy in kWh; times with their offset. The SDR follows (UC3-9)."""

    start_date_time: datetime
    end_date_time: datetime
    total_energy: Decimal
    cso_session_id: str | None = None
