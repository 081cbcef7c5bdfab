"""Addresses in messages: without what stands in them to prove who asks."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.-]*):/+")
_HOST = re.compile(r"(?:[\w.\-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]*)?")


def without_secrets(address: str) -> str:
    """Return a picture's address as messages may show it: without login, query and fragment.

    An ``@`` in the path stays, for so are pictures named; where the host is none, see ``without_login``.
    """
    try:
        parts = urlsplit(address)
        is_host = bool(_HOST.fullmatch(parts.netloc.rpartition("@")[2])) and parts.port != 0
    except ValueError:
        is_host = False
    if not is_host:
        return without_login(address)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def without_login(address: str) -> str:
    """Return an address without login, query and fragment, also one that was written wrongly.

    Everything up to the last ``@`` may be a password with a slash, ``?`` or ``#`` in it. What is left in
    front of the path is shown only if it can be nothing but a host, as a port can be none of letters.
    """
    scheme = _SCHEME.match(address)
    start = f"{scheme[1]}://" if scheme else ""
    rest = address[scheme.end() :] if scheme else address
    rest = re.split(r"[?#]", rest.rpartition("@")[2], maxsplit=1)[0].strip()
    host, slash, path = rest.partition("/")
    if not _HOST.fullmatch(host):
        return f"{start}…"
    return f"{start}{host}{slash}{path}"
