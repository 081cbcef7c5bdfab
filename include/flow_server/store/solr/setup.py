"""`python -m include.flow_server init-solr`: makes a collection of a SolrCloud that this server can use."""

from __future__ import annotations

import argparse
import io
import os
import zipfile
from pathlib import Path
from typing import Any

from include.flow_server.errors import BadRequestError
from include.flow_server.settings import DEFAULT_COLLECTION
from include.flow_server.store.solr.client import SolrClient, checked_address
from include.flow_server.store.solr.store import SolrStore
from include.safe_text import tell

CONFIGSET = Path(__file__).with_name("configset")
_CREATE_SECONDS = 120.0


def init_solr(client: SolrClient, name: str, shards: int, replicas: int) -> bool:
    """Makes the collection, with a configset of its own; False where it is there already, as asked for.

    Solr writes the fields that it learns into the configset, so that one is never uploaded over another.

    Raises:
        BadRequestError: there is one of that name that is another one, or with other shards or replicas.
    """
    status = client.ask_cloud({"action": "CLUSTERSTATUS"})["cluster"]
    if name in status.get("aliases", {}):
        raise BadRequestError(f"'{name}' is an alias in this SolrCloud: name the collection itself")
    if found := status["collections"].get(name):
        _check(found, name, shards, replicas)
        SolrStore(client, name)
        return False
    nodes = len(status["live_nodes"])
    if replicas > nodes:
        raise BadRequestError(
            f"--replicas {replicas}: this SolrCloud has {nodes} nodes, and copies belong on different ones"
        )
    configset = f"{name}-flow"
    if configset not in client.ask("/admin/configs", {"action": "LIST"})["configSets"]:
        upload = {"action": "UPLOAD", "name": configset}
        client.send("/admin/configs", upload, _zipped(), "application/octet-stream")
    client.send(
        "/admin/collections",
        {
            "action": "CREATE",
            "name": name,
            "numShards": str(shards),
            "replicationFactor": str(replicas),
            "collection.configName": configset,
            "waitForFinalState": "true",
        },
        b"",
    )
    return True


def init_solr_command(arguments: list[str]) -> int:
    """`init-solr`: exit code 0 where the collection is there, made now or before."""
    parser = argparse.ArgumentParser(prog="python -m include.flow_server init-solr", description=__doc__)
    add_solr(parser, required=True)
    parser.add_argument("--collection", default=DEFAULT_COLLECTION)
    parser.add_argument("--shards", type=_positive, default=1, help="parts of the collection (default: 1)")
    parser.add_argument("--replicas", type=_positive, default=1, help="copies of each (default: 1)")
    given = parser.parse_args(arguments)
    client = SolrClient(given.solr_url, solr_login(), patience=_CREATE_SECONDS)
    made = init_solr(client, given.collection, given.shards, given.replicas)
    shape = f"{given.shards} shards with {given.replicas} replicas each"
    tell(f"collection '{given.collection}' {'made' if made else 'is there'}: {shape}")
    return 0


def add_solr(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """The options that say where a SolrCloud is."""
    parser.add_argument(
        "--solr-url",
        action="append",
        type=_address,
        metavar="URL",
        required=required,
        default=None if required else [],
        help="address of a node, as http://host:8983/solr; may be repeated, others take over. "
        "SOLR_BASIC_AUTH=name:password in the environment is sent along",
    )


def solr_login() -> str | None:
    """Name and password for the SolrCloud, from the environment."""
    return os.environ.get("SOLR_BASIC_AUTH") or None


def _check(found: dict[str, Any], name: str, shards: int, replicas: int) -> None:
    there = found["shards"]
    copies = {len(shard["replicas"]) for shard in there.values()}
    if len(there) != shards or copies != {replicas}:
        raise BadRequestError(
            f"there is a collection '{name}' already, with {len(there)} shards of "
            f"{' or '.join(map(str, sorted(copies)))} replicas instead of {shards} of {replicas}: "
            f"change it with Solr's Collections API, or choose another --collection"
        )


def _zipped(folder: Path = CONFIGSET) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, file.name)
    return packed.getvalue()


def _address(text: str) -> str:
    try:
        return checked_address(text)
    except BadRequestError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("it must be 1 or more")
    return value
