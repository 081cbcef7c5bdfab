"""Damaged files beside the runs: each is named with what to do, and none passes for empty."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from include.dedupe.acting.archive import Entry, read_entries, read_tombstones
from include.dedupe.acting.gated import indexed_documents
from include.dedupe.acting.lease import hold_lease, require_not_stopped
from include.dedupe.acting.marker import Claim
from include.dedupe.errors import ArtifactError
from include.dedupe.gating.buried import keep_traces
from include.dedupe.storage import Storage

Use = Callable[[Storage], object]


def _indexed(lasting: Storage) -> object:
    return indexed_documents(lasting, [Entry("run", "a", "index", "", "", "", "", {})])


def _lease(place: Storage) -> object:
    with hold_lease(place, "A test", clock=lambda: 0.0) as lease:
        return lease


USES: dict[str, Use] = {
    "archive/run/batch.json": lambda lasting: read_entries(lasting, "run"),
    "tombstones/batch.json": read_tombstones,
    "indexed/run/batch.json": _indexed,
    "lease/0000000001.json": _lease,
    "stop.json": require_not_stopped,
    "identity.json": Claim.of,
    "gate/deleted/run-0.json": lambda lasting: keep_traces(lasting, "run"),
}


@pytest.mark.parametrize("data", [b"", b'[{"id": "a", "ru', b"\xff\xfe\x00", b"null", b'"x"', b"[[1]]", b"7"])
@pytest.mark.parametrize("name", USES)
def test_a_damaged_file_is_named_with_what_to_do(tmp_path: Path, name: str, data: bytes) -> None:
    lasting = Storage(str(tmp_path))
    lasting.write(name, data)

    with pytest.raises(ArtifactError, match=rf"{name} is damaged \(.+\); \w+"):
        USES[name](lasting)


@pytest.mark.parametrize(("name", "data"), [("archive/run/batch.json", b"{}"), ("indexed/run/b.json", b"[]")])
def test_what_is_empty_of_another_kind_is_damaged_too(tmp_path: Path, name: str, data: bytes) -> None:
    lasting = Storage(str(tmp_path))
    lasting.write(name, data)

    with pytest.raises(ArtifactError, match="is damaged"):
        USES["/".join([*name.split("/")[:-1], "batch.json"])](lasting)


def test_files_of_other_programs_are_no_leases(tmp_path: Path) -> None:
    lasting = Storage(str(tmp_path))
    for name in ("lease/Thumbs.db", "lease/desktop.ini"):
        lasting.write(name, b"")

    with hold_lease(lasting, "A test", clock=lambda: 0.0) as lease:
        assert lease.token == 1
