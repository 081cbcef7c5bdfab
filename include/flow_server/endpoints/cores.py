"""What the server says of itself and of a collection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from include.detector.comparing.score import detector_version
from include.detector.imaging import DESCRIPTOR_VERSION
from include.flow_server.endpoints.answers import header
from include.flow_server.last_sync import read_last_sync

if TYPE_CHECKING:
    from collections.abc import Iterable

    from include.flow_server.collection import Collection

SERVER = "embedded-flow"
CAPABILITIES = ("duplicates", "explain", "import", "picture_hash")


def core(collection: Collection, started: float) -> dict[str, Any]:
    """Answers GET /api/cores/<collection>: counts, versions, extras, and what the sync left out."""
    return {
        "responseHeader": header(started),
        "name": collection.name,
        "server": SERVER,
        "descriptor_version": DESCRIPTOR_VERSION,
        "detector_version": detector_version(),
        "capabilities": list(CAPABILITIES),
        "left_out": read_last_sync(collection.last_sync) if collection.last_sync else [],
        "status": {
            collection.name: {
                "name": collection.name,
                "index": {
                    "numDocs": collection.store.count(),
                    "withPicture": collection.indexed(),
                    "outdated": collection.outdated(),
                },
            }
        },
    }


def ping(collection: Collection, started: float) -> dict[str, Any]:
    """Answers /admin/ping, once the collection can be read."""
    collection.store.count()
    return {"responseHeader": header(started), "status": "OK"}


def cores(collections: Iterable[Collection], started: float) -> dict[str, Any]:
    """Answers GET /api/cores."""
    status: dict[str, Any] = {}
    for collection in collections:
        status |= core(collection, started)["status"]
    return {"responseHeader": header(started), "initFailures": {}, "status": status}
