"""Network addresses at which a partner's platform may be: public ones (IEC 63119-2, 5.4.1).

Whoever registers a roaming endpoint chooses where the clearing house connects to. An address inside
its own network, or one that wraps such an address, would make the clearing house knock there.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_GLOBAL_UNICAST = ip_network("2000::/3")
# Public in Python's tables, yet no partner's: relays that lead elsewhere, a cloud's own services.
_NEVER = tuple(
    ip_network(text)
    for text in (
        "192.0.0.0/24",  # protocol assignments; a cloud's metadata at .192
        "192.88.99.0/24",  # 6to4 relays
        "168.63.129.16/32",  # Azure's metadata and agents
        "2001::/32",  # Teredo wraps an IPv4 address
        "2002::/16",  # 6to4 wraps an IPv4 address
        "2001:20::/28",  # ORCHID: no locators
        "3fff::/20",  # documentation
    )
)


def read_address(text: str) -> Address | None:
    """The address that the text is, or None where it is a name.

    >>> read_address("192.0.2.1"), read_address("hub.example")
    (IPv4Address('192.0.2.1'), None)
    """
    try:
        return ip_address(text)
    except ValueError:
        return None


def may_be_called(address: Address, also: Sequence[Network] = ()) -> bool:
    """Whether a partner's platform may be at this address: a public one, or one of `also`.

    Neither private, loopback, link-local, multicast, reserved nor metadata addresses, nor IPv6
    forms that wrap an IPv4 address (mapped, compatible, 6to4, Teredo, NAT64).

    >>> [may_be_called(ip_address(text)) for text in ("9.9.9.9", "10.0.0.1", "::ffff:9.9.9.9")]
    [True, False, False]
    >>> may_be_called(ip_address("10.0.0.1"), [ip_network("10.0.0.0/24")])
    True
    """
    if any(address in network for network in also if network.version == address.version):
        return True
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return not any(address in net for net in _NEVER if net.version == address.version)
