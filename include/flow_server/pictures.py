"""The folder of pictures that the server serves below /images/: read-only, and nothing outside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urlsplit

from include.flow_server.errors import BadRequestError, NotFoundError

ROUTE = "/images/"
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
        if PurePosixPath(relative).is_absolute() or "\\" in relative or "\0" in relative:
            raise NotFoundError(f"no picture '{relative}' in the served folder")
        root = self.root.resolve()
        file = (root / relative).resolve()
        if not file.is_relative_to(root) or not file.is_file():
            raise NotFoundError(f"no picture '{relative}' in the served folder")
        return file

    def own_path(self, image: str, host: str) -> str | None:
        """The relative path that `image` names: itself a path, or an address that this server gave out."""
        if not image or image.startswith("data:"):
            return None
        try:
            parts = urlsplit(image)
        except ValueError:
            return None
        if not parts.scheme and not parts.netloc:
            return image
        ours = parts.netloc == host or parts.hostname in _LOOPBACK
        if (
            parts.scheme in ("http", "https")
            and ours
            and parts.path.startswith(ROUTE)
            and self.root is not None
        ):
            return unquote(parts.path.removeprefix(ROUTE))
        return None


def picture_address(base: str, relative: str) -> str:
    """The address of a picture, for a client that called the server `base` (scheme and host)."""
    return f"{base}{ROUTE}{quote(relative)}"
