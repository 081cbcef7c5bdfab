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


def rename_over(path: Path, rng: random.Random) -> None:
    """As programs do that save safely; the time is that of the file before."""
    before, other = path.stat(), path.with_name(f".{path.name}.new")
    other.write_bytes(rng.choice(NEW))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def take_another(path: Path, rng: random.Random) -> None:
    """A picture that was judged, too, but as another document's."""
    cluster = (int(path.parent.name) + rng.randrange(1, CLUSTERS)) % CLUSTERS
    path.write_bytes(jpeg(scene(seed=cluster)))


def forbid(path: Path, rng: random.Random) -> None:
    path.chmod(0)


def touch(path: Path, rng: random.Random) -> None:
    os.utime(path, (1, rng.randrange(1, 10**9)))


CHANGES: tuple[Callable[[Path, random.Random], None], ...] = (
    replace,
    replace_unnoticed,
    cut,
    remove,
    link,
    rename_over,
    take_another,
    forbid,
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
    assert len(judged) == CLUSTERS * COPIES == 500
    assert set(changed.values()) == set(CHANGES)
    is_root = os.access(library.folder / next(name for name in changed if changed[name] is forbid), os.R_OK)
    harmless = (touch, forbid) if is_root else (touch,)  # root reads what is forbidden
    broken = {name for name, change in changed.items() if change not in harmless}
    forbidden = [library.folder / name for name, change in changed.items() if change is forbid]
    for path in forbidden:
        path.chmod(0o600)
    left = library.files()
    for path in forbidden:
        path.chmod(0)
    links = {name for name in judged if (library.folder / name).is_symlink()}

    library.apply(digest)

    keeper = {name: f"{name.partition('/')[0]}/0.jpg" for name in judged}
    due = {name for name in judged if keeper[name] != name and not {name, keeper[name]} & broken}
    done = {name for name, (_, outcome) in outcomes(library.acting.run()).items() if outcome == "done"}
    assert done == due
    assert library.moved() == {name: judged[name] for name in due}
    stay = {name: data for name, data in left.items() if name not in due}
    for name in {name for name, change in changed.items() if change is forbid} - due:
        (library.folder / name).chmod(0o600)
    assert {name: data for name, data in library.files().items() if name not in links} == {
        name: data for name, data in stay.items() if name not in links
    }
    assert set(library.acting.documents()) == set(judged) - due
    assert not Counter(
        name for name, (_, outcome) in outcomes(library.acting.run()).items() if outcome == "failed"
    )
