"""Measures the whole way of real pictures: from a folder to clusters, beside well-known hashes.

    python -m include.tools.bench_real [--pictures DIR] [--most 1000] [--grow 1000 10000 100000]

DIR is any folder of photographs; copies of some of them are planted (see `planted`). Without it, tiles of the
demo's photographs are measured. Everything begins with an empty data directory and a server that has just
started. PDQ (and pHash, where imagehash is installed, and fastdup, where it is) are measured on the same
files. `--grow` repeats the scan on collections of so many documents (see `real_growth`). The last line is one
JSON object; what was not measured is null.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from include.safe_text import run_until_unread
from include.tools.planted import TRUTH, photographs, plant, tiles
from include.tools.real_growth import Grown, grown, growth_of, loss_of
from include.tools.real_peers import peers
from include.tools.real_scan import Indexed, Scanned, index, scanned
from include.tools.step_times import index_steps, scan_steps

PHOTOS = Path(__file__).parents[1] / "demo" / "photos"
DEMO_TILES = 1000
SAMPLE = 300  # pictures whose CPU time is told by step


@dataclass(frozen=True, slots=True)
class Whole:
    """From a folder to clusters: documents, times, and what was found of what was planted."""

    documents: int
    indexed: Indexed
    scanned: Scanned
    found: int
    planted: int

    def figures(self) -> dict[str, float]:
        """What the benchmark prints: documents a second, CPU milliseconds a document, pairs."""
        count, total_s = self.documents, self.indexed.seconds + self.scanned.seconds
        return {
            "index_per_s": round(count / self.indexed.seconds, 1),
            "index_cpu_ms": round(1000 * self.indexed.cpu_s / count, 2),
            "scans_per_s": round(count / self.scanned.seconds, 1),
            "scan_cpu_ms": round(1000 * self.scanned.cpu_s / count, 2),
            "total_s": round(total_s, 2),
            "found": self.found,
            "planted": self.planted,
            "others": len(self.scanned.pairs) - self.found,
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=Path, help="folder of photographs (default: tiles of the demo's)")
    parser.add_argument("--most", type=int, default=1000, help="photographs used, before copies are planted")
    parser.add_argument("--grow", type=int, nargs="+", default=[], help="documents to repeat the scan at")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        photos = photographs(given.pictures or PHOTOS)
        if not photos:
            parser.error(f"there is no picture in {given.pictures}")
        used = photos if given.pictures else tiles(photos, DEMO_TILES, work / "tiles")
        figures = measured(used[: given.most], work)
        sizes = grown(photos, sorted(given.grow), work / "grown") if given.grow else {}
    print(json.dumps({**figures, **growth_figures(sizes)}))


def measured(photos: Sequence[Path], work: Path) -> dict[str, float]:
    """Everything but growth, printed on the way."""
    whole = from_folder(photos, work / "real")
    figures = whole.figures()
    print(f"{whole.documents:,} documents, {whole.scanned.compared / whole.documents:.1f} compared for each")
    for name, value in figures.items():
        print(f"{name:<32}{value:>12,.3f}")
    pictures = work / "real" / "pictures"
    store = work / "steps" / "documents.sqlite"
    by_step, descriptors = index_steps(photographs(pictures)[:SAMPLE], store)
    print_steps("indexing", by_step)
    print_steps(f"a scan of {len(descriptors)}", scan_steps(descriptors, store))
    for peer in peers(pictures, work / "real" / TRUTH):
        ratio = figures["total_s"] / peer.seconds
        print(
            f"{peer.name:<32}{peer.seconds:>12,.3f} s  found {peer.found}, others {peer.others}; "
            f"we take {ratio:.2f} times as long"
        )
        if peer.key == "pdq":
            figures["total_vs_pdq"] = round(ratio, 2)
    return figures


def from_folder(photos: Sequence[Path], work: Path) -> Whole:
    """Plant copies, index the folder, scan it."""
    pictures = work / "pictures"
    truth = plant(photos, pictures)
    indexed = index(pictures, work / "data")
    found = scanned(work / "data", work)
    count = len(photographs(pictures))
    return Whole(count, indexed, found, len(found.pairs & truth.keys()), len(truth))


def print_steps(title: str, steps: Mapping[str, float]) -> None:
    """CPU milliseconds by module, sampled."""
    print(f"{'CPU ms of ' + title:<32}{sum(steps.values()):>12,.3f}")
    for step, milliseconds in steps.items():
        print(f"  {step:<30}{milliseconds:>12,.3f}")


def growth_figures(sizes: Mapping[int, Grown]) -> dict[str, float | None]:
    """Time a document and recall at 100,000 documents against fewer."""
    large, small = sizes.get(100_000), sizes.get(10_000)
    first = next(iter(sizes.values()), None)
    return {
        "growth_100k_vs_10k": growth_of(large, small) if large and small else None,
        "recall_loss_100k": loss_of(large, first) if large and first and first != large else None,
    }


if __name__ == "__main__":
    run_until_unread(main)
