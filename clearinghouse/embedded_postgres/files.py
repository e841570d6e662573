"""Files beside the cluster: private, no links followed, left to whom their directory belongs."""

from __future__ import annotations

import os


def open_private(path: str | os.PathLike[str], flags: int) -> int:
    """A descriptor of the file, made with mode 0600 if it is missing.

    Root leaves what it makes to the owner of the directory, who could not open it otherwise. The
    signature is that of an `opener` of the builtin open.
    """
    descriptor = os.open(path, flags | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    owner = os.stat(os.path.dirname(path))
    if os.geteuid() == 0 and os.fstat(descriptor).st_uid != owner.st_uid:
        os.fchown(descriptor, owner.st_uid, owner.st_gid)
    return descriptor
