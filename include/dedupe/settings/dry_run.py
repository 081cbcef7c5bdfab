"""Whether a run is dry: by the word that it was started with, else as the collection is configured."""

from __future__ import annotations

from include.dedupe.errors import ConfigError

AS_CONFIGURED, YES, NO = "as configured", "yes", "no"
DRY_WORDS = (AS_CONFIGURED, YES, NO)


def is_dry(asked: object, configured: bool) -> bool:
    """Return whether nothing is to be written; ``asked`` is one of ``DRY_WORDS``, true, false or None.

    Raises:
        ConfigError: it is none of them.
    """
    known = {None: configured, AS_CONFIGURED: configured, YES: True, NO: False, True: True, False: False}
    if asked not in known:
        raise ConfigError(f"dry_run: {asked!r} is none of {', '.join(DRY_WORDS)}.")
    return known[asked]
