"""What the native interface offers for each use case, read from its own list of addresses (UC1-1).

The name of an address begins with its use case (`uc3-9-sdrs`), so that nothing is written twice.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from importlib import import_module

import msgspec

from roaming.domain.handshake import VERSION
from roaming.domain.receiving import RECEIVED_PATHS
from roaming.domain.use_case import UseCase

ROOT = "/api/v1"
_METHODS = ("get", "put", "patch", "post", "delete")
_NAME = re.compile(r"uc(\d)-(\d+)-")
_PART = re.compile(r"<(?:\w+:)?(\w+)>")


class NativeAddress(msgspec.Struct, kw_only=True, frozen=True):
    """An address here, to which a platform sends."""

    method: str
    address: str


class PlatformPath(msgspec.Struct, kw_only=True, frozen=True):
    """A path below a roaming endpoint, to which the clearing house sends; for whom it is."""

    path: str
    receiver: str


class UseCaseInterface(msgspec.Struct, kw_only=True, frozen=True):
    """One use case of IEC 63119-2 in both directions."""

    use_case: str
    title: str
    native: list[NativeAddress]
    platform_paths: list[PlatformPath]


class Version(msgspec.Struct, kw_only=True, frozen=True):
    """A version, where it begins, and what it offers. `other_paths` belong to no use case."""

    version: str
    address: str
    use_cases: list[UseCaseInterface]
    other_paths: list[PlatformPath]


@cache
def spoken_versions() -> list[Version]:
    """All versions; each use case with what there is for it."""
    native = _native()
    use_cases = [
        UseCaseInterface(
            use_case=use_case.code,
            title=use_case.title,
            native=native[use_case.code],
            platform_paths=_paths(use_case),
        )
        for use_case in UseCase
    ]
    return [Version(version=VERSION, address=ROOT, use_cases=use_cases, other_paths=_paths(None))]


def _paths(use_case: UseCase | None) -> list[PlatformPath]:
    return [
        PlatformPath(path=received.path, receiver=received.receiver)
        for received in RECEIVED_PATHS
        if received.use_case is use_case
    ]


def _native() -> defaultdict[str, list[NativeAddress]]:
    found: defaultdict[str, list[NativeAddress]] = defaultdict(list)
    for pattern in import_module("roaming.api.urls").urlpatterns:
        named = _NAME.match(pattern.name or "")
        if named:
            view = pattern.callback.view_class
            address = _PART.sub(r"{\1}", f"{ROOT}/{pattern.pattern}")
            found[f"UC{named[1]}-{named[2]}"] += [
                NativeAddress(method=method.upper(), address=address)
                for method in _METHODS
                if hasattr(view, method)
            ]
    return found
