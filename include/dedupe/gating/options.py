"""What an answer to the question of the gate may say."""

from __future__ import annotations

LET_IN, REJECT, HOLD = "Let in", "Reject", "Hold"
"""What may be chosen for the documents that are not named."""
NAMED = ("let_in", "reject", "link")
"""Under these names an answer names documents, in the order of ``Said``."""
