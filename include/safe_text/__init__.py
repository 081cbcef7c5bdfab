"""Makes text from outside fit to be shown: a leaf that knows nothing of Flow, policies or pictures."""

from __future__ import annotations

from include.safe_text.addresses import without_login, without_secrets
from include.safe_text.shown import shown
from include.safe_text.terminal import complain, run_until_unread, tell

__all__ = ["complain", "run_until_unread", "shown", "tell", "without_login", "without_secrets"]
