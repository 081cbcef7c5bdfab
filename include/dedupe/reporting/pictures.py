"""Pictures for the report: fetched within limits, made small, and put into the page itself.

So the page needs no server when it is read, and a picture that cannot be had says why instead.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from include.dedupe.flow import Origin
from include.safe_fetch import AddressRefusedError, FetchError, RefusingAnswerError, fetch
from include.safe_picture import PreviewMaker, UnreadableImageError, read_format, read_size
from include.safe_text import without_secrets

WIDTH, HEIGHT = 336, 252
MAX_BYTES = 50_000_000
SECONDS = 20.0
AT_ONCE = 8
SERVED = "images/"  # below it the embedded server serves pictures


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture as a data URI, or the problem why there is none; ``is_first`` of several frames.

    ``about``: format, pixels and bytes of the picture itself, in words.
    """

    data_uri: str | None = None
    problem: str = ""
    is_first: bool = False
    about: str = ""


class UnreachableError(OSError):
    """Nothing at the address answers us, or we may not ask: that says nothing of the picture."""


def may_pass(error: OSError) -> bool:
    """Tell whether ``picture_bytes`` failed for a cause that may pass by itself, such as a busy server."""
    return isinstance(error.__cause__, FetchError) and error.__cause__.retryable


class PictureSource(Protocol):
    def thumbnails(self, addresses: Iterable[str]) -> Mapping[str, Thumbnail]:
        """Return a thumbnail, or what is wrong, for each address."""


class CountedPictures:
    """Counts, of the pictures of another source, those that cannot be shown."""

    def __init__(self, source: PictureSource) -> None:
        self._source = source
        self._found: dict[str, Thumbnail] = {}

    def thumbnails(self, addresses: Iterable[str]) -> Mapping[str, Thumbnail]:
        found = self._source.thumbnails(addresses)
        self._found |= found
        return found

    def counts(self) -> dict[str, Any]:
        """Return how many pictures there are, how many are missing, and the problem of the first of these."""
        problems = [one.problem for one in self._found.values() if one.data_uri is None]
        return {"count": len(self._found), "missing": len(problems), "problem": (problems or [""])[0]}


class WebPictures:
    """Pictures at http and https addresses, as ``picture_bytes`` may fetch them.

    ``trusted`` is Flow's address; what lets us in there comes with an ``Origin``.
    """

    def __init__(self, trusted: str | Origin, allow_hosts: Sequence[str]) -> None:
        self._flow = Origin(trusted) if isinstance(trusted, str) else trusted
        self._allow_hosts = allow_hosts

    def thumbnails(self, addresses: Iterable[str]) -> Mapping[str, Thumbnail]:
        wanted = list(dict.fromkeys(addresses))
        with PreviewMaker() as maker, ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(wanted, pool.map(lambda one: self._thumbnail(one, maker), wanted), strict=True))

    def _thumbnail(self, address: str, maker: PreviewMaker) -> Thumbnail:
        if not address:
            return Thumbnail(problem="the document has no address of a picture")
        try:
            data = picture_bytes(address, self._allow_hosts, self._flow)
            made = maker.preview(data, WIDTH, HEIGHT)
        except OSError as error:
            return Thumbnail(problem=str(error))
        except UnreadableImageError as error:
            return Thumbnail(problem=f"{without_secrets(address)} cannot be shown: {error}")
        uri = f"data:image/jpeg;base64,{base64.b64encode(made.jpeg).decode()}"
        return Thumbnail(uri, "", made.is_first, about(data))


def about(data: bytes) -> str:
    """Return format, pixels and bytes of a picture in words; ``UnreadableImageError`` if it is none."""
    width, height = read_size(data)
    return f"{read_format(data)}, {width} x {height}, {len(data):,} bytes"


def picture_bytes(
    address: str,
    allow_hosts: Sequence[str],
    flow: Origin,
    max_bytes: int = MAX_BYTES,
    headers: Mapping[str, str] | None = None,
) -> bytes:
    """Return the bytes of the picture at an address that a document names.

    Private hosts are asked only where ``allow_hosts`` names them, and Flow itself only for what lies below
    ``/images/`` and the folders of ``allow_hosts``; it is asked as its connection says. ``headers`` are sent
    to the origin of the address alone.

    Raises:
        UnreachableError: nobody answers there, or we may not ask.
        OSError: it cannot be had.
    """
    own, is_flows = flow.host, flow.is_of(address)
    allowed = [*allow_hosts, *(f"{scheme}://{own}/{SERVED}" for scheme in ("http", "https"))]
    try:
        return fetch(
            address,
            max_bytes=max_bytes,
            seconds=SECONDS,
            allow_hosts=allowed,
            guarded=own,
            headers={**(flow.headers if is_flows else {}), **(headers or {})},
            tls=flow.tls if is_flows else None,
        )
    except AddressRefusedError as error:
        entry = error.host or f"http://{own}/pictures/"
        raise UnreachableError(
            f"{without_secrets(address)} cannot be fetched: {error}. Allow it in the settings: "
            f'report.allow_hosts: ["{entry}"].'
        ) from error
    except RefusingAnswerError as error:
        raise OSError(f"{without_secrets(address)} cannot be fetched: {error}") from error
    except FetchError as error:
        raise UnreachableError(f"{without_secrets(address)} cannot be fetched: {error}") from error
