"""What a platform takes: the paths below its roaming endpoint to which the clearing house sends.

At its registration (UC1-1) a platform may say which of them it takes; the others are not sent to
it. What is stored can be read from the clearing house all the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from roaming.domain.dispute_notice import DISPUTES_PATH
from roaming.domain.use_case import UseCase

HANDSHAKE_PATH = "uc1-1/handshake"


@dataclass(frozen=True, slots=True)
class ReceivedPath:
    """One path: of which use case (None: beside them), and for platforms of which role."""

    path: str
    use_case: UseCase | None
    receiver: Literal["CSO", "CSP", "both"]


RECEIVED_PATHS = (
    ReceivedPath(HANDSHAKE_PATH, UseCase.UC1_1, "both"),
    ReceivedPath("uc1-2/sites", UseCase.UC1_2, "CSP"),
    ReceivedPath("uc1-3/evse-statuses", UseCase.UC1_3, "CSP"),
    ReceivedPath("uc2-1/tariffs", UseCase.UC2_1, "CSP"),
    ReceivedPath("uc2-2/tariff-request", UseCase.UC2_2, "CSO"),
    ReceivedPath("uc3-1/local-start", UseCase.UC3_1, "CSP"),
    ReceivedPath("uc3-2/remote-start", UseCase.UC3_2, "CSO"),
    ReceivedPath("uc3-2/result", UseCase.UC3_2, "CSP"),
    ReceivedPath("uc3-3/plug-and-charge-start", UseCase.UC3_3, "CSP"),
    ReceivedPath("uc3-4/stop", UseCase.UC3_4, "CSO"),
    ReceivedPath("uc3-4/result", UseCase.UC3_4, "CSP"),
    ReceivedPath("uc3-5/completion", UseCase.UC3_5, "CSP"),
    ReceivedPath("uc3-6/charging-information", UseCase.UC3_6, "CSP"),
    ReceivedPath("uc3-6/request", UseCase.UC3_6, "CSO"),
    ReceivedPath("uc3-7/charge-plan-wishes", UseCase.UC3_7, "CSO"),
    ReceivedPath("uc3-8/reservation", UseCase.UC3_8, "CSO"),
    ReceivedPath("uc3-8/cancellation", UseCase.UC3_8, "CSO"),
    ReceivedPath("uc3-8/result", UseCase.UC3_8, "CSP"),
    ReceivedPath("uc3-8/outcome", UseCase.UC3_8, "both"),
    ReceivedPath("uc3-9/sdrs", UseCase.UC3_9, "CSP"),
    ReceivedPath("uc3-10/charge-plan", UseCase.UC3_10, "CSP"),
    ReceivedPath("uc4-1/authorisation", UseCase.UC4_1, "CSP"),
    ReceivedPath("uc4-1/withdrawal", UseCase.UC4_1, "CSP"),
    ReceivedPath("uc4-2/identifications", UseCase.UC4_2, "CSO"),
    ReceivedPath("uc5-1/outages", UseCase.UC5_1, "CSP"),
    ReceivedPath("uc5-2/unlock", UseCase.UC5_2, "CSO"),
    ReceivedPath("uc5-2/result", UseCase.UC5_2, "CSP"),
    ReceivedPath("uc5-3/unlock", UseCase.UC5_3, "CSO"),
    ReceivedPath("uc5-3/result", UseCase.UC5_3, "CSP"),
    ReceivedPath("agreements/notice", None, "both"),
    ReceivedPath(DISPUTES_PATH, None, "both"),
)
_KNOWN = frozenset(received.path for received in RECEIVED_PATHS)
# Of use cases that start new business, what only ends or follows up something that runs.
_FOLLOWS_UP = {
    "uc3-2/result", "uc3-8/cancellation", "uc3-8/result", "uc3-8/outcome", "uc4-1/withdrawal",
}  # fmt: skip
_NEW_BUSINESS = frozenset(
    received.path
    for received in RECEIVED_PATHS
    if received.use_case and received.use_case.new_business and received.path not in _FOLLOWS_UP
)


def takes(paths: Sequence[str], path: str) -> bool:
    """Whether a platform that named `paths` takes `path`; who named none takes everything.

    >>> takes([], "uc1-2/sites"), takes(["uc3-9/sdrs"], "uc1-2/sites")
    (True, False)
    """
    return not paths or path in paths or path == HANDSHAKE_PATH


def unknown_path(paths: Iterable[str]) -> str | None:
    """The first of `paths` to which nothing is ever sent: a slip of the pen. None: all are fine.

    >>> unknown_path(["uc1-2/sites", "uc1-2/site"])
    'uc1-2/site'
    """
    return next((path for path in paths if path not in _KNOWN), None)


def starts_business(path: str) -> bool:
    """Whether a message to this path starts something new, which a suspended platform is spared.

    >>> starts_business("uc3-8/reservation"), starts_business("uc3-8/cancellation")
    (True, False)
    """
    return path in _NEW_BUSINESS
