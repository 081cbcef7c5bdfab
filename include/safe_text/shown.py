"""Text for a terminal or a log: what steers either of them, or hides in it, is written as its escape.

An id may hold anything: colours and cursor movements, line breaks that forge a line of a log, marks that turn
the direction of writing. Letters of all scripts stay as they are.
"""

from __future__ import annotations


def shown(text: object) -> str:
    r"""Return ``text`` on one line with all that cannot be printed escaped, such as ``\x1b`` and ``\u202e``.

    A backslash of the text stays one, so that what is shown is not always what can be read back.
    """
    return "".join(one if one.isprintable() else _escaped(one) for one in str(text))


def _escaped(one: str) -> str:
    return one.encode("unicode_escape").decode("ascii")
