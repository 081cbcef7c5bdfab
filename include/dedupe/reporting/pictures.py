"""Pictures for the report: fetched within limits, made small, and put into the page itself.

So the page needs no server when it is read, and a picture that cannot be had says why instead.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from PIL import Image, ImageOps

from include.safe_fetch import AddressRefusedError, FetchError, RefusingAnswerError, fetch

WIDTH, HEIGHT = 336, 252
MAX_BYTES = 50_000_000
MAX_PIXELS = 200_000_000
SECONDS = 20.0
AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A small picture as a data URI, or the problem why there is none."""

    data_uri: str | None = None
    problem: str = ""


class UnreachableError(OSError):
    """Nothing at the address answers us, or we may not ask: that says nothing of the picture."""


class PictureSource(Protocol):
    def thumbnails(self, addresses: Iterable[str]) -> Mapping[str, Thumbnail]:
        """Return a thumbnail, or what is wrong, for each address."""


class WebPictures:
    """Pictures at http and https addresses; in private networks only of ``trusted`` and ``allow_hosts``."""

    def __init__(self, trusted: str, allow_hosts: Sequence[str]) -> None:
        self._allow_hosts = [*allow_hosts, urlsplit(trusted).netloc.rpartition("@")[2]]

    def thumbnails(self, addresses: Iterable[str]) -> Mapping[str, Thumbnail]:
        wanted = list(dict.fromkeys(addresses))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return dict(zip(wanted, pool.map(self._thumbnail, wanted), strict=True))

    def _thumbnail(self, address: str) -> Thumbnail:
        if not address:
            return Thumbnail(problem="the document has no address of a picture")
        try:
            data = picture_bytes(address, self._allow_hosts)
            return Thumbnail(f"data:image/jpeg;base64,{base64.b64encode(shrink(data)).decode()}")
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            return Thumbnail(problem=str(error) or type(error).__name__)


def picture_bytes(address: str, allow_hosts: Sequence[str]) -> bytes:
    """Return the bytes of the picture at an address, fetched within the same limits.

    Raises:
        UnreachableError: nobody answers there, or we may not ask.
        OSError: it cannot be had.
    """
    try:
        return fetch(address, max_bytes=MAX_BYTES, seconds=SECONDS, allow_hosts=allow_hosts)
    except AddressRefusedError as error:
        raise UnreachableError(
            f"{address} cannot be fetched: {error}. Allow it in the settings: "
            f'report.allow_hosts: ["{error.host}"].'
        ) from error
    except RefusingAnswerError as error:
        raise OSError(f"{address} cannot be fetched: {error}") from error
    except FetchError as error:
        raise UnreachableError(f"{address} cannot be fetched: {error}") from error


def shrink(data: bytes) -> bytes:
    """Return a picture, upright, as a JPEG of at most ``WIDTH`` by ``HEIGHT`` pixels.

    Raises:
        OSError: it is no picture that can be read.
        ValueError: it has more than ``MAX_PIXELS``.
    """
    with Image.open(io.BytesIO(data)) as picture:
        if picture.width * picture.height > MAX_PIXELS:
            raise ValueError(f"{picture.width} x {picture.height} pixels are too many for a thumbnail")
        picture.draft("RGB", (WIDTH, HEIGHT))
        upright = ImageOps.exif_transpose(picture).convert("RGBA")
        upright.thumbnail((WIDTH, HEIGHT))
        paper = Image.new("RGBA", upright.size, "white")
        paper.alpha_composite(upright)
        jpeg = io.BytesIO()
        paper.convert("RGB").save(jpeg, "JPEG", quality=80)
    return jpeg.getvalue()
