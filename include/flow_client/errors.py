"""What can go wrong between us and Flow: one family, to be caught as a whole or by kind."""

from __future__ import annotations

from include.safe_text import shown


class FlowError(Exception):
    """Anything that went wrong in talking to Flow. The message says what, where and what to do.

    `retryable` tells whether the same call may succeed later without anyone changing anything. What Flow said
    may be among the words: they are shown escaped, as they end in terminals and logs.
    """

    retryable = False

    def __str__(self) -> str:
        return shown(super().__str__())


class FlowAddressError(FlowError, ValueError):
    """The address is not one that could belong to a Flow, or a file that it names cannot be used."""


class FlowUnavailableError(FlowError):
    """Flow could not be reached, took too long, or was too busy to answer.

    `retry_after_s` is what Flow asked for, in seconds. `was_sent` is False if Flow cannot have seen the
    request.
    """

    retryable = True

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        retry_after_s: float | None = None,
        was_sent: bool = True,
        timed_out: bool = False,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after_s = retry_after_s
        self.was_sent = was_sent
        self.timed_out = timed_out


class FlowRequestError(FlowError):
    """Flow understood the request and refuses it, now and later: `status` and `flow_message` are Flow's."""

    def __init__(self, message: str, *, status: int = 400, flow_message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.flow_message = flow_message


class FlowAuthError(FlowError):
    """Flow does not trust us (login, token, rights), or we do not trust its certificate."""


class FlowResponseError(FlowError):
    """The answer cannot be relied upon: cut, not JSON, malformed or partial. Never the same as empty.

    `is_cut`: its end is missing, so that Flow may well give a whole one at once.
    """

    retryable = True

    def __init__(self, message: str, *, is_cut: bool = False) -> None:
        super().__init__(message)
        self.is_cut = is_cut
