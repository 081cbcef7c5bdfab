"""Whether an answer is a success: Flow's JSON, or the error that says why it is none."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from include.flow_client.errors import (
    FlowAuthError,
    FlowError,
    FlowRequestError,
    FlowResponseError,
    FlowUnavailableError,
)

MESSAGE_CHARS = 600
_BETWEEN_NODES = re.compile(
    r"Error from server at \S+ (?:parsing error|Expected mime type)"
    r"|(?:Server refused connection at|IOException occurred when talking to server at)"
    r"|No live SolrServers available|no servers hosting shard"
)
"""What a node of a SolrCloud says of another one that goes or is gone; with any status, 400 and 404 too."""


def decode(status: int, body: bytes, what: str) -> dict[str, Any]:
    """The JSON object of an answer that Flow itself calls a success.

    Args:
        status: the HTTP status.
        body: the whole body.
        what: the call and the collection, for error messages.

    Raises:
        FlowError: the kind that fits the status; FlowResponseError for anything that is not Flow's JSON.
    """
    answer = _parse(body)
    if status != 200 or not isinstance(answer, dict) or "error" in answer:
        raise refused(status, body, answer, what)
    header = answer.get("responseHeader")
    if not isinstance(header, dict):
        if header is not None:
            raise malformed(what, "responseHeader is no object")
        return answer
    if header.get("status", 0) != 0:
        raise refused(status, body, answer, what)
    if header.get("partialResults"):
        raise FlowResponseError(
            f"{what}: the answer is marked partialResults, some hits are missing. Ask again later."
        )
    return answer


def _parse(body: bytes) -> Any:
    """The JSON value in `body`, None if it is none; msgspec is quick, but refuses lone surrogates."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError):
        try:
            return json.loads(body)
        except ValueError:
            return None


def refused(status: int, body: bytes, answer: Any, what: str) -> FlowError:
    """The error for an answer that is no success."""
    error = answer.get("error") if isinstance(answer, dict) else None
    told = error.get("msg") or error.get("trace") if isinstance(error, dict) else error
    flow_message = _clipped(str(told)) if told else ""
    if status == 200:
        code = error.get("code") if isinstance(error, dict) else None
        if error is None and not (isinstance(answer, dict) and "responseHeader" in answer):
            start = _clipped(body[:80].decode("utf-8", "replace"))
            return FlowResponseError(
                f"{what}: the answer is not JSON of Flow (it begins {start!r}). Is a proxy in between?",
                is_cut=answer is None and body.lstrip()[:1] in (b"", b"{"),
            )
        status = code if isinstance(code, int) and code >= 400 else 500
    return by_status(status, flow_message, what)


def by_status(status: int, flow_message: str, what: str) -> FlowError:
    """The error for an HTTP status and what Flow said with it."""
    said = f": {flow_message}" if flow_message else ""
    if status in {401, 403, 407}:
        return FlowAuthError(f"{what}: not let in (HTTP {status}){said}. Check login, token and rights.")
    if status in {429, 502, 503, 504}:
        return FlowUnavailableError(
            f"{what}: not available (HTTP {status}){said}. Try again later.",
            status=status,
            timed_out=status == 504,
        )
    if _BETWEEN_NODES.search(flow_message):
        return FlowUnavailableError(
            f"{what}: one of its nodes does not answer another (HTTP {status}){said}. Try again later."
        )
    if status == 404:
        hint = "Check the URL and the name of the collection, and that it has this handler."
    elif 300 <= status < 400:
        hint = "Redirects are not followed: give the address that it leads to."
    elif status == 409:
        hint = "The document is no longer as it was read: read it again."
    elif status in {413, 414, 431}:
        hint = "The request is too large for the server or a proxy: send less at once."
    else:
        hint = "The request would fail again: correct it."
    return FlowRequestError(
        f"{what}: refused (HTTP {status}){said}. {hint}", status=status, flow_message=flow_message
    )


def malformed(what: str, why: str) -> FlowResponseError:
    """The error for JSON that is not what Flow returns for this call."""
    return FlowResponseError(
        f"{what}: the answer is malformed, {why}. Check that the address is that of a Flow."
    )


def _clipped(text: str) -> str:
    return text if len(text) <= MESSAGE_CHARS else f"{text[:MESSAGE_CHARS]}… ({len(text)} characters)"
