"""The folder of pictures that the server serves below /images/: read-only, and nothing outside it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import SplitResult, quote, unquote, urlsplit

from include.flow_server.errors import BadRequestError, NotFoundError

ROUTE = "/images/"
OwnFile = Callable[[str], Path | None]
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class PictureFolder:
    """`root` None: no folder is served, and no relative path can be read."""

    root: Path | None

    def path(self, relative: str) -> Path:
        """The file behind a relative path with forward slashes; 404 where there is none inside the folder."""
        if self.root is None:
            raise BadRequestError(
                f"'{relative}' is a relative path, but no folder of pictures is served (--images)"
            )
        if PurePosixPath(relative).is_absolute() or "\0" in relative:
            raise NotFoundError(f"no picture '{relative}' in the served folder")
        root = self.root.resolve()
        try:
            file = Path(os.path.realpath(root / relative, strict=True))
        except OSError:
            raise NotFoundError(f"no picture '{relative}' in the served folder") from None
        if not file.is_relative_to(root) or not file.is_file():
            raise NotFoundError(f"no picture '{relative}' in the served folder")
        return file

    def own_path(self, image: str, host: str) -> str | None:
        """The relative path that `image` names: itself a path, or an address that this server gave out.

        `host` is how the client called this server. An address of this machine, but of another port, may be
        another server's: see `former_path`.
        """
        if not image or image.startswith("data:"):
            return None
        parts = _split(image)
        if parts is None:
            return None
        if not parts.netloc and (not parts.scheme or self._holds(image)):
            return image
        same_port = parts.hostname in _LOOPBACK and parts.netloc.rpartition(":")[2] == host.rpartition(":")[2]
        return self._below_route(parts) if parts.netloc == host or same_port else None

    def own_file(self, image: str, host: str) -> Path | None:
        """The file behind `image` where it is an address of this server; None for every other address."""
        own = self.own_path(image, host)
        return self.path(own) if own is not None and own != image else None

    def former_path(self, image: str, byte_size: int) -> str | None:
        """The path in an address that this server gave out at another port, if the file is still the same."""
        parts = _split(image)
        if parts is None or parts.hostname not in _LOOPBACK:
            return None
        relative = self._below_route(parts)
        try:
            same = relative is not None and self.path(relative).stat().st_size == byte_size
        except NotFoundError:
            return None
        return relative if same else None

    def _holds(self, relative: str) -> bool:
        """Whether there is such a file: its name may look like the beginning of an address (`scan:1.jpg`)."""
        try:
            return self.root is not None and self.path(relative).is_file()
        except NotFoundError:
            return False

    def _below_route(self, parts: SplitResult) -> str | None:
        served = self.root is not None and parts.scheme in ("http", "https")
        return unquote(parts.path.removeprefix(ROUTE)) if served and parts.path.startswith(ROUTE) else None


def host_of(image: str) -> str:
    """The host that an `image` is downloaded from, blank for a path, for data and for what is no address."""
    parts = None if image.startswith("data:") else _split(image)
    return (parts.hostname or "") if parts else ""


def _split(image: str) -> SplitResult | None:
    try:
        return urlsplit(image)
    except ValueError:
        return None


def picture_address(base: str, relative: str) -> str:
    """The address of a picture, for a client that called the server `base` (scheme and host)."""
    return f"{base}{ROUTE}{quote(relative)}"
