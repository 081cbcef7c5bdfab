"""A collection that tests may change, and runs on it from plan to decisions and further.

The documents share a few pictures, analysed once; so a collection of any size is there in no time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from include.dedupe.acting.apply import ApplyStats, apply
from include.dedupe.acting.check import check
from include.dedupe.acting.client_writer import ClientWriter, open_writer
from include.dedupe.acting.lease import meeting_place
from include.dedupe.acting.restore import Restored, restore
from include.dedupe.acting.scratch import Step
from include.dedupe.acting.wanted import Wanted
from include.dedupe.clustering.cluster import cluster
from include.dedupe.clustering.facts import gather_facts
from include.dedupe.clustering.merge import merge
from include.dedupe.deciding.decide import DecideStats, decide
from include.dedupe.deciding.part import Part
from include.dedupe.flow import MARKER
from include.dedupe.planning.plan import plan
from include.dedupe.planning.scope import Scope
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.scan import scan
from include.dedupe.settings.config import CollectionConfig
from include.dedupe.storage import Storage
from include.dedupe.tables import ACTIONS
from include.flow_client import FlowAddress, FlowClient
from tests.support.embedded_server import EmbeddedServer

LATE = "2999-01-01T00:00:00+00:00"
FIRST = Attempt(0, 1)
ALL = ("*", "_version_")
Answer = TypeVar("Answer")
Document = dict[str, Any]


@dataclass
class Acting:
    """A collection behind the server, the storage of its runs, and what tests do with both."""

    server: EmbeddedServer
    storage: Path
    collection: str = "plain"
    analyses: dict[str, Any] = field(default_factory=dict)

    def address(self) -> FlowAddress:
        return FlowAddress.parse(self.server.base, self.collection)

    def ask(self, question: Callable[[ClientWriter], Coroutine[Any, Any, Answer]]) -> Answer:
        async def run() -> Answer:
            async with open_writer(self.address()) as writer:
                return await question(writer)

        return asyncio.run(run())

    def client(self, question: Callable[[FlowClient], Coroutine[Any, Any, Answer]]) -> Answer:
        async def run() -> Answer:
            async with FlowClient(self.address()) as client:
                return await question(client)

        return asyncio.run(run())

    def fill(self, documents: Mapping[str, tuple[str, Document]]) -> None:
        """Replace the collection: by id, the path of a picture of the small collection, and fields."""

        async def add(client: FlowClient) -> None:
            await client.delete(query="*:*")
            found = []
            for name, (picture, fields) in documents.items():
                image = f"{self.server.base}/images/{picture}"
                if picture and picture not in self.analyses:
                    self.analyses[picture] = await client.analyze(url=image)
                known = {"image": image, "import": self.analyses[picture]} if picture else {}
                found.append({"id": name, **known, **fields})
            await (client.update(found, commit=True) if found else client.commit())

        self.client(add)

    def change(self, *changes: Document) -> None:
        self.client(lambda client: client.update(list(changes), commit=True))

    def documents(self) -> dict[str, Document]:
        """Return all documents but the marker as the collection holds them, without their versions."""

        async def read(client: FlowClient) -> dict[str, Document]:
            pages = [page async for page in client.iterate(fl=("*",))]
            return {
                doc["id"]: {name: value for name, value in doc.items() if name != "_version_"}
                for page in pages
                for doc in page.docs
                if doc["id"] != MARKER
            }

        return self.client(read)

    def config(self, **settings: Any) -> CollectionConfig:
        flow = {"connection": "flow_test", "collection": self.collection}
        guards = {"max_delete_share": 1.0, **settings.pop("guards", {})}
        return CollectionConfig.model_validate({"flow": flow, "guards": guards, **settings})

    def run(self, run_id: str = "run-1") -> RunDir:
        return RunDir(str(self.storage), "pictures", run_id)

    def check(self, config: CollectionConfig) -> list[Step]:
        return self.ask(lambda writer: check(writer, self.run().lasting, config))

    def decide(
        self, run: RunDir, config: CollectionConfig, categories: tuple[str, ...] = (), *, known: bool = False
    ) -> DecideStats:
        """Run all stages up to the decisions; ``known``: on what earlier runs found."""

        async def stages(writer: ClientWriter) -> None:
            made = await plan(writer.reader, run, FIRST, config, Scope(categories=categories, known=known))
            for partition in made.partitions:
                await scan(writer.reader, run, FIRST, partition.name)
            await merge(writer.reader, run, FIRST)
            await gather_facts(writer.reader, run, FIRST)

        self.ask(stages)
        cluster(run, FIRST)
        return decide(run, FIRST)

    def apply(
        self,
        run: RunDir,
        digest: str,
        *,
        attempt: Attempt = FIRST,
        dry_run: bool = False,
        approved_at: str = LATE,
        **part: Any,
    ) -> ApplyStats:
        """Carry out what was decided; ``part``: the fields of ``Part`` that say how much of it."""
        which = Part.read(part)
        return self.ask(
            lambda writer: apply(writer, run, attempt, digest, approved_at, dry_run=dry_run, part=which)
        )

    def act(self, run_id: str = "run-1", categories: tuple[str, ...] = (), **settings: Any) -> ApplyStats:
        """Check, decide, and carry everything out."""
        config = self.config(**settings)
        steps = self.check(config)
        assert not [step for step in steps if step.problem], steps
        run = self.run(run_id)
        return self.apply(run, self.decide(run, config, categories).hash)

    def restore(self, wanted: Wanted, *, dry_run: bool = False, remember: bool = True) -> list[Restored]:
        lasting, config = self.run().lasting, self.config()
        return self.ask(
            lambda writer: restore(
                writer, lasting, config, wanted, "a test", dry_run=dry_run, remember=remember
            )
        )

    @property
    def writers(self) -> Storage:
        """Where all that write to the collection meet."""
        return meeting_place(self.run().lasting, self.config())


def actions(run: RunDir) -> pd.DataFrame:
    return run.read_table("apply", "actions", ACTIONS)


def outcomes(run: RunDir) -> dict[str, tuple[str, str]]:
    """Return decision and outcome of each document."""
    rows = actions(run)
    return {row.id: (row.decision, row.outcome) for row in rows.itertuples()}


def reasons(run: RunDir) -> dict[str, str]:
    rows = actions(run)
    return dict(zip(rows["id"], rows["reason"], strict=True))
