"""Known pairs in one file say what they said in many, and nothing goes before that file is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from include.dedupe.clustering.known_pairs import FOLDER, known_scores
from include.dedupe.compact import compact, united
from include.dedupe.errors import ArtifactError
from include.dedupe.parquet import to_parquet
from include.dedupe.storage import Storage
from include.dedupe.tables import KNOWN_PAIRS

A_PAIR: dict[str, Any] = {
    "id_a": "a",
    "id_b": "b",
    "score": 0.9,
    "seen_from_a": True,
    "seen_from_b": False,
    "fingerprint_a": "1",
    "fingerprint_b": "2",
    "detector": "d",
    "floor": 0.6,
}


def pairs(*rows: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([A_PAIR | row for row in rows])[KNOWN_PAIRS.names]


@pytest.fixture
def lasting(tmp_path: Path) -> Storage:
    """The pair as two runs have found it, and another one."""
    storage = Storage.of(str(tmp_path), "pictures")
    for name, rows in {"1--a": [{}], "2--b": [{"score": 0.8}, {"id_b": "c"}]}.items():
        storage.create(f"{FOLDER}/{name}.parquet", to_parquet(pairs(*rows), KNOWN_PAIRS))
    return storage


def known(storage: Storage) -> tuple[Sequence[float], float | None]:
    scores, floor = known_scores(storage, "d")
    return sorted(scores), floor


@pytest.mark.parametrize(
    "other",
    [
        {"id_a": "0"},
        {"id_b": "c"},
        {"fingerprint_a": "3"},
        {"fingerprint_b": ""},
        {"fingerprint_a": None},
        {"fingerprint_a": None, "fingerprint_b": None},
        {"detector": "e"},
        {"detector": ""},
        {"detector": None},
    ],
)
def test_what_is_not_the_same_stays_beside_it(other: dict[str, Any]) -> None:
    """A document without a fingerprint was gone, or told none, when the pair was found."""
    kept = united(pairs({}, other, {"score": 0.8}, {**other, "score": 0.7}))
    assert sorted(kept["score"]) == [0.7, 0.8]
    assert kept.columns.tolist() == KNOWN_PAIRS.names


def test_the_last_score_the_highest_floor_and_all_sides_count() -> None:
    rows = ({"floor": 0.7}, {"score": 0.95, "seen_from_a": False, "seen_from_b": True}, {"score": 0.91})
    (kept,) = united(pairs(*rows)).to_dict("records")
    assert kept == A_PAIR | {"score": 0.91, "seen_from_b": True, "floor": 0.7}


def test_one_file_says_the_same_and_counts_as_old_as_the_newest(lasting: Storage, tmp_path: Path) -> None:
    before = known(lasting)
    told = compact(str(tmp_path), "pictures", dry_run=False)
    (name,) = lasting.names(FOLDER)
    assert (told.files, told.rows, told.kept_rows, known(lasting)) == (2, 3, 2, before)
    assert "2--b.parquet" > name > "1--a.parquet"
    assert compact(str(tmp_path), "pictures", dry_run=False).files == 1
    assert lasting.names(FOLDER) == [name]


@pytest.mark.parametrize("fails", ["disk", "taken"])
def test_where_the_new_file_cannot_be_written_nothing_goes(
    lasting: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    names, before = lasting.names(FOLDER), known(lasting)

    def create(self: Storage, name: str, data: bytes) -> bool:
        if fails == "disk":
            raise OSError(28, "No space left on device")
        return False

    monkeypatch.setattr(Storage, "create", create)
    with pytest.raises((ArtifactError, OSError), match=r"nothing was removed|No space left"):
        compact(str(tmp_path), "pictures", dry_run=False)
    assert (lasting.names(FOLDER), known(lasting)) == (names, before)


@pytest.mark.parametrize("removed", [0, 1])
def test_killed_while_the_old_files_go_it_has_lost_nothing(
    lasting: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, removed: int
) -> None:
    before, remove, left = known(lasting), Storage.remove, iter(range(removed))

    def dying(self: Storage, name: str) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        remove(self, name)

    with monkeypatch.context() as patched:
        patched.setattr(Storage, "remove", dying)
        with pytest.raises(KeyboardInterrupt):
            compact(str(tmp_path), "pictures", dry_run=False)
    assert (len(lasting.names(FOLDER)), known(lasting)) == (3 - removed, before)
    compact(str(tmp_path), "pictures", dry_run=False)
    assert (len(lasting.names(FOLDER)), known(lasting)) == (1, before)


def test_who_reads_while_it_compacts_reads_all(
    lasting: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files that were listed go before they are read."""
    before, read_many = known(lasting), Storage.read_many

    def late(self: Storage, names: Sequence[str]) -> list[bytes]:
        monkeypatch.setattr(Storage, "read_many", read_many)
        assert compact(str(tmp_path), "pictures", dry_run=False).files == 2
        return read_many(self, names)

    monkeypatch.setattr(Storage, "read_many", late)
    assert known(lasting) == before


@pytest.mark.parametrize("data", [b"", b"PAR1", b"{}"])
def test_a_damaged_file_is_named_and_all_stay(lasting: Storage, tmp_path: Path, data: bytes) -> None:
    lasting.write(f"{FOLDER}/0--x.parquet", data)
    names = lasting.names(FOLDER)
    with pytest.raises(ArtifactError, match=rf"{FOLDER}/0--x.parquet is damaged"):
        compact(str(tmp_path), "pictures", dry_run=False)
    assert lasting.names(FOLDER) == names
