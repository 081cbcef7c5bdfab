"""Scans one partition in a process that a test can kill: BASE COLLECTION STORAGE RUN PARTITION TRY."""

from __future__ import annotations

import asyncio
import sys

from include.dedupe.connect import open_flow
from include.dedupe.rundir import Attempt, RunDir
from include.dedupe.scanning.scan import scan
from include.flow_client import FlowAddress


async def main(base: str, collection: str, *rest: str) -> None:
    storage, run_id, partition, number = rest
    run = RunDir(storage, "pictures", run_id)
    async with open_flow(FlowAddress.parse(base, collection), in_flight=4) as flow:
        await scan(flow, run, Attempt(0, int(number)), partition)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
