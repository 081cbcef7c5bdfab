"""A SolrCloud of two nodes with gateways before it: collections of two shards and two replicas."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from include.flow_server.store.solr.client import SolrClient
from include.flow_server.store.solr.setup import CONFIGSET, init_solr
from tests.contract.solr.real_solr import SolrNodes, solr_nodes
from tests.support.embedded_server import EmbeddedServer, launch

SHARDS = REPLICAS = 2
ACTIVE_SECONDS = 180


@dataclass
class Cloud:
    """`gateway` starts one more; all end with the cloud."""

    nodes: SolrNodes
    directory: Path
    running: list[EmbeddedServer] = field(default_factory=list)

    def collection(self, name: str, change: Callable[[str], str] | None = None) -> str:
        """Makes an empty collection; with `change`, of a solrconfig.xml that was changed so."""
        client = SolrClient(self.nodes.addresses, patience=60)
        if change:
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w") as archive:
                for file in CONFIGSET.iterdir():
                    text = file.read_text("utf-8")
                    archive.writestr(file.name, change(text) if file.name == "solrconfig.xml" else text)
            upload = {"action": "UPLOAD", "name": f"{name}-flow"}
            client.send("/admin/configs", upload, packed.getvalue(), "application/octet-stream")
        init_solr(client, name, SHARDS, REPLICAS)
        return name

    def alias(self, name: str, collection: str) -> str:
        """Gives a collection one more name."""
        asked = {"action": "CREATEALIAS", "name": name, "collections": collection}
        SolrClient(self.nodes.addresses, patience=60).ask_cloud(asked)
        return name

    def await_replicas(self) -> None:
        """Waits until every replica of every collection can answer."""
        deadline = time.monotonic() + ACTIVE_SECONDS
        client = SolrClient(self.nodes.addresses, patience=ACTIVE_SECONDS)
        while time.monotonic() < deadline:
            found = client.ask_cloud({"action": "CLUSTERSTATUS"})["cluster"]
            shards = [shard for one in found["collections"].values() for shard in one["shards"].values()]
            states = [replica["state"] for shard in shards for replica in shard["replicas"].values()]
            if len(found["live_nodes"]) == len(self.nodes.addresses) and set(states) == {"active"}:
                return
            time.sleep(0.2)
        raise TimeoutError(f"replicas are {states}")

    def gateway(self, *collections: str, images: Path | None = None) -> EmbeddedServer:
        urls = (part for url in self.nodes.addresses for part in ("--solr-url", url))
        server = launch(
            None,
            images=images,
            collections=collections,
            arguments=["--store", "solr", *urls],
            logs=self.directory / f"gateway-{len(self.running)}",
        )
        self.running.append(server)
        return server


@contextmanager
def solr_cloud(directory: Path) -> Iterator[Cloud]:
    """The cloud for as long as it is used."""
    with solr_nodes(directory, 2, CONFIGSET) as nodes:
        cloud = Cloud(nodes, directory)
        try:
            yield cloud
        finally:
            for server in cloud.running:
                server.stop()
