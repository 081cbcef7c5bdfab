"""GET /images/…: the pictures of the served folder, read-only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from starlette.responses import FileResponse

from include.flow_server.errors import NotFoundError
from include.flow_server.folder.kinds import media_type

if TYPE_CHECKING:
    from include.flow_server.pictures import PictureFolder


def image(pictures: PictureFolder, relative: str) -> FileResponse:
    """One file of the folder; never rendered as a page, whatever it holds."""
    file = pictures.path(relative)
    if not os.access(file, os.R_OK):
        raise NotFoundError(f"the picture '{relative}' cannot be opened")
    headers = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"}
    return FileResponse(file, media_type=media_type(file), headers=headers)
