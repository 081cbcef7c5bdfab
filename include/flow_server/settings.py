"""Settings of one server process. The command line fills them; tests build them directly."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DEFAULT_COLLECTION = "my-collection"
MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what comes from outside: request bodies and downloads in bytes, times in seconds.

    A request has `head_seconds` to say what it wants, then `body_seconds` and one more for each
    `bytes_per_second` of its body. A client that takes less than that of an answer in `unread_seconds` has
    gone. All bodies at work together have `bodies_bytes` at most. `busy_seconds`: how long an update waits
    for its turn.
    """

    body_bytes: int = 64 * MEBIBYTE
    picture_bytes: int = 32 * MEBIBYTE
    download_seconds: float = 20.0
    max_rows: int = 100_000
    busy_seconds: float = 10.0
    connections: int = 1000
    head_bytes: int = 65_536
    head_seconds: float = 20.0
    body_seconds: float = 20.0
    bytes_per_second: int = 1024
    unread_seconds: float = 60.0
    bodies_bytes: int = 512 * MEBIBYTE


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What `python -m include.flow_server` was told.

    `allow_hosts`: by collection, the private hosts that its pictures may be downloaded from. `mirror` and
    `turn`: whether mirrored copies, and those turned by quarter turns, count as duplicates. `solr_urls`:
    nodes of the SolrCloud that holds the collections; none where they lie below `data`.
    """

    data: Path
    images: Path | None = None
    collections: tuple[str, ...] = (DEFAULT_COLLECTION,)
    host: str = "127.0.0.1"
    port: int = 0
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    allow_hosts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    mirror: bool = True
    turn: bool = True
    basic_auth: str | None = None
    solr_urls: tuple[str, ...] = ()
    solr_login: str | None = field(default=None, repr=False)
    limits: Limits = field(default_factory=Limits)
