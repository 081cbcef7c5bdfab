"""A folder is what it is: whatever lies in it is taken, named with its reason, or counted."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from include.flow_server.folder.examine import Job, examine
from include.flow_server.folder.kinds import SUFFIXES
from include.flow_server.folder.report import SyncReport
from include.flow_server.folder.walk import FolderError, Walk, same_files, walk
from tests.support.embedded_server import REPOSITORY
from tests.unit.flow_server.conftest import picture

READABLE = [
    *(
        ".jpg",
        ".JPEG",
        ".jpe",
        ".jfif",
        ".jfi",
        ".jif",
        ".mpo",
        ".png",
        ".apng",
        ".gif",
        ".webp",
        ".tif",
        ".tiff",
    ),
    *(
        ".bmp",
        ".dib",
        ".heic",
        ".heif",
        ".hif",
        ".avif",
        ".jp2",
        ".j2k",
        ".jpc",
        ".jpx",
        ".ppm",
        ".pgm",
        ".ico",
    ),
]


def paths(walked: Walk) -> list[str]:
    return [one.path for one in walked.pictures]


def said(walked: Walk) -> str:
    report = SyncReport(walked.left_out, failed=walked.failed)
    return "\n".join([*report.summary(), *report.lines()])


def without_root_rights(command: list[str]) -> list[str]:
    """The command, for a user who may read only what the permissions let him."""
    if os.geteuid() != 0:
        return command
    if shutil.which("setpriv") is None:
        pytest.skip("root reads everything, and there is no setpriv")
    rights = "-dac_override,-dac_read_search"
    return ["setpriv", f"--inh-caps={rights}", f"--bounding-set={rights}", *command]


def test_links_are_named_and_are_no_copies(root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    picture(9, 24).save(tmp_path / "elsewhere" / "far.png")
    links = {
        "loop.jpg": "loop.jpg",
        "there.jpg": "back.jpg",
        "back.jpg": "there.jpg",
        "dangling.png": "nothing.png",
        "dangling": "nothing",
        "best.png": "sub/c.png",
        "best.txt": "sub/c.png",
        "far.png": "../elsewhere/far.png",
        "linked": "../elsewhere",
        "sub/up": "..",
        "myself": "myself",
    }
    for name, target in links.items():
        (root / name).symlink_to(target)
    walked = walk(root)
    assert paths(walked) == ["a.png", "b.png", "sub/c.png"]
    assert [path for path, _ in walked.failed] == [
        "back.jpg",
        "dangling.png",
        "far.png",
        "loop.jpg",
        "there.jpg",
    ]
    text = said(walked)
    assert "unreadable: loop.jpg: it is a link that leads nowhere: Too many levels" in text
    assert "left out: best.png: it is a link to sub/c.png, and no copy of it" in text
    assert "left out: sub/up: it is a link to ., links are not followed" in text.replace(";", ",")
    for name in links:
        assert f": {name}: it is a link" in text
    assert "links 4" in text
    assert "linked folders 2" in text


def test_a_folder_that_is_a_link_itself_is_walked(root: Path, tmp_path: Path) -> None:
    (tmp_path / "name").symlink_to(root)
    assert paths(walk(tmp_path / "name")) == paths(walk(root))


def test_every_suffix_that_can_be_read_is_taken_and_all_others_are_counted(root: Path) -> None:
    others = [".nef", ".NEF", ".cr2", ".xmp", ".mov", ".psd", ".eps", ".jxl", ".jpg_large", ".jpg~"]
    for number, suffix in enumerate([*READABLE, *others]):
        (root / f"x{number}{suffix}").write_bytes(b"x")
    (root / "notes").write_text("text")
    walked = walk(root)
    assert len(walked.pictures) == 3 + len(READABLE)
    assert walked.left_out.kinds == {
        ".nef": 2,
        **dict.fromkeys({one.lower() for one in others} - {".nef"}, 1),
        "": 1,
    }
    assert "left out: other kinds 11 (.nef 2, " in said(walked)
    assert "without suffix 1" in said(walked)
    assert not {".eps", ".psd", ".pdf"} & SUFFIXES.keys()


def test_a_picture_without_suffix_is_told_by_its_first_bytes(root: Path) -> None:
    for kind in ("JPEG", "PNG", "GIF", "WEBP", "TIFF"):
        picture(4, 24).save(root / f"as {kind}", format=kind)
    (root / "BMP text").write_text("BMP is a format")
    walked = walk(root)
    assert [path for path in paths(walked) if path.startswith("as ")] == [
        "as GIF",
        "as JPEG",
        "as PNG",
        "as TIFF",
        "as WEBP",
    ]
    assert walked.left_out.kinds == {"": 1}


def test_thumbnails_of_devices_and_hidden_files_are_left_out_by_name(root: Path) -> None:
    shape = picture(5, 24)
    left_out = ["@eaDir/a.png/X_XL.png", "#Recycle/x.png", "$RECYCLE.BIN/x.png", "sub/.thumbnails/x.png"]
    left_out += ["lost+found/x.png", ".x.png", "._a.png", "sub/@eadir/deep/er/x.png"]
    for name in left_out:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shape.save(root / name)
    walked = walk(root)
    assert paths(walked) == ["a.png", "b.png", "sub/c.png"]
    assert walked.left_out.names == {".*": 3, "@eaDir": 2, "#recycle": 1, "$RECYCLE.BIN": 1, "lost+found": 1}
    assert "by name 8 (hidden 3, @eaDir 2, " in said(walked)
    assert set(left_out) <= walked.left_out.paths
    assert len(walk(root, ()).pictures) == 3 + len(left_out)
    assert paths(walk(root, ("SUB", "b.*"))) == [
        path for path in paths(walk(root, ())) if not path.startswith(("sub/", "b."))
    ]
    assert "sub/c.png" not in paths(walk(root, ("sub/*.png",)))


def test_what_is_no_regular_file_is_named(root: Path) -> None:
    os.mkfifo(root / "pipe.jpg")
    os.mkfifo(root / "pipe")
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(root / "talk.png"))
    listening.close()
    (root / "folder.jpg").mkdir()
    picture(6, 24).save(root / "folder.jpg" / "d.png")
    walked = walk(root)
    assert paths(walked) == ["a.png", "b.png", "folder.jpg/d.png", "sub/c.png"]
    assert walked.failed == [
        ("pipe.jpg", "it is not a regular file"),
        ("talk.png", "it is not a regular file"),
    ]
    assert "left out: pipe: it is not a regular file" in said(walked)


def test_odd_names_are_taken_and_broken_ones_named_readably(root: Path) -> None:
    odd = [
        "back\\slash.png",
        "line\nbreak.png",
        "ü.png",
        "u\u0308.png",
        " a .png",
        "-rf.png",
        "esc\x1b[31m.png",
    ]
    for name in odd:
        shutil.copy(root / "a.png", root / name)
    Path(os.fsdecode(os.fsencode(root) + b"/bro\xffken.png")).write_bytes((root / "a.png").read_bytes())
    Path(os.fsdecode(os.fsencode(root) + b"/fold\xe4r")).mkdir()
    Path(os.fsdecode(os.fsencode(root) + b"/fold\xe4r/in.png")).write_bytes(b"")
    (root / "line\nbreak\x1b.png").symlink_to("nothing")
    walked = walk(root)
    assert set(odd) <= set(paths(walked))
    text = said(walked)
    assert r"unreadable: bro\udcffken.png: its name is not valid UTF-8: rename it" in text
    assert r"unreadable: fold\udce4r/in.png: its name" in text
    assert r"unreadable: line\nbreak\x1b.png: it is a link" in text
    assert "\x1b" not in text


def test_hard_links_are_one_file(root: Path) -> None:
    os.link(root / "b.png", root / "a-link.png")
    os.link(root / "b.png", root / "sub" / "z.png")
    os.link(root / "a.png", root.parent / "outside.png")
    walked = walk(root)
    assert same_files(walked.pictures) == dict.fromkeys(["a-link.png", "b.png", "sub/z.png"], "a-link.png")


def test_a_folder_or_file_that_is_mounted_twice_is_taken_once(root: Path) -> None:
    """Removing such a file in one place would remove it in the other, too."""
    (root / "twice").mkdir()
    (root / "z.png").touch()
    show = "from pathlib import Path; from include.flow_server.folder.walk import walk; w = walk(Path('{0}'))"
    show += "; print([one.path for one in w.pictures], *w.left_out.each(), sep='\\n')"
    mount = 'mount --bind {0}/sub {0}/twice && mount --bind {0}/a.png {0}/z.png && exec {1} -c "' + show + '"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mount.format(root, sys.executable)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if "ermission denied" in done.stderr or "not permitted" in done.stderr:
        pytest.skip(f"nothing can be mounted here: {done.stderr}")
    assert done.stdout.splitlines() == [
        "['a.png', 'b.png', 'sub/c.png']",
        "left out: twice: it is the folder sub once more",
        "left out: z.png: it is the file a.png once more",
    ], done.stderr


@pytest.mark.parametrize("mode", [0o000, 0o300, 0o400])
def test_a_folder_without_permission_is_named_and_the_rest_goes_on(
    root: Path, tmp_path: Path, mode: int
) -> None:
    (root / "lost").mkdir()
    shutil.copy(root / "a.png", root / "lost" / "d.png")
    (root / "lost+found").mkdir()
    command = [
        sys.executable,
        "-m",
        "include.flow_server",
        "sync",
        str(root),
        "--data",
        str(tmp_path / "data"),
        "--workers",
        "1",
    ]

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            without_root_rights(command), cwd=REPOSITORY, capture_output=True, text=True, check=False
        )

    assert run().returncode == 0
    for name in ("lost", "lost+found"):
        (root / name).chmod(mode)
    (root / "b.png").chmod(0)
    done = run()
    for name in ("lost", "lost+found"):
        (root / name).chmod(0o700)
    assert done.returncode == 3, done.stderr
    assert "0 gone, 2 unchanged" in done.stdout
    assert "unreadable: lost" in done.stderr
    assert "unreadable: b.png: it cannot be opened: Permission denied" in done.stderr
    assert "unreadable: lost+found" not in done.stderr
    assert ("left out: lost+found: it cannot be listed" in done.stderr) == (mode != 0o400)
    (root / "b.png").chmod(0o600)
    done = run()
    assert "1 changed, 0 gone, 3 unchanged, 0 unreadable" in done.stdout


def test_a_folder_without_a_picture_says_what_it_holds(tmp_path: Path) -> None:
    (tmp_path / "raw.nef").touch()
    with pytest.raises(FolderError, match=r"holds no picture; left out: other kinds 1 \(.nef 1\)"):
        walk(tmp_path)


def test_a_picture_under_a_wrong_suffix_is_what_its_bytes_are(root: Path) -> None:
    Image.open(root / "a.png").save(root / "png.jfif", format="PNG")
    examined = examine(Job(str(root), "png.jfif", "", 10_000_000))
    assert examined.analysis is not None
    assert examined.analysis.descriptor.format == "PNG"
