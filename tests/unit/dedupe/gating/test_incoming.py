"""What manifests and folders hold, and how wrong lines are told."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
from pathlib import Path
from typing import Any

import fsspec
import pandas as pd
import pytest
from PIL import Image

from include.dedupe.errors import GateError
from include.dedupe.flow import Origin
from include.dedupe.gating.incoming import Incoming, Reader
from include.dedupe.gating.picture import measure, read_picture
from include.dedupe.settings.config import CollectionConfig

A = {"id": "a", "image": "a.jpg", "rating_i": 3, "labels": ["x", "y"]}
WEB = "https://cdn.example.com/b.jpg"


def config(**gate: Any) -> CollectionConfig:
    flow = {"connection": "flow_test", "collection": "plain"}
    return CollectionConfig.model_validate({"flow": flow, "gate": gate})


def read(place: Path, **gate: Any) -> list[Incoming]:
    return list(Reader(config(**gate)).read(str(place)))


def lines(folder: Path, *rows: object, name: str = "new.jsonl") -> Path:
    path = folder / name
    path.write_bytes(
        b"".join(row if isinstance(row, bytes) else f"{json.dumps(row)}\n".encode() for row in rows)
    )
    return path


def problem(folder: Path, row: object) -> str:
    (found,) = read(lines(folder, row))
    assert found.problem.startswith(f"line 1 of {folder}/new.jsonl: ")
    return found.problem.split(": ", 1)[1]


def test_a_manifest_of_each_kind_holds_the_same(tmp_path: Path) -> None:
    expected = [("a", "a.jpg", f"file://{tmp_path}/a.jpg"), ("b", WEB, WEB)]
    rows = [{"id": "a", "image": "a.jpg"}, {"id": "b", "image": WEB}]
    lines(tmp_path, *rows)
    (tmp_path / "new.jsonl.gz").write_bytes(gzip.compress((tmp_path / "new.jsonl").read_bytes()))
    pd.DataFrame(rows).to_csv(tmp_path / "new.csv", index=False)
    pd.DataFrame(rows).to_parquet(tmp_path / "new.parquet")
    for name in ("new.jsonl", "new.jsonl.gz", "new.csv", "new.parquet"):
        found = read(tmp_path / name)
        assert [(one.id, one.image, one.source) for one in found] == expected, name
        assert [one.number for one in found] == [1, 2]
        assert not [one for one in found if one.problem]


def test_fields_keep_their_types_and_an_address_may_be_put_before_paths(tmp_path: Path) -> None:
    rows = [
        A,
        {"id": 7, "file": "deep/c d.jpg", "none": None, "empty": []},
        {"id": "e", "file": "e.jpg", "image": WEB},
    ]
    first, second, third = read(lines(tmp_path, *rows), image_base="https://cdn.example.com/")
    assert first.document(config()) == {**A, "image": "https://cdn.example.com/a.jpg"}
    assert (second.id, second.fields) == ("7", {})
    assert (second.image, second.source) == (
        "https://cdn.example.com/deep/c d.jpg",
        f"file://{tmp_path}/deep/c d.jpg",
    )
    assert (third.image, third.source) == (WEB, f"file://{tmp_path}/e.jpg")


def test_dates_of_a_table_are_written_as_flow_wants_them(tmp_path: Path) -> None:
    moment = dt.datetime(2026, 4, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=2)))
    frame = pd.DataFrame(
        [{"id": "a", "image": WEB, "at_dt": moment, "day_dt": dt.date(2026, 4, 1), "x_d": 0.5}]
    )
    frame.to_parquet(tmp_path / "new.parquet")
    (found,) = read(tmp_path / "new.parquet")
    assert found.fields == {"at_dt": "2026-04-01T10:00:00Z", "day_dt": "2026-04-01T00:00:00Z", "x_d": 0.5}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (b'{"id": "a", \n', "it is no JSON"),
        (b'["a"]\n', "it is no JSON object"),
        (b'{"id": "a", "image": "a.jpg", "x_d": NaN}\n', "NaN is no number"),
        (b'{"id": "\xff"}\n', "it is no JSON"),
        (b"[" * 100_000 + b"\n", "it is no JSON"),
        (b'{"id": "\\ud800", "image": "a.jpg"}\n', "it holds what is no UTF-8"),
        ({"image": "a.jpg"}, "it has no id"),
        ({"id": "", "image": "a.jpg"}, "it has no id"),
        ({"id": True, "image": "a.jpg"}, "its id True is no text"),
        ({"id": "flow-dedupe-check-1", "image": WEB}, "belong to the check"),
        ({"id": "a"}, "it has no image"),
        ({"id": "a", "image": 5}, "it has no image"),
        ({"id": "a", "image": "../a.jpg"}, "neither an http address nor a path below"),
        ({"id": "a", "image": "/etc/passwd"}, "neither an http address nor a path below"),
        ({"id": "a", "image": "file:///etc/passwd"}, "neither an http address nor a path below"),
        ({"id": "a", "image": "x::file/a.jpg"}, "neither an http address nor a path below"),
        ({"id": "a", "image": WEB, "file": "../../a.jpg"}, "neither an http address nor a path below"),
        ({"id": "a", "image": WEB, "title_s": {"set": "x"}}, "not so title_s"),
        ({"id": "a", "image": WEB, "title_s": [["x"]]}, "not so title_s"),
        ({"id": "a", "image": WEB, "_version_": 5}, "it may not have the fields _version_"),
        ({"id": "a", "image": WEB, "gate_pending_s": "x"}, "it may not have the fields gate_pending_s"),
        ({"id": "a", "image": WEB, "duplicate_role_s": "x"}, "it may not have the fields duplicate_role_s"),
    ],
)
def test_a_line_that_cannot_be_taken_says_why(tmp_path: Path, row: object, told: str) -> None:
    assert told in problem(tmp_path, row)


def test_a_line_without_end_is_refused_and_the_next_one_read(tmp_path: Path) -> None:
    found = read(lines(tmp_path, b'{"id": "' + b"x" * 3_000_000 + b'"}\n', A))
    assert [bool(one.problem) for one in found] == [True, False]
    assert "longer than" in found[0].problem


def test_an_id_that_comes_twice_is_taken_once(tmp_path: Path) -> None:
    lines(tmp_path, A, name="one.jsonl")
    reader = Reader(config())
    found = [*reader.read(str(tmp_path / "one.jsonl")), *reader.read(str(lines(tmp_path, A)))]
    assert not found[0].problem
    assert (
        found[1].problem
        == f"line 1 of {tmp_path}/new.jsonl: the id is that of line 1 of {tmp_path}/one.jsonl already"
    )


def test_a_broken_line_of_csv_takes_no_other_with_it_unsaid(tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_bytes(b'id,image\na,a.jpg\nb\n"c,c.jpg\nd,d.jpg\ne,\xff.jpg\n')
    found = read(tmp_path / "new.csv")
    assert [(one.id, bool(one.problem)) for one in found] == [("a", False), *[("", True)] * 4]
    assert [one.problem.split(" of ")[0] for one in found[1:]] == ["line 3", "line 4", "line 5", "line 6"]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("new.csv", b"id,id\n"),
        ("new.parquet", b"nothing"),
        ("new.jsonl.gz", b"nothing"),
        ("nowhere.csv", None),
        ("x", None),
    ],
)
def test_a_manifest_that_cannot_be_read_at_all_fails(tmp_path: Path, name: str, data: bytes | None) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(GateError, match=name):
        read(tmp_path / name)


def test_a_folder_gives_its_pictures_and_counts_the_rest(tmp_path: Path) -> None:
    for name in ("b.JPG", "deep/a, #1%20.png", "notes.txt", "Makefile"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "again").symlink_to(tmp_path)
    reader = Reader(config(image_base="https://cdn.example.com/"))
    found = list(reader.read(str(tmp_path)))
    assert [one.id for one in found] == ["b.JPG", "deep/a, #1%20.png"]
    assert found[1].source == f"file://{tmp_path}/deep/a, #1%20.png"
    assert reader.left_out == {"linked folder": 1, ".txt": 1, "no suffix": 1}


def test_any_file_system_will_do(tmp_path: Path) -> None:
    files = fsspec.filesystem("memory")
    files.pipe_file("/in/new.jsonl", json.dumps(A).encode())
    files.pipe_file("/in/a.jpg", b"picture")
    (found,) = Reader(config()).read("memory://in/new.jsonl")
    assert read_picture(found.source, config(), Origin()) == b"picture"
    assert [one.id for one in Reader(config()).read("memory://in")] == ["a.jpg"]


@pytest.mark.parametrize(
    ("data", "told"), [(b"x" * 11, "more than the 10 bytes"), (b"", "is empty"), (None, "cannot be read")]
)
def test_a_picture_that_cannot_be_had_says_why(tmp_path: Path, data: bytes | None, told: str) -> None:
    if data is not None:
        (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(GateError, match=told):
        read_picture(f"file://{tmp_path}/a.jpg", config(max_picture_bytes=10), Origin())


def test_an_address_in_a_private_network_is_refused_unless_it_is_flows_own() -> None:
    with pytest.raises(GateError, match="allow_hosts"):
        read_picture("http://127.0.0.1:9/a.jpg", config(), Origin("http://localhost:8983"))


def test_a_picture_is_measured_upright() -> None:
    image = Image.new("RGB", (40, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    measures = {"width": "w_i", "height": "h_i", "bytes": None}
    assert measure(out.getvalue(), config(measures=measures)) == {"w_i": 20, "h_i": 40}
    assert measure(b"no picture", config()) == {"bytes_l": 10}
