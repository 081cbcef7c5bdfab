"""The fields that the sync itself writes into a document."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from include.flow_server.measures import MEASURES, UNREADABLE, measures

if TYPE_CHECKING:
    from include.detector.imaging import Descriptor

DATE = "date_dt"  # the one of them that fields.csv may say; without its cell the picture says it again
INDEXED = "indexed_dt"
FILE_HASH = "file_sha256_s"
HARD_LINK = "hard_link_s"
CAMERA = "exif_camera_s"
OWN_FIELDS = ("filename_s", "folder_s", INDEXED, FILE_HASH, UNREADABLE, HARD_LINK, CAMERA, *MEASURES)


def fields_of_picture(path: str, date: str, camera: str, descriptor: Descriptor) -> dict[str, Any]:
    """What a picture that was analysed says of itself; None takes a field away."""
    pure = PurePosixPath(path)
    return {
        "image": path,
        "filename_s": pure.name,
        "folder_s": pure.parent.as_posix(),
        DATE: date,
        CAMERA: camera or None,
        **measures(descriptor),
    }
