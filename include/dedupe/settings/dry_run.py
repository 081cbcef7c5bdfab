"""Whether a run is dry: by the word that it was started with, else as the collection is configured."""

from __future__ import annotations

import json

from include.dedupe.errors import ConfigError

AS_CONFIGURED, YES, NO = "as configured", "yes", "no"
DRY_WORDS = (AS_CONFIGURED, YES, NO)


def is_dry(asked: object, configured: bool) -> bool:
    """Return whether nothing is to be written; ``asked`` is one of ``DRY_WORDS`` or None.

    Raises:
        ConfigError: it is none of them, such as true or false.
    """
    known = {None: configured, AS_CONFIGURED: configured, YES: True, NO: False}
    if isinstance(asked, str | None) and asked in known:
        return known[asked]
    meant = f'; write "{YES if asked else NO}"' if isinstance(asked, bool) else ""
    raise ConfigError(f"dry_run: {json.dumps(asked)} is none of {', '.join(DRY_WORDS)}{meant}.")
