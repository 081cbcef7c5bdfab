"""Command line: `python -m include.flow_server --data DIR` serves; `sync` and `reanalyze` are commands."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from include.flow_server.app import create_app
from include.flow_server.errors import BadRequestError, FlowError
from include.flow_server.folder.command import sync_command
from include.flow_server.reanalyze import reanalyze
from include.flow_server.serving import ListenError, serve
from include.flow_server.settings import DEFAULT_COLLECTION, MEBIBYTE, Limits, ServerSettings
from include.flow_server.store.solr.setup import add_solr, init_solr_command, solr_login
from include.safe_text import complain, tell


def server_settings(arguments: list[str]) -> ServerSettings:
    """The settings that a command line of the server spells."""
    parser = argparse.ArgumentParser(
        prog="python -m include.flow_server",
        epilog="FLOW_BASIC_AUTH=name:password in the environment asks every client for them.",
        description="The embedded Flow-compatible server. Commands instead of serving: `sync FOLDER` indexes "
        "a folder, `reanalyze` analyses anew what another version did, `init-solr` makes a collection "
        "of a SolrCloud.",
    )
    _add_common(parser)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one (default)")
    parser.add_argument(
        "--collection", action="append", help=f"may be repeated (default: {DEFAULT_COLLECTION})"
    )
    parser.add_argument(
        "--max-body-mib", type=int, default=Limits().body_bytes // MEBIBYTE, help="largest request body"
    )
    parser.add_argument("--no-mirrored", action="store_true", help="mirrored copies are no duplicates")
    parser.add_argument("--no-turned", action="store_true", help="nor are copies turned by quarter turns")
    given = parser.parse_args(arguments)
    return replace(
        _common_settings(parser, given, given.collection or [DEFAULT_COLLECTION]),
        host=given.host,
        port=given.port,
        mirror=not given.no_mirrored,
        turn=not given.no_turned,
        limits=replace(Limits(), body_bytes=given.max_body_mib * MEBIBYTE),
        basic_auth=os.environ.get("FLOW_BASIC_AUTH") or None,
    )


def _add_common(parser: argparse.ArgumentParser) -> None:
    """What serving and reanalysing take alike."""
    parser.add_argument("--store", choices=("sqlite", "solr"), default="sqlite", help="who keeps documents")
    parser.add_argument("--data", type=Path, help="where the collections are kept in SQLite")
    add_solr(parser, required=False)
    parser.add_argument("--images", type=Path, help="folder of pictures, served read-only under /images/")
    parser.add_argument(
        "--workers",
        type=int,
        default=os.cpu_count() or 1,
        help="processes that analyse pictures, and that compare them",
    )
    parser.add_argument(
        "--allow-host",
        action="append",
        default=[],
        help="[COLLECTION=]HOST[:PORT] that pictures may come from, though private",
    )


def _common_settings(
    parser: argparse.ArgumentParser, given: argparse.Namespace, names: list[str]
) -> ServerSettings:
    _check_store(parser, given)
    if given.images is not None and not given.images.is_dir():
        parser.error(f"--images: there is no folder {given.images}")
    collections = tuple(dict.fromkeys(names))
    return ServerSettings(
        data=given.data or Path(),
        images=given.images,
        collections=collections,
        workers=given.workers,
        allow_hosts=_allow_hosts(given.allow_host, collections),
        solr_urls=tuple(given.solr_url),
        solr_login=solr_login(),
    )


def _check_store(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Ends the command where an option of the store lacks, or is one of the other store."""
    if given.store == "solr" and given.data:
        parser.error("--data belongs to --store sqlite: a SolrCloud keeps the documents itself")
    if given.store == "solr" and not given.solr_url:
        parser.error("--store solr needs --solr-url, as http://host:8983/solr")
    if given.store == "sqlite" and given.solr_url:
        parser.error("--solr-url belongs to --store solr, which was not given")
    if given.store == "sqlite" and not given.data:
        parser.error("--data is needed: where the collections are kept (or --store solr with --solr-url)")


def _allow_hosts(given: list[str], collections: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    """`host` holds for all collections, `collection=host` for one."""
    named = [entry.rpartition("=")[::2] for entry in given]
    return {name: tuple(host for only, host in named if only in ("", name)) for name in collections}


def reanalyze_command(arguments: list[str]) -> int:
    """`reanalyze`: exit code 0 done, 2 no such collection, 3 some pictures could not be read any more."""
    parser = argparse.ArgumentParser(prog="python -m include.flow_server reanalyze")
    _add_common(parser)
    parser.add_argument("--collection", default=DEFAULT_COLLECTION)
    parser.add_argument(
        "--drop-unreadable",
        action="store_true",
        help="documents whose picture cannot be read any more are from then on documents without a picture",
    )
    given = parser.parse_args(arguments)
    settings = _common_settings(parser, given, [given.collection])
    report = reanalyze(settings, drop_unreadable=given.drop_unreadable)
    tell(report.summary())
    for document_id, cause in report.failed:
        complain(f"unreadable: {document_id}: {cause}")
    return 3 if report.failed and not given.drop_unreadable else 0


COMMANDS = {"sync": sync_command, "reanalyze": reanalyze_command, "init-solr": init_solr_command}


def main(arguments: list[str]) -> int:
    try:
        if arguments and arguments[0] in COMMANDS:
            return COMMANDS[arguments[0]](arguments[1:])
        if arguments and not arguments[0].startswith("-"):
            raise BadRequestError(
                f"there is no command {arguments[0]!r}, only {', '.join(COMMANDS)}; "
                f"without a command the server is started"
            )
        settings = server_settings(arguments)
        serve(create_app(settings), settings)
    except (FlowError, ListenError) as error:
        complain(error)
        return 2
    except KeyboardInterrupt:
        complain("Interrupted; the same command goes on where this one stopped.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
