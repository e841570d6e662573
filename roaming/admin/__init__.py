"""Staff's pages of the switch, a module per menu group: Operators, Agreements, Network, Traffic."""

from roaming.admin import (
    agreements,
    bank_accounts,
    network,
    operators,
    outages,
    platforms,
    traffic,
)

__all__ = ["agreements", "bank_accounts", "network", "operators", "outages", "platforms", "traffic"]
