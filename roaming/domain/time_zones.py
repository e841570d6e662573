"""Which names are time zones: those of the tz database, and nothing else that a machine would open.

`ZoneInfo` reads whatever lies in the machine's folder of zones: `localtime`, `posixrules` and the
copies under `right/` mean another zone, or other seconds, on every machine. The list comes with
the `tzdata` package, so that every machine knows the same names.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from zoneinfo import ZoneInfo

# Of the database, but a placeholder of machines that were not set up yet.
_NO_ZONE = frozenset({"Factory"})


@cache
def zone_names() -> frozenset[str]:
    """Every name of a zone, links such as `US/Eastern` included."""
    listed = resources.files("tzdata").joinpath("zones").read_text(encoding="ascii").split()
    return frozenset(listed) - _NO_ZONE


def find_zone(name: str) -> ZoneInfo | None:
    """The zone of this name, None where there is none.

    >>> find_zone("Europe/Berlin")
    zoneinfo.ZoneInfo(key='Europe/Berlin')
    >>> [find_zone(name) for name in ("localtime", "right/UTC", "europe/berlin", "")]
    [None, None, None, None]
    """
    return _zone(name) if name in zone_names() else None


_zone = cache(ZoneInfo)
