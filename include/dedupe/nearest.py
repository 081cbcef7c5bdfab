"""Nearest: what a person may have meant by a name that nobody knows.

Names that look alike may be written with other code points, such as an accent of its own; so names that
people typed and those that are known are told in ASCII, where the difference shows.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection

TOLD = 3
COMPARED = 50_000
"""So many known names are compared sign by sign at most; which are spelled alike is looked up among all."""


def nearest(name: str, known: Collection[str]) -> list[str]:
    """Return up to three of the known names: those spelled alike first, then those that are close."""
    plain = _plain(name)
    alike = sorted(one for one in known if _plain(one) == plain)
    near = [one for one in known if abs(len(one) - len(name)) <= max(3, len(name) // 4)][:COMPARED]
    close = difflib.get_close_matches(name, near, n=TOLD, cutoff=0.6)
    return list(dict.fromkeys((*alike, *close)))[:TOLD]


def tell_unknown(names: Collection[str], known: Collection[str], most: int = 5) -> str:
    """Return names that are unknown as a list for people, each with the nearest known ones."""
    told = []
    for name in list(names)[:most]:
        meant = " or ".join(ascii(one) for one in nearest(name, known))
        told.append(f"{name!a} (did you mean {meant}?)" if meant else ascii(name))
    left = len(names) - len(told)
    return ", ".join(told) + (f" and {left} more" if left else "")


def _plain(name: str) -> str:
    """Return a name as people read it: composed, without case and without space around it."""
    return unicodedata.normalize("NFKC", name).casefold().strip()
