"""fields.csv: read whole, checked whole, and then written; what is wrong is said with line and column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import requests

from tests.support.embedded_server import run_sync
from tests.unit.flow_server.conftest import picture
from tests.unit.flow_server.folder.conftest import stored, sync, update

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.embedded_server import EmbeddedServer


def test_fields_csv_gives_fields_and_may_change_alone(server: EmbeddedServer, root: Path) -> None:
    table = root / "fields.csv"
    table.write_text("path,category,price_d,note_s\na.png,doors,2.5,\nsub/c.png,windows,,see b\n", "utf-8")
    sync(server, root)
    documents = stored(server)
    assert (documents["a.png"]["category"], documents["a.png"]["price_d"]) == ("doors", 2.5)
    assert "note_s" not in documents["a.png"]
    assert documents["sub/c.png"]["note_s"] == "see b"
    table.write_text("path,category,price_d\na.png,doors,3\n", "utf-8")
    assert "0 new, 2 changed, 0 gone, 1 unchanged" in sync(server, root)
    documents = stored(server)
    assert documents["a.png"]["price_d"] == 3.0
    assert "category" not in documents["sub/c.png"]
    hits = requests.get(f"{server.url}/duplicate", {"rank.by.id": "a.png"}, timeout=10).json()["response"]
    assert hits["numFound"] == 1


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("file,category\na.png,x\n", "first column must be 'path'"),
        ("path,category\nnone.png,x\n", "there is no picture 'none.png'"),
        ("path,category\na.png,x\na.png,y\n", "comes a second time"),
        ("path,category\na.png\n", "not as many cells"),
        ("path,category\na.png,x,y\n", "not as many cells"),
        ("path,width_i\na.png,5\n", "cannot be the name of a column"),
        ("path,price_d\na.png,cheap\n", "price_d"),
        ("path,id\na.png,5\n", "cannot be the name of a column"),
        ("", "first column must be 'path'"),
    ],
)
def test_a_wrong_fields_csv_is_one_sentence(root: Path, tmp_path: Path, table: str, said: str) -> None:
    (root / "fields.csv").write_text(table, "utf-8")
    done = run_sync(root, tmp_path / "data", "--workers", "1", expect=2)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (b"path;category\na.png;x\n", "line 1: the first column must be 'path'"),
        (b"path\tcategory\na.png\tx\n", "separated by '\\t'; save it with commas"),
        ("path,category\na.png,x\n".encode("utf-16"), "line 1 or later: byte 0xff is not UTF-8"),
        (b"path,category\na.png,Stra\xdfe\n", "byte 0xdf is not UTF-8; save it as 'CSV UTF-8'"),
        (b"path,sku,sku\na.png,1,2\n", "line 1: 'sku' cannot be the name of a column: it stands there twice"),
        (b"path,\na.png,1\n", "line 1: '' cannot be the name of a column: it is empty"),
        (b"path, sku\na.png,1\n", "it has spaces around it"),
        (b"path,sku:string\na.png,1\n", "its type is told by its ending, as in sku_s"),
        (b"path,unreadable_s\na.png,1\n", "the server fills this field itself"),
        (b'path,note_s\na.png,"two\nlines"\nb.png,x\na.png,y\n', "5: 'a.png' comes a second time, first"),
        (b"path,note_s\n\na.png,x,y\n", "line 3: it has not as many cells as the header, but 3 and not 2"),
        (b'path,note_s\na.png,"open\n', "line 2: it cannot be read"),
        (b"path,note_s\na.png,\0\nb.png,x,y\n", "line 3"),
        (b"path,count_i\na.png,1\nb.png,9999999999\n", "line 3, column 'count_i': '9999999999' is not a"),
        (b"path,taken_dt\na.png,04/12/2023\n", "line 2, column 'taken_dt': '04/12/2023' is not a date"),
        (b"path,sold_b\na.png,yes\n", "line 2, column 'sold_b': 'yes' is not true or false"),
        (b"path,price_d\na.png,1,5\n", "text that holds a comma stands in double quotes"),
        (b"path,price_d\na.png,\x1b[31m\n", "'\\x1b[31m' is not a number, which this field holds"),
        (b"path,x\nnone.png,1\nnor.png,2\n", "there is no picture 'none.png'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(root: Path, tmp_path: Path, table: bytes, said: str) -> None:
    (root / "fields.csv").write_bytes(table)
    done = run_sync(root, tmp_path / "data", "--workers", "1", expect=2)
    assert done.stderr.startswith("fields.csv")
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "\x1b" not in done.stderr


def test_a_fields_csv_that_is_no_file_is_said(root: Path, tmp_path: Path) -> None:
    (root / "fields.csv").mkdir()
    assert "not a regular file" in run_sync(root, tmp_path / "data", expect=2).stderr
    (root / "fields.csv").rmdir()
    (root / "fields.csv").symlink_to("nothing")
    assert "not a regular file" in run_sync(root, tmp_path / "data", expect=2).stderr


def test_a_column_takes_its_type_from_all_its_cells(server: EmbeddedServer, root: Path) -> None:
    table = root / "fields.csv"
    header = "path,sku,mixed,size,ratio,day,long,flag,word\n"
    first = "a.png,00712,712,3,1,2023-04-12,12345678901234567890,true,NOW\n"
    second = "b.png,00713,A-77,4,1.5,2023-04-13,1,false,NOW\n"
    table.write_bytes(b"\xef\xbb\xbf" + (header + first + second).encode())
    sync(server, root)
    a, b = stored(server)["a.png"], stored(server)["b.png"]
    assert [a[name] for name in header.strip().split(",")[1:]] == [
        *("00712", "712", 3, 1.0, "2023-04-12T00:00:00Z", "12345678901234567890", True, "NOW"),
    ]
    assert (b["sku"], b["mixed"], b["size"], b["ratio"]) == ("00713", "A-77", 4, 1.5)
    found = requests.get(f"{server.url}/select", {"q": "sku:00712"}, timeout=10).json()
    assert found["response"]["numFound"] == 1


def test_a_later_cell_that_does_not_fit_changes_nothing_and_is_said(
    server: EmbeddedServer, root: Path
) -> None:
    table = root / "fields.csv"
    table.write_text("path,sku,size\na.png,712,3\n")
    sync(server, root)
    before = stored(server)
    for wrong in ("A-77", "00713"):
        table.write_text(f"path,sku,size\na.png,712,4\nb.png,{wrong},5\n")
        said = sync(server, root, expect=2)
        assert f"fields.csv, line 3, column 'sku': '{wrong}' is not a whole number" in said
        assert "such as sku_s" in said
        assert stored(server) == before
    table.write_text("path,sku_s,size\na.png,712,4\nb.png,A-77,5\n")
    sync(server, root)
    assert stored(server)["b.png"]["sku_s"] == "A-77"
    assert "sku" not in stored(server)["a.png"]


def test_a_row_of_a_picture_that_is_gone_is_told_and_the_sync_goes_on(
    server: EmbeddedServer, root: Path
) -> None:
    table = root / "fields.csv"
    table.write_text("path,note_s\na.png,one\n")
    sync(server, root)
    update(server, {"delete": {"id": "a.png"}})
    (root / "a.png").rename(root.parent / "a.png")
    for _ in range(2):
        said = sync(server, root)
        assert (
            "note: fields.csv, line 2: there is no picture 'a.png' in the folder; the line is passed" in said
        )
    table.write_text("path,note_s\nb.png,two\nnever.png,x\n")
    said = sync(server, root)
    assert "note: fields.csv, line 3: there is no picture 'never.png'" in said
    assert stored(server)["b.png"]["note_s"] == "two"
    picture(0, 24).save(root / "a.png")
    table.write_text("path,note_s\na.png,three\nb.png,two\n")
    assert "1 deleted from the index earlier" in sync(server, root)
