"""A folder that is synced into a SolrCloud: the documents and hits are those of a store of one's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from include.flow_server.__main__ import main
from tests.contract.solr.gateways import Cloud
from tests.support.embedded_server import launch
from tests.unit.flow_server.conftest import picture

COLLECTION = "of_a_folder"
SECONDS = 120
PASSING = ("_version_", "indexed_dt")


@dataclass
class Synced:
    """One folder, the places that it is synced into, and the servers over them."""

    folder: Path
    ways: list[list[str]]
    addresses: list[str]
    capture: pytest.CaptureFixture[str]

    def sync(self, *arguments: str, expect: int = 0) -> str:
        """Sync into both, which must say the same, and return it."""
        said = []
        for way in self.ways:
            named = ["sync", str(self.folder), "--collection", COLLECTION, "--workers", "1"]
            assert main([*named, *way, *arguments]) == expect
            said.append(self.capture.readouterr().out)
        assert said[0] == said[1]
        return said[0]

    def post(self, body: Any) -> None:
        for address in self.addresses:
            url = f"{address.replace('/api/cores/', '/solr/')}/update?commit=true"
            requests.post(url, json=body, timeout=SECONDS).raise_for_status()

    def documents(self) -> dict[str, dict[str, Any]]:
        """Return what both have, which must be the same."""
        found = []
        for address in self.addresses:
            base = address.partition("/api/")[0]
            asked = {"q": "*:*", "sort": "id asc", "rows": "100", "fl": "*"}
            docs = requests.get(f"{address}/select", asked, timeout=SECONDS).json()["response"]["docs"]
            assert all("indexed_dt" in one for one in docs if "/images/" in one.get("image", ""))
            found.append(
                [
                    {name: str(value).replace(base, "") for name, value in one.items() if name not in PASSING}
                    for one in docs
                ]
            )
        assert found[0] == found[1]
        return {one["id"]: one for one in found[0]}

    def hits(self, name: str) -> set[str]:
        asked = {"rank.by.id": name, "fl": "id,score"}
        answers = (requests.get(f"{address}/duplicate", asked, timeout=SECONDS) for address in self.addresses)
        found = [
            {(one["id"], one["score"]) for one in answer.json()["response"]["docs"]} for answer in answers
        ]
        assert found[0] == found[1]
        return {one for one, _ in found[0]}


@pytest.fixture
def synced(cloud: Cloud, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Synced]:
    folder = tmp_path / "pictures"
    (folder / "sub").mkdir(parents=True)
    for seed, name in enumerate(["a.png", "b.png", "c.png", "sub/a, again.png"]):
        picture(seed % 3, 48).save(folder / name)
    gateway = cloud.gateway(cloud.collection(COLLECTION), images=folder)
    own = launch(tmp_path / "own", images=folder, collections=[COLLECTION])
    urls = (part for url in cloud.nodes.addresses for part in ("--solr-url", url))
    ways = [["--store", "solr", *urls, "--data", str(tmp_path / "seen")], ["--data", str(tmp_path / "own")]]
    yield Synced(folder, ways, [one.collection_url(COLLECTION) for one in (gateway, own)], capsys)
    own.stop()


def test_a_folder_in_a_solr_cloud_is_as_one_in_a_store_of_its_own(synced: Synced) -> None:
    (synced.folder / "fields.csv").write_text("path,price,sku_s\na.png,12,x\nb.png,7.5,\n")
    assert "4 new, 0 changed, 0 gone, 0 unchanged" in synced.sync()
    assert set(synced.documents()) == {"a.png", "b.png", "c.png", "sub/a, again.png"}
    assert synced.documents()["a.png"]["price"] == "12.0"
    assert synced.hits("a.png") == {"a.png", "sub/a, again.png"}
    synced.post([{"id": "c.png", "note_s": {"set": "kept"}}, {"id": "elsewhere", "note_s": "left alone"}])
    synced.post({"delete": {"id": "b.png"}})
    (synced.folder / "sub" / "a, again.png").unlink()
    picture(1, 48).save(synced.folder / "c.png")
    (synced.folder / "broken.png").write_bytes(b"no picture")
    told = synced.sync(expect=3)
    assert "0 new, 1 changed, 1 gone, 1 unchanged, 1 deleted from the index earlier" in told
    assert "1 unreadable" in told
    assert set(synced.documents()) == {"a.png", "c.png", "elsewhere"}
    assert synced.documents()["c.png"]["note_s"] == "kept"
    (synced.folder / "broken.png").unlink()
    (synced.folder / "a.png").write_bytes(b"no picture either")
    synced.sync("--include-deleted", expect=3)
    assert synced.hits("c.png") == {"b.png", "c.png"}
    assert "unreadable_s" in synced.documents()["a.png"]
