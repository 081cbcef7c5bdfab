"""What a sync left out is in the report of the run: counts, and some paths."""

from __future__ import annotations

import json

from include.dedupe.reporting.pictures import WebPictures
from include.dedupe.reporting.report import report
from tests.support.acting import FIRST
from tests.support.library import Library, jpeg, library, library_server, photo

__all__ = ["library", "library_server"]
CAT = jpeg(photo())


def test_the_report_says_what_the_sync_left_out(library: Library) -> None:
    (library.folder / "in" / "@eaDir").mkdir(parents=True)
    (library.folder / "a.jpg").write_bytes(CAT)
    (library.folder / "in" / "broken <b>.jpg").write_bytes(CAT[:100])
    (library.folder / "in" / "@eaDir" / "thumb.jpg").write_bytes(CAT)
    (library.folder / "film.mov").write_bytes(b"film")
    for number in range(7):
        (library.folder / f"{number}.xmp").write_bytes(b"<x/>")
    (library.folder / "linked").symlink_to(library.folder / "in")
    server = library.acting.server
    server.sync(library.folder, "--collection", "library", "--allow-missing", "--workers", "1", expect=3)
    config = library.acting.config(policies={"exact": {"do": "report"}})
    run = library.acting.run()
    library.acting.decide(run, config)
    report(run, FIRST, WebPictures(server.base, ()))
    told = json.loads(run.storage.read("report/summary.json"))["left_out"]
    counts = {one["what"]: one["count"] for one in told}
    assert counts["unreadable"] == 1
    assert (counts["other kinds: .xmp"], counts["other kinds: .mov"]) == (7, 1)
    assert counts["by name: @eaDir"] == 1
    assert counts["linked folders"] == 1
    (kinds,) = [one for one in told if one["what"] == "other kinds: .xmp"]
    assert kinds["examples"] == ["0.xmp", "1.xmp", "2.xmp", "3.xmp", "4.xmp"]
    page = run.storage.read("report/report.html").decode()
    assert "Left out of the folder" in page
    assert "in/broken &lt;b&gt;.jpg: " in page
    assert "film.mov" in page
    assert "linked: " in page
