"""The photographs that the detector is fitted on and measured with; none of them is in the repository.

    python -m include.detector.training.pictures DIR

Each source is freely available; fetch it, unpack it under one folder, and the scripts find it there (the
pictures of gcompris-qt-data lie in resource files: `unpack_gcompris.py` takes them out). The command lists
where each source comes from, where it belongs, and how much of it is there. Only sources whose
licence allows it are fitted on. Every picture belongs to one part for good, by a hash of its series, so that
no photograph that a rule was fitted on or chosen with is ever reported on.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from include.safe_text import run_until_unread

Part = Literal["fit", "choose", "report"]
TRUE_DUPLICATES = Path(__file__).with_name("true-duplicates.txt")
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})


@dataclass(frozen=True, slots=True)
class Source:
    """One source: where it comes from, under which licence, and what it may be used for.

    `folder` is relative to the folder of all sources; `series` is the number of leading folders (after it)
    that name a series which must stay in one part, 0 where each file stands for itself.
    """

    name: str
    origin: str
    licence: str
    folder: str
    may_fit: bool
    pictures: int  # expected; a few may be missing
    series: int = 0
    every: int = 1  # take one of so many
    pattern: str = "*"
    least_bytes: int = 3000

    def files(self, root: Path) -> list[Path]:
        """All its pictures, in a fixed order."""
        found = sorted(
            path
            for path in (root / self.folder).rglob(self.pattern)
            if path.suffix.lower() in SUFFIXES and path.stat().st_size >= self.least_bytes
        )
        return found[:: self.every]

    def part_of(self, path: Path, root: Path) -> Part:
        """The part that a picture belongs to."""
        if not self.may_fit:
            return "report"
        inside = path.relative_to(root / self.folder)
        name = "/".join(inside.parts[: self.series]) if self.series else inside.name
        draw = hashlib.sha256(f"{self.name}/{name}".encode()).digest()[0] / 256
        return "fit" if draw < 0.5 else "choose" if draw < 0.65 else "report"


SOURCES = (
    Source(
        "grocery", "github.com/marcusklasson/GroceryStoreDataset", "MIT", "grocery/dataset", True, 5502, 4
    ),
    Source("clothing", "github.com/alexeygrigorev/clothing-dataset-small", "CC0", "clothing", True, 3781),
    Source("gcompris", "Debian gcompris-qt-data 3.1", "CC0, CC-BY, CC-BY-SA, PD", "gcompris", True, 292),
    Source(
        "openclipart",
        "Debian openclipart-png 0.18",
        "public domain",
        "deb/openclipart-png",
        True,
        1000,
        every=7,
    ),
    Source(
        "imagenet", "github.com/EliSchwartz/imagenet-sample-images", "not stated", "imagenet", False, 1000
    ),
    Source(
        "urban",
        "github.com/jbhuang0604/SelfExSR",
        "research",
        "selfex/data",
        False,
        299,
        pattern="*SRF_[48]_HR.png",
    ),
    Source(
        "photos", "npm @tabler/preview 1.2.0", "not stated", "tabler/package/dist/static/photos", False, 79
    ),
    Source(
        "avatars", "npm @tabler/preview 1.2.0", "not stated", "tabler/package/dist/static/avatars", False, 148
    ),
    Source("vendure", "npm @vendure/create 2.3.4", "not stated", "vendure/package/assets/images", False, 54),
)


def pictures(root: Path, part: Part, *names: str) -> list[tuple[Source, Path]]:
    """Pictures of one part, from the named sources or from all.

    Raises:
        FileNotFoundError: a source has no pictures under `root`.
    """
    found = []
    for source in SOURCES:
        if names and source.name not in names:
            continue
        files = source.files(root)
        if not files:
            raise FileNotFoundError(
                f"no pictures of {source.name}: get {source.origin} and unpack it in {root / source.folder}"
            )
        found += [(source, path) for path in files if source.part_of(path, root) == part]
    return found


def true_duplicates() -> set[frozenset[str]]:
    """Pairs of names (paths under the folder of all sources) that are one picture, as looked at by eye."""
    lines = TRUE_DUPLICATES.read_text(encoding="utf-8").splitlines()
    return {frozenset(line.split("\t")) for line in lines if line}


def main() -> None:
    """Print what of each source is there."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python -m include.detector.training.pictures DIR")
    root = Path(sys.argv[1])
    for source in SOURCES:
        found = len(source.files(root)) if (root / source.folder).is_dir() else 0
        print(
            f"{source.name:<12}{found:>6} of {source.pictures:>5} pictures in {root / source.folder}"
            f"  from {source.origin} ({source.licence})"
        )


if __name__ == "__main__":
    run_until_unread(main)
