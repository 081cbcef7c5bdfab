"""GET /images/…: the pictures of the served folder, read-only."""

from __future__ import annotations

import mimetypes
from typing import TYPE_CHECKING

from starlette.responses import FileResponse

if TYPE_CHECKING:
    from include.flow_server.pictures import PictureFolder


def image(pictures: PictureFolder, relative: str) -> FileResponse:
    """One file of the folder; never rendered as a page, whatever it holds."""
    file = pictures.path(relative)
    kind = mimetypes.guess_type(file.name)[0] or ""
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}
    return FileResponse(
        file, media_type=kind if kind.startswith("image/") else "application/octet-stream", headers=headers
    )
