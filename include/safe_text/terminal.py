"""The one way to a terminal, and to the logs that take what a task prints."""

from __future__ import annotations

import sys

from include.safe_text.shown import shown


def tell(text: object) -> None:
    """Print one line to standard output, as ``shown``."""
    print(shown(text), flush=True)


def complain(text: object) -> None:
    """Print one line to standard error, as ``shown``."""
    print(shown(text), file=sys.stderr)
