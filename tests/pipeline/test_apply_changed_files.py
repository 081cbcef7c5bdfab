"""Apply on 500 files of which anything may have become since they were judged."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.support.acting import outcomes
from tests.support.drawn import file, scene
from tests.support.library import Library, jpeg, library, library_server

__all__ = ["library", "library_server"]

CLUSTERS, COPIES = 50, 10
SEED = 7
SHARE = 0.3
NEW = [jpeg(scene(seed=1000 + number)) for number in range(9)]


def replace(path: Path, rng: random.Random) -> None:
    path.write_bytes(rng.choice(NEW))


def replace_unnoticed(path: Path, rng: random.Random) -> None:
    """With the size and the time of the file before."""
    before = path.stat()
    path.write_bytes(rng.choice(NEW)[: before.st_size].ljust(before.st_size, b"\0"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def cut(path: Path, rng: random.Random) -> None:
    path.write_bytes(path.read_bytes()[: rng.randrange(len(path.read_bytes()))])


def remove(path: Path, rng: random.Random) -> None:
    path.unlink()


def link(path: Path, rng: random.Random) -> None:
    """To another copy of the same picture."""
    path.unlink()
    path.symlink_to(path.with_name(f"{rng.randrange(COPIES)}.jpg"))


def touch(path: Path, rng: random.Random) -> None:
    os.utime(path, (1, rng.randrange(1, 10**9)))


CHANGES: tuple[Callable[[Path, random.Random], None], ...] = (
    replace,
    replace_unnoticed,
    cut,
    remove,
    link,
    touch,
)


def pictures() -> dict[str, bytes]:
    """The first of each cluster is its keeper; the others are the same file, or code the same pixels anew."""
    found = {}
    for cluster in range(CLUSTERS):
        drawn = scene(seed=cluster)
        kinds = (jpeg(drawn), jpeg(drawn, 75), file(drawn, "PNG"))
        found |= {f"{cluster:02}/{copy}.jpg": kinds[copy % 3] for copy in range(COPIES)}
    return found


def test_nothing_that_was_not_judged_is_moved_and_everything_else_is_done(library: Library) -> None:
    judged = pictures()
    library.fill(judged)
    digest = library.decided(scan={"threshold": 0.95})
    rng = random.Random(SEED)
    changed = {name: rng.choice(CHANGES) for name in judged if rng.random() < SHARE}
    for name, change in changed.items():
        change(library.folder / name, rng)
    broken = {name for name, change in changed.items() if change is not touch}
    left = library.files()
    links = {name for name in judged if (library.folder / name).is_symlink()}

    library.apply(digest)

    keeper = {name: f"{name.partition('/')[0]}/0.jpg" for name in judged}
    due = {name for name in judged if keeper[name] != name and not {name, keeper[name]} & broken}
    done = {name for name, (_, outcome) in outcomes(library.acting.run()).items() if outcome == "done"}
    assert done == due
    assert library.moved() == {name: judged[name] for name in due}
    stay = {name: data for name, data in left.items() if name not in due}
    assert {name: data for name, data in library.files().items() if name not in links} == {
        name: data for name, data in stay.items() if name not in links
    }
    assert set(library.acting.documents()) == set(judged) - due
    assert not Counter(
        name for name, (_, outcome) in outcomes(library.acting.run()).items() if outcome == "failed"
    )
