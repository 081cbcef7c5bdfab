"""Exchange: two names change places in one step, so that what was under either is still there."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

_HERE = -100  # AT_FDCWD
_EXCHANGE = 2  # RENAME_EXCHANGE
_UNABLE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)


def exchange(one: Path, other: Path) -> bool:
    """Let two paths change places; return False where the system or the file system cannot.

    Raises:
        OSError: one of them is not there, or its folder must not be written.
    """
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), ctypes.c_uint(_EXCHANGE)) == 0:
        return True
    failure = ctypes.get_errno()
    if failure in _UNABLE:
        return False
    raise OSError(failure, os.strerror(failure), str(one), None, str(other))
