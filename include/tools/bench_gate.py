"""Measures what a service waits for while the gate looks at one picture, on the demo collection.

Each picture is asked about one after the other; the share of the analysis alone is measured in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import time
from collections.abc import Awaitable, Sequence

from include.dedupe.gate import open_gate
from include.demo.flow import CONNECTION_VARIABLE, index, serving
from include.demo.library import demo_library, use_own_settings
from include.demo.make_collection import PHOTOS
from include.orchestration.run_once import HOME


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=100, help="how many are asked about")
    options = parser.parse_args()
    use_own_settings()
    library = demo_library(HOME.parent)
    index(library)
    pictures = [path.read_bytes() for path in sorted(PHOTOS.glob("*.jpg"))[: options.pictures]]
    with serving(library, HOME.parent / "logs" / "bench-gate.log") as address:
        os.environ[CONNECTION_VARIABLE] = address
        asyncio.run(_measure(pictures))


async def _measure(pictures: Sequence[bytes]) -> None:
    async with open_gate("demo") as gate:
        await gate.check(pictures[0])
        analyses = [await _seconds(gate.writer.analyze(data=picture)) for picture in pictures]
        checks = [await _seconds(gate.check(picture)) for picture in pictures]
    for name, seconds in (("analysis alone", analyses), ("one check", checks)):
        ordered = sorted(seconds)
        print(
            f"{name:14}  median {statistics.median(ordered) * 1000:6.1f} ms  "
            f"95 % below {ordered[int(len(ordered) * 0.95)] * 1000:6.1f} ms"
        )
    print(f"a check takes {statistics.median(checks) / statistics.median(analyses):.2f} times as long")


async def _seconds(call: Awaitable[object]) -> float:
    began = time.perf_counter()
    await call
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
