"""Command line of the sync: `python -m include.flow_server sync FOLDER --data DIR`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from include.flow_server.folder.kinds import LEFT_OUT
from include.flow_server.folder.sync import SyncOptions, sync
from include.flow_server.folder.walk import FolderError
from include.flow_server.settings import DEFAULT_COLLECTION, ServerSettings
from include.flow_server.store.solr.setup import add_solr, solr_login
from include.safe_text import complain, tell


def sync_command(arguments: list[str]) -> int:
    """Exit code 0: all pictures are indexed; 2: nothing was done; 3: some could not be read."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if (given.store == "solr") != bool(given.solr_url):
        parser.error("--store solr and --solr-url belong together: who keeps the documents, and where it is")
    options = SyncOptions(
        verify=given.verify,
        allow_missing=given.allow_missing,
        include_deleted=given.include_deleted,
        leave_out=(*(() if given.no_default_patterns else LEFT_OUT), *given.leave_out),
    )
    settings = ServerSettings(
        given.data,
        collections=(given.collection,),
        workers=given.workers,
        solr_urls=tuple(given.solr_url),
        solr_login=solr_login(),
    )
    try:
        report = sync(given.folder, settings, options)
    except FolderError as error:
        complain(error)
        return 2
    for line in report.summary():
        tell(line)
    for line in report.lines():
        complain(line)
    return 3 if report.failed and not given.skip_unreadable else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m include.flow_server sync",
        epilog="Exit code 0: all pictures are indexed, what was left out is counted. 2: nothing was done. "
        "3: some pictures or folders could not be read; the rest is indexed.",
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="the data directory of the server; with --store solr, of what was seen of the folder",
    )
    parser.add_argument("--store", choices=("sqlite", "solr"), default="sqlite", help="who keeps documents")
    add_solr(parser, required=False)
    parser.add_argument("--collection", default=DEFAULT_COLLECTION)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--skip-unreadable", action="store_true", help="exit 0 though some could not be read")
    parser.add_argument(
        "--verify",
        action="store_true",
        help="read every picture and compare its bytes, also where size and times are as they were",
    )
    parser.add_argument(
        "--allow-missing",
        action="store_true",
        help="remove documents whose pictures are gone, however many there are",
    )
    parser.add_argument(
        "--include-deleted",
        action="store_true",
        help="index pictures again whose documents were deleted through the API",
    )
    _add_patterns(parser)
    return parser


def _add_patterns(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--leave-out",
        action="append",
        default=[],
        metavar="PATTERN",
        help="leave out files and folders of that name (* and ?), or of that path where it holds a /; may be "
        f"repeated, comes on top of: {' '.join(LEFT_OUT)}".replace("%", "%%"),
    )
    parser.add_argument(
        "--no-default-patterns", action="store_true", help="leave out only what --leave-out says"
    )
