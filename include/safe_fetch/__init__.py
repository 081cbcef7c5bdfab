"""Gets pictures from outside under address, size and time limits. A leaf: imports nothing of ours."""

from include.safe_fetch.addresses import AddressRefusedError, FetchError, RefusingAnswerError
from include.safe_fetch.fetch import fetch

__all__ = ["AddressRefusedError", "FetchError", "RefusingAnswerError", "fetch"]
